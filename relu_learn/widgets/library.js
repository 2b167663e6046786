// Puts plotly.js into the page, once per page and version; panels wait for the promise.
export default {
  initialize({ model }) {
    follow(model);
    beginPlotly(model); // and return at once: after two seconds anywidget declares a model dead
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
