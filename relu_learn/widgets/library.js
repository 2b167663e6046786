// Puts plotly.js into the page, once per page and version; panels wait for the promise.
export default {
  initialize({ model }) {
    follow(model);
    // Must return at once: anywidget declares a model dead for ever after two seconds.
    const pages = ((globalThis.__reluLearn ??= {}).plotly ??= {});
    const slot = (pages[model.get("version")] ??= {});
    slot.ready ??= new Promise((resolve, reject) => Object.assign(slot, { resolve, reject }));
    if (slot.loading) return; // another notebook of this page was first
    slot.loading = true;
    load(model.get("compressed")).then(slot.resolve, (error) => {
      slot.reject(error);
      delete slot.ready;
      slot.loading = false;
    });
  },
};

// Whether the page is dark: JupyterLab and Notebook, VS Code and Colab say so in attributes of body
// or html; elsewhere the system's own wish counts only if the page looks like it.
function follow(model) {
  const { body, documentElement: html } = document;
  const dark = () => {
    if (body.dataset.jpThemeLight) return body.dataset.jpThemeLight === "false";
    if (body.dataset.vscodeThemeKind) return /dark|high-contrast$/.test(body.dataset.vscodeThemeKind);
    if (body.classList.contains("vscode-dark")) return true;
    return html.getAttribute("theme") === "dark";
  };
  const tell = () => {
    if (model.get("dark") === dark()) return;
    model.set("dark", dark());
    try {
      model.save_changes();
    } catch (error) {
      console.warn("relu_learn:", error.message); // the kernel is gone; the figures stay as they are
    }
  };
  const observer = new MutationObserver(tell);
  const attributeFilter = ["data-jp-theme-light", "data-vscode-theme-kind", "class", "theme"];
  for (const part of [body, html]) observer.observe(part, { attributes: true, attributeFilter });
  tell();
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
