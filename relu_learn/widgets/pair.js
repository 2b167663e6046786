// Lesson 3: the crease of neuron 2 under the hand. Whether the learner's grid can tell the kinks of
// 1 and 2 apart, and how wide the wedge between their creases is, follows every move.
const degreesOf = ([x, y]) => (Math.atan2(y, x) * 180) / Math.PI;
const short = (v) => String(Number(v.toPrecision(2)));

class Pair extends Hands {
  get line() { return this.state.line; }

  // Kinks of neurons 1 and 2 on the line.
  get times() {
    const { w, b } = this.state.net, [o, v] = this.line;
    return [0, 1].map((i) => (b[i] - dot(w[i], o)) / dot(w[i], v));
  }

  // The grid measures a gradient in the middle of each interval: no middle between, no difference.
  get merged() {
    const { r, tau } = this.state, [low, high] = this.times.sort((p, q) => p - q);
    if (!r) return high - low < 1e-6;
    if (high < -tau || low > tau) return false;
    return Math.floor((low + tau) / r - 0.5) === Math.floor((high + tau) / r - 0.5);
  }

  // In steps of the sliders, so that nothing jumps when the kernel confirms.
  place(o, v) {
    const { base, shift, opposite, most, net } = this.state;
    let angle = degreesOf([v[1], -v[0]]) - base;
    while (angle < most / 2 - 90) angle += 180;
    while (angle >= most / 2 + 90) angle -= 180;
    angle = Math.round(2 * Math.max(0, Math.min(most, angle))) / 2;
    const turn = ((base + angle) * Math.PI) / 180, n = [Math.cos(turn), Math.sin(turn)];
    const gap = Math.round(100 * Math.max(-1, Math.min(1, dot(n, o) - shift))) / 100;
    Object.assign(this.state, { angle, gap });
    const sign = opposite ? -1 : 1;
    net.w[1] = n.map((part) => sign * part);
    net.b[1] = sign * (shift + gap);
  }

  build(layer, { slice, line }) {
    return slice ? this.slice(layer) : line ? this.plane(layer) : [];
  }

  plane(layer) {
    const { reach, net } = this.state;
    const wedge = make(layer.clipped, "path", { class: "rl-wedge" });
    const cut = make(layer.clipped, "line", { class: "rl-rod rl-line" });
    const others = net.w.map((_, i) => i).filter((i) => i !== 1)
      .map((i) => [i, make(layer.clipped, "line", { class: "rl-rod rl-own" })]);
    const rod = this.rod(layer, "own", "The crease of neuron 2", {
      reach, read: () => creaseOf(this.state.net, 1), write: (o, v) => this.place(o, v),
    });
    const kinks = this.marks(layer, () => (this.moved ? this.times : [])
      .map((t, i) => ({ n: i + 1, at: along(this.line, t) }))
      .filter(({ at }) => Math.max(...at.map(Math.abs)) <= reach));
    const chord = (part, one) => {
      const span = this.moved && inside(one, reach);
      part.style.display = span ? "" : "none";
      if (!span) return;
      const [[x1, y1], [x2, y2]] = span.map((t) => layer.at(along(one, t)));
      set(part, { x1, y1, x2, y2 });
    };
    return [() => {
      layer.plot.classList.toggle("rl-stale", this.moved);
      chord(cut, this.line);
      for (const [i, part] of others) chord(part, creaseOf(this.state.net, i));
      wedge.style.display = this.moved ? "" : "none";
      wedge.classList.toggle("rl-merged", this.merged);
      const parts = this.wedge(reach).filter((polygon) => polygon.length > 2);
      set(wedge, { d: parts.map((polygon) => `M${polygon.map((p) => layer.at(p)).join("L")}Z`).join("") });
    }, rod, kinks];
  }

  // Where one of the two is switched on and the other would not be, if both faced the same way.
  wedge(reach) {
    const { w, b } = this.state.net, face = Math.sign(dot(w[0], w[1])) || 1;
    const side = (i) => (p) => (i ? face : 1) * (dot(w[i], p) - b[i]);
    const square = [[-reach, -reach], [reach, -reach], [reach, reach], [-reach, reach]];
    return [1, -1].map((sign) => cutOff(
      cutOff(square, (p) => sign * side(0)(p)), (p) => -sign * side(1)(p)));
  }

  slice(layer) {
    const curve = make(layer.clipped, "polyline", { class: "rl-rod rl-own" });
    const height = (t) => value(this.state.net, along(this.line, t)), { half } = this.state;
    const near = () => kinksOf(this.state.net, this.line).filter(({ t }) => Math.abs(t) < half);
    return [() => {
      layer.plot.classList.toggle("rl-stale", this.moved);
      curve.style.display = this.moved ? "" : "none";
      const times = [-half, ...near().map(({ t }) => t), half];
      set(curve, { points: times.map((t) => layer.at([t, height(t)]).join()).join(" ") });
    }, this.marks(layer, () => this.moved
      ? near().map(({ i, t }) => ({ n: i + 1, at: [t, height(t)] })) : [])];
  }

  follow() {
    const [one, two] = this.times;
    this.say(`Kinks 1 and 2 are ${short(Math.abs(one - two))} apart` + (this.merged
      ? ": no gradient is measured between them, so the grid takes them for one. "
      : " and are told apart. ") + `The wedge is ${this.state.angle}\u00b0 wide.`);
  }

  told() {
    const { angle, gap } = this.state;
    return { angle, gap };
  }
}

// The part of a convex polygon on which f is positive.
function cutOff(polygon, f) {
  return polygon.flatMap((p, k) => {
    const q = polygon[(k + 1) % polygon.length], [a, b] = [f(p), f(q)], kept = a >= 0 ? [p] : [];
    if (a * b < 0) kept.push([0, 1].map((i) => p[i] + (a / (a - b)) * (q[i] - p[i])));
    return kept;
  });
}

export default () => ({
  initialize({ model }) {
    new Pair(model);
    lifeline(model);
  },
});
