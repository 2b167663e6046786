// plotly.js of this page: a place for each version, with a promise that panels wait for.
function plotlyPlace(version) {
  const place = (((globalThis.__reluLearn ??= {}).plotly ??= {})[version] ??= {});
  place.ready ??= new Promise((resolve, reject) => Object.assign(place, { resolve, reject }));
  return place;
}

// Begin to read it, unless another widget of this page was first.
function beginPlotly(library) {
  const place = plotlyPlace(library.get("version"));
  if (place.loading) return;
  place.loading = true;
  load(library.get("compressed")).then(place.resolve, (error) => {
    place.reject(error);
    delete place.ready;
    place.loading = false;
  });
}

async function load(compressed) {
  const stream = new Blob([compressed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const source = await new Response(stream).text();
  // plotly.js is a UMD bundle: hand it a `module` of its own, so that whatever another extension
  // keeps in window.Plotly stays untouched.
  const key = "__reluLearnModule";
  const before = globalThis.Plotly;
  globalThis[key] = { exports: {} };
  const head = `{const module=globalThis.${key};const define=undefined;`;
  const url = URL.createObjectURL(new Blob([head, source, "}"], { type: "text/javascript" }));
  try {
    await new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = url;
      script.onload = resolve;
      script.onerror = () => reject(new Error("the page refused to run it"));
      document.head.appendChild(script);
      script.remove();
    });
    return globalThis[key].exports;
  } finally {
    URL.revokeObjectURL(url);
    delete globalThis[key];
    if (before) globalThis.Plotly = before;
    else delete globalThis.Plotly;
  }
}
