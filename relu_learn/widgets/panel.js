// A figure that is drawn once and then patched. One model per figure, one <div> per view of it.
const ARRAYS = {
  f8: Float64Array, f4: Float32Array, i4: Int32Array, u4: Uint32Array,
  i2: Int16Array, u2: Uint16Array, i1: Int8Array, u1: Uint8Array,
};

// {$nd, shape, data} -> typed array, or rows of one
function decode(value) {
  if (Array.isArray(value)) return value.map(decode);
  if (!value || typeof value !== "object" || ArrayBuffer.isView(value)) return value;
  if (!value.$nd) return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, decode(v)]));
  const { data, shape } = value;
  const bytes = data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength);
  const flat = new ARRAYS[value.$nd](bytes);
  if (shape.length === 1) return flat;
  const width = shape[1];
  return Array.from({ length: shape[0] }, (_, i) => flat.subarray(i * width, (i + 1) * width));
}

function assign(tree, path, value) {
  const keys = path.replace(/\[(\d+)\]/g, ".$1").split(".");
  const last = keys.pop();
  keys.forEach((key, i) => {
    tree = tree[key] ??= /^\d+$/.test(keys[i + 1] ?? last) ? [] : {};
  });
  tree[last] = value;
}

function merge(figure, patch) {
  for (const [i, changes] of Object.entries(patch.traces ?? {}))
    for (const [path, value] of Object.entries(changes)) assign(figure.data[i], path, value);
  for (const [path, value] of Object.entries(patch.layout ?? {})) assign(figure.layout, path, value);
}

// First draws go one at a time with a breather in between: a long block of the page's main thread
// makes anywidget give up on other widgets that are just starting.
const shared = (globalThis.__reluLearn ??= {});
function enqueue(job) {
  shared.queue = (shared.queue ?? Promise.resolve())
    .then(job)
    .catch((error) => console.error(error))
    .then(() => new Promise((resolve) => setTimeout(resolve)));
}

const LATE = 10_000; // milliseconds: it takes one or two seconds on a slow computer

export default () => {
  const views = new Set();
  let figure; // encoded, kept current by merge()
  let patches = 0; // that arrived
  let alive;
  return {
    initialize({ model }) {
      figure = model.get("_figure");
      model.on("change:_figure", () => {
        figure = model.get("_figure");
        for (const view of views) view.replace();
      });
      model.on("msg:custom", (message, buffers) => {
        if (message?.kind === "sent" && message.patches !== patches) {
          patches = message.patches;
          model.send({ kind: "missed" });
        }
        if (message?.kind !== "patch") return;
        patches += 1;
        for (const [path, i] of message.places)
          path.reduce((tree, key) => tree[key], message).data = buffers[i];
        merge(figure, message);
        for (const view of views) view.patch(message);
      });
      alive = lifeline(model);
    },
    render({ model, el, signal }) {
      const died = () => { if (!alive()) kernelGone(el); };
      model.on("comm_live_update", died);
      signal?.addEventListener("abort", () => model.off("comm_live_update", died));
      const view = new View(model, el, signal, () => figure);
      views.add(view);
      return () => {
        views.delete(view);
        view.remove();
      };
    },
  };
};

class View {
  constructor(model, el, signal, figure) {
    Object.assign(this, { model, signal, figure });
    this.todo = [];
    this.frame = 0;
    this.width = 0;
    el.classList.add("rl-panel");
    this.el = el;
    this.plot = Object.assign(document.createElement("div"), { className: "rl-plot" });
    this.plot.setAttribute("role", "img");
    this.error = Object.assign(document.createElement("div"), { className: "rl-panel-error" });
    this.error.setAttribute("role", "alert");
    el.append(this.plot, this.error);
    this.layer = new Layer(this.plot);
    this.motion = new Motion(this.layer);
    addEventListener("rl-hands", () => this.overlay(), { signal });
    this.describe();
    this.redescribe = () => this.describe();
    for (const name of ["label", "error"]) model.on(`change:${name}`, this.redescribe);
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(this.plot);
    let why = "";
    // In Colab every output is a page of its own, which has to ask for plotly.js itself.
    const ask = async () => beginPlotly(await model.widget_manager.get_model(model.get("library")));
    ask().catch((error) => { why = ` (${error.message})`; });
    const late = setTimeout(() => {
      this.error.textContent = `The part of this page that draws figures has not arrived${why}. ` +
        "Press \u25b6\u25b6 in the bar above (restart the kernel and run all cells).";
    }, LATE);
    signal?.addEventListener("abort", () => clearTimeout(late));
    plotlyPlace(model.get("version")).ready.then(
      (Plotly) => {
        clearTimeout(late);
        this.describe();
        this.Plotly = Plotly;
        this.resize(true);
      },
      (error) => { this.error.textContent = `plotly.js could not be loaded: ${error.message}`; },
    );
  }

