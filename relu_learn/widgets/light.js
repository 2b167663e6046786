// The same point in every view: hover over t in a slice, or along the line in the plane, and each
// view of the explorer lights it. A figure says in `meta` what it is: {slice: true}, or
// {line: [origin, direction]}.
const NEAR = 14; // pixels from the line within which the pointer means it

class Light {
  constructor(layer, signal) {
    Object.assign(this, { layer, plot: layer.plot });
    const root = this.plot.closest(".rl-root");
    if (!root) return;
    this.group = root.rlLights ??= new Set();
    this.group.add(this);
    this.line = make(layer.clipped, "line", { class: "rl-lit" });
    this.dot = make(layer.clipped, "circle", { class: "rl-lit-dot", r: 6 });
    const tell = (t) => { for (const one of this.group) one.show(t); };
    this.plot.addEventListener("pointermove", (event) => tell(this.read(event)), { signal });
    this.plot.addEventListener("pointerleave", () => tell(null), { signal });
    signal?.addEventListener("abort", () => this.group.delete(this));
    this.show(null);
  }

  get meta() { return this.plot._fullLayout?.meta ?? {}; }

  read(event) {
    const { slice, line } = this.meta;
    if (!(slice || line?.length) || !this.layer.measure()) return null;
    const [x, y] = this.layer.data(event);
    const [p, q] = this.layer.at([x, y]), { box } = this.layer;
    if (p < box.x || p > box.x + box.width || q < box.y || q > box.y + box.height) return null;
    if (slice) return x;
    const [a, b, u, v] = line, t = ((x - a) * u + (y - b) * v) / (u * u + v * v);
    const [r, s] = this.layer.at([a + t * u, b + t * v]);
    return Math.hypot(r - p, s - q) < NEAR ? t : null;
  }

  show(t) {
    const { slice, line } = this.meta, on = t !== null && (slice || line?.length);
    for (const part of [this.line, this.dot]) part.style.display = "none";
    if (!on || !this.layer.measure()) return;
    const place = slice ? [t, this.height(t)] : [line[0] + t * line[2], line[1] + t * line[3]];
    if (slice) {
      const [x] = this.layer.at([t, 0]), { box } = this.layer;
      set(this.line, { x1: x, x2: x, y1: box.y, y2: box.y + box.height });
      this.line.style.display = "";
    }
    if (!Number.isFinite(place[1])) return;
    const [x, y] = this.layer.at(place);
    this.layer.clipped.parentNode.append(set(this.dot, { cx: x, cy: y })); // on top of all
    this.dot.style.display = "";
  }

  // Of the first curve that covers t.
  height(t) {
    if (this.layer.curve) return this.layer.curve(t);
    for (const { x, y, mode, yaxis } of this.layer.traces()) {
      if (mode !== "lines" || yaxis._id !== "y") continue;
      for (let i = 1; i < x.length; i++) {
        if (!(x[i - 1] <= t && t <= x[i]) || x[i] === x[i - 1]) continue;
        return y[i - 1] + ((y[i] - y[i - 1]) * (t - x[i - 1])) / (x[i] - x[i - 1]);
      }
    }
    return NaN;
  }
}
