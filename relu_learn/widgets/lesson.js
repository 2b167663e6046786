// A recorded run: Play, a slider, and the sentence that goes with each event.
const READING = 1500; // milliseconds for a short sentence
const NARROW = matchMedia("(max-width: 700px)");

function start(box) {
  const { figure, narrow } = JSON.parse(box.querySelector("script").textContent);
  const [plot, button, slider, told] = [".plot", "button", "input", ".told"].map((q) => box.querySelector(q));
  const wide = Object.fromEntries(Object.keys(narrow).map((path) => [path, figure.layout[path.split(".")[0]].domain]));
  let timer = 0;
  // One view below the other, without legend and scale: there is no room beside them.
  const arrange = async () => {
    const slim = NARROW.matches;
    await Plotly.restyle(plot, { showscale: !slim }, [...figure.data.keys()].filter((i) => figure.data[i].colorbar));
    await Plotly.relayout(plot, { ...(slim ? narrow : wide), showlegend: !slim });
  };
  const shown = { mode: "immediate", frame: { duration: 0, redraw: true }, transition: { duration: 0 } };
  const tell = () => {
    const page = new DOMParser().parseFromString(plot.layout.annotations.at(-1).text, "text/html");
    page.querySelectorAll("br").forEach((gap, i) => gap.replaceWith(i ? " " : ": "));
    told.textContent = page.body.textContent.replace(/(?<![\w-])-(?=\d)/g, "\u2212");
    slider.setAttribute("aria-valuetext", told.textContent);
  };
  const go = async (to) => {
    slider.value = to;
    await Plotly.animate(plot, [figure.frames[to].name], shown).catch(() => {});
    tell();
  };
  const stop = () => {
    clearInterval(timer);
    timer = 0;
    button.textContent = "Play";
  };
  button.addEventListener("click", () => {
    if (timer) return stop();
    if (slider.value === slider.max) go(0);
    button.textContent = "Pause";
    timer = setInterval(() => {
      if (Number(slider.value) < Number(slider.max)) go(Number(slider.value) + 1);
      else stop();
    }, READING);
  });
  slider.addEventListener("input", () => { stop(); go(Number(slider.value)); });
  NARROW.addEventListener("change", arrange);
  const margin = { ...figure.layout.margin, t: 40, b: 110 };
  Plotly.newPlot(plot, figure.data, { ...figure.layout, margin }, { responsive: true, displayModeBar: false })
    .then(() => Plotly.addFrames(plot, figure.frames))
    .then(arrange)
    .then(() => go(0));
}

addEventListener("load", () => document.querySelectorAll(".run").forEach(start));
