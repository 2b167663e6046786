// A range input that reports what a hand does to it, and nothing else: unlike a slider whose value
// both sides write, it cannot answer an update from the kernel with an older value of its own.
export default {
  initialize: ({ model }) => lifeline(model),
  render({ model, el }) {
    el.classList.add("rl-scrubber");
    const label = document.createElement("label");
    const input = Object.assign(document.createElement("input"), { type: "range", min: 0, step: 1 });
    const text = Object.assign(document.createElement("span"), { className: "rl-scrubber-text" });
    label.append(model.get("label"), input);
    el.append(label, text);
    let held = false; // a hand is on it: the kernel does not move it now
    let waiting = 0; // the kernel has not yet shown what was asked for
    let wanted = null;
    const show = () => {
      input.max = model.get("last");
      if (!held && wanted === null) input.value = model.get("position");
      text.textContent = model.get("text");
      input.setAttribute("aria-valuetext", model.get("text"));
    };
    const ask = () => {
      clearTimeout(waiting);
      waiting = 0;
      if (wanted === null) return show();
      model.send({ seek: wanted });
      wanted = null;
      waiting = setTimeout(ask, 1000); // should the answer get lost
    };
    input.addEventListener("input", () => {
      wanted = Number(input.value);
      if (!waiting) ask(); // one request at a time; of those in between only the last counts
    });
    // JupyterLab takes the arrow keys for itself as soon as they bubble up to the page.
    input.addEventListener("keydown", (event) => event.stopPropagation());
    input.addEventListener("pointerdown", () => { held = true; });
    for (const end of ["pointerup", "pointercancel", "blur"])
      input.addEventListener(end, () => { held = false; });
    for (const name of ["last", "position", "text"]) model.on(`change:${name}`, show);
    model.on("change:answered", ask);
    show();
  },
};
