// One sentence that changes in place: screen readers announce changes of a region that stays.
export default {
  initialize: ({ model }) => lifeline(model),
  render({ model, el }) {
    const facts = Object.assign(document.createElement("div"), { className: "rl-facts" });
    const text = Object.assign(document.createElement("div"), { className: "rl-narration" });
    text.setAttribute("role", "status");
    text.setAttribute("aria-live", "polite");
    const show = () => {
      facts.textContent = model.get("facts");
      // Only what is new: a live region is read aloud whenever it is set.
      if (text.textContent !== model.get("sentence")) text.textContent = model.get("sentence");
    };
    el.append(facts, text);
    show();
    for (const name of ["facts", "sentence", "told"]) model.on(`change:${name}`, show);
  },
};
