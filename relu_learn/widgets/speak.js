// For those who listen. ipywidgets' sliders say neither their name nor the value that is written
// beside them (a slider over a few words would say the number of the word); a figure is described
// by the sentence and the counters of its explorer, which are always those of the moment.
function speak(root, plot) {
  const words = root.querySelector(".rl-narration")?.parentElement;
  if (words) {
    words.id ||= `rl-words-${Math.random().toString(36).slice(2)}`;
    plot.setAttribute("aria-describedby", words.id);
  }
  if (root.rlSpeaks) return;
  root.rlSpeaks = true;
  const tell = () => {
    for (const handle of root.querySelectorAll(".noUi-handle")) {
      const box = handle.closest(".widget-inline-hbox");
      const [label, readout] = [".widget-label", ".widget-readout"].map((q) => box?.querySelector(q));
      const said = { "aria-label": label?.textContent, "aria-valuetext": readout?.textContent };
      for (const [name, text] of Object.entries(said))
        if (text && handle.getAttribute(name) !== text) handle.setAttribute(name, text);
    }
  };
  new MutationObserver(tell).observe(root, { childList: true, subtree: true });
  tell();
}
