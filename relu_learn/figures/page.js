// Keys for plotly's own slider and buttons, and the sentence for people who cannot see the figure.
const plot = document.getElementById("{plot_id}");
const [slider] = plot.layout.sliders;
const [play, , pause] = plot.layout.updatemenus[0].buttons;
const names = slider.steps.map((step) => step.args[0][0]);
let here = 0;
let playing = false;

const press = (control) => Plotly.animate(plot, ...control.args);
// Whoever presses while it plays interrupts it: plotly.js rejects that promise, without a reason.
window.addEventListener("unhandledrejection", (event) => {
  if (event.reason === undefined) event.preventDefault();
});
const go = (to) => press(slider.steps[Math.max(0, Math.min(to, names.length - 1))]);
const keys = {
  " ": () => press(playing ? pause : play),
  ArrowRight: () => go(here + 1),
  ArrowLeft: () => go(here - 1),
  Home: () => go(0),
  End: () => go(names.length - 1),
};
document.addEventListener("keydown", (event) => {
  if (!(event.key in keys) || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  keys[event.key]();
});
plot.on("plotly_animating", () => (playing = true));
plot.on("plotly_animated", () => (playing = false));
plot.on("plotly_animatingframe", (frame) => (here = names.indexOf(frame.name)));

const tell = () => {
  const page = new DOMParser().parseFromString(plot.layout.annotations.at(-1).text, "text/html");
  page.querySelectorAll("br").forEach((gap) => gap.replaceWith(" "));
  const status = document.querySelector("[role=status]");
  if (status.textContent !== page.body.textContent) status.textContent = page.body.textContent;
};
plot.on("plotly_afterplot", tell);
tell();