  describe() {
    this.plot.setAttribute("aria-label", this.model.get("label"));
    this.error.textContent = this.model.get("error");
    this.el.style.setProperty("--rl-own", `${this.figure().layout?.height ?? 360}px`);
  }

  // A hidden tab has no width yet: the first draw waits for one, later ones follow it.
  resize(force = false) {
    const { clientWidth: width, clientHeight: height } = this.plot;
    if (this.gone || !width || !height) return;
    fit(this.el);
    this.knock();
    if (width === this.width && height === this.height && !force) return;
    Object.assign(this, { width, height });
    if (!this.Plotly) return;
    if (!this.asked) {
      this.asked = true;
      enqueue(() => this.draw());
    } else if (this.drawn) {
      this.Plotly.Plots.resize(this.plot);
    }
  }

  fresh() {
    const { data, layout, config } = decode(this.figure());
    const size = { autosize: true, width: undefined, height: undefined };
    return { data, config, layout: { uirevision: "keep", ...layout, ...size } };
  }

  async draw() {
    if (this.gone) return;
    const { data, layout, config } = this.fresh();
    this.drawn = true;
    await this.Plotly.newPlot(this.plot, data, layout, config);
    if (this.gone) this.Plotly.purge(this.plot);
    else this.listen();
  }

  replace() {
    this.describe();
    if (!this.drawn) return;
    this.motion.stop?.();
    this.todo = [];
    const { data, layout, config } = this.fresh();
    this.Plotly.react(this.plot, data, layout, config);
  }

  patch(patch) {
    if (!this.drawn) return; // the first draw will show it
    this.todo.push(patch);
    this.schedule();
  }

  // All patches that arrive within one animation frame become one update. Hidden pages have no
  // animation frames.
  schedule() {
    const later = document.hidden ? (f) => setTimeout(f, 16) : requestAnimationFrame;
    this.frame ||= later(() => this.flush());
  }

  flush() {
    this.frame = 0;
    if (this.gone || !this.todo.length) return;
    const traces = {};
    const layout = {};
    for (const patch of this.todo.splice(0)) {
      for (const [i, changes] of Object.entries(patch.traces ?? {}))
        Object.assign((traces[i] ??= {}), changes);
      Object.assign(layout, patch.layout);
    }
    const fresh = decode(traces);
    for (const i of Object.keys(this.motion.keep(fresh, (kept) => this.update(kept)))) delete fresh[i];
    this.update(fresh, decode(layout));
  }

  update(traces, layout = {}) {
    if (this.gone) return;
    const indices = Object.keys(traces).map(Number);
    const update = {};
    indices.forEach((index, n) => {
      for (const [path, value] of Object.entries(traces[index]))
        (update[path] ??= Array(indices.length).fill(undefined))[n] = value;
    });
    // `update`, not `relayout`: that one would come back to us as a user's drag.
    this.Plotly.update(this.plot, update, layout, indices);
  }

  send(kind, content) {
    try {
      this.model.send({ kind, content });
    } catch {
      kernelGone(this.el); // the picture stays
    }
  }

  // A kernel that was shut down tells nobody; but nothing can be sent to it any more.
  knock() {
    const root = this.el.closest(".rl-root");
    if (root) speak(root, this.plot);
    if (!root || root.rlKnocks) return;
    root.rlKnocks = true;
    root.addEventListener("pointerdown", () => this.send("knock"), { capture: true });
  }

  // What lies over the figure follows it.
  overlay() {
    this.over ||= requestAnimationFrame(() => {
      this.over = 0;
      const { meta, font } = this.plot._fullLayout ?? {};
      if (this.gone || !font) return;
      finish(this.layer);
      shared.hands?.[this.model.get("hand")]?.attach(this.layer, meta);
      this.layer.name = () => { if (meta?.names && !this.gone) placeNames(this.layer, font.size - 1); };
      this.layer.name();
    });
  }

  listen() {
    new Light(this.layer, this.signal);
    this.plot.on("plotly_afterplot", () => this.overlay());
    this.overlay();
    this.plot.on("plotly_click", (event) => {
      const point = event.points[0];
      const { xaxis, yaxis } = this.plot._fullLayout;
      const box = this.plot.getBoundingClientRect();
      const mouse = event.event;
      const exact = xaxis && yaxis && mouse && !point.subplot;
      this.send("click", {
        trace: point.curveNumber,
        point: point.pointNumber ?? null,
        x: exact ? xaxis.p2d(mouse.clientX - box.left - xaxis._offset) : point.x,
        y: exact ? yaxis.p2d(mouse.clientY - box.top - yaxis._offset) : point.y,
        z: point.z ?? null,
      });
    });
  }

  remove() {
    this.gone = true;
    this.observer.disconnect();
    for (const name of ["label", "error"]) this.model.off(`change:${name}`, this.redescribe);
    if (this.drawn) this.Plotly.purge(this.plot);
  }
}
