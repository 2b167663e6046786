// anywidget (0.11) drops whatever the kernel sends to a model that took longer than two seconds to
// start, for ever and without a word: on a slow computer, a page that is drawing other figures
// meanwhile. But a module that runs has started, late or not. So it takes the messages directly
// from here on, and tells the kernel that it is there, which sends what was lost.
function lifeline(model) {
  let raw;
  const key = "_started";
  model.on(`change:${key}`, (it) => { raw ??= it; });
  model.set(key, model.get(key) + 1);
  const handler = raw && Object.getPrototypeOf(Object.getPrototypeOf(raw))._handle_comm_msg;
  try {
    if (handler) raw.comm.on_msg(handler.bind(raw));
    model.save_changes();
  } catch (error) {
    console.warn("relu_learn:", error.message); // the kernel is gone; what is here stays
  }
  return () => raw?.comm_live !== false; // whether the kernel is still there
}

// Every control of the notebook around `el` is dead: say so once, above them, and what to press.
function kernelGone(el) {
  const page = el?.closest(".jp-Notebook") ?? document;
  for (const box of page.querySelectorAll(".rl-root")) {
    if (box.querySelector(":scope > .rl-gone")) continue;
    const words = Object.assign(document.createElement("div"), { className: "rl-gone" });
    words.setAttribute("role", "alert");
    words.textContent = "The kernel was stopped or restarted, so nothing here moves any more. " +
      "Press \u25b6\u25b6 in the bar above (restart the kernel and run all cells).";
    box.prepend(words);
  }
}
