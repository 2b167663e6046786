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
}

