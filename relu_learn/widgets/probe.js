// Tells the kernel that the page is alive, when the figure beside it is drawn, and answers pings.
export default {
  initialize: ({ model }) => lifeline(model),
  render({ model, el, signal }) {
    el.style.display = "none";
    const tell = (content) => {
      try { model.send(content); } catch (error) { console.warn("relu_learn:", error.message); }
    };
    tell({ kind: "alive" });
    const timer = setInterval(() => {
      const root = el.closest(".rl-root");
      if (!root?.querySelector(".js-plotly-plot .main-svg")) return;
      clearInterval(timer);
      tell({ kind: "drawn" });
    }, 20);
    const answer = (message) => {
      if (message?.kind === "ping") requestAnimationFrame(() => tell({ kind: "pong" }));
    };
    model.on("msg:custom", answer);
    signal?.addEventListener("abort", () => {
      clearInterval(timer);
      model.off("msg:custom", answer);
    });
  },
};
