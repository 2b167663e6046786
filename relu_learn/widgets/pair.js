// Lesson 3: the creases of neurons 1 and 2 under the hand. Whether the learner's grid can tell their
// kinks apart, and how wide the wedge between the creases is, follows every move.
const degreesOf = ([x, y]) => (Math.atan2(y, x) * 180) / Math.PI;
const within = (low, x, high) => Math.max(low, Math.min(high, x));
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

  // Where the pair is, and how far 2 is from 1: in steps of the sliders, so that nothing jumps when
  // the kernel confirms. The crease that is not in the hand stays.
  place(i, o, v) {
    const { base, shift, angle, gap, opposite, widest, far, net } = this.state;
    const turns = [base, base + angle], places = [shift, shift + gap], other = 1 - i;
    let turn = degreesOf([v[1], -v[0]]);
    turn += 180 * Math.round((turns[i] - turn) / 180); // of a crease's two normals the nearer one
    turn = within(turns[other] - widest, turn, turns[other] + widest);
    turns[i] = Math.round(2 * turn) / 2;
    const radians = (turns[i] * Math.PI) / 180, n = [Math.cos(radians), Math.sin(radians)];
    const edge = i ? Infinity : far; // where the first one stays
    const at = within(places[other] - far, dot(n, o), places[other] + far);
    places[i] = Math.round(100 * within(-edge, at, edge)) / 100;
    Object.assign(this.state, {
      base: turns[0] - 360 * Math.round(turns[0] / 360), shift: places[0],
      angle: turns[1] - turns[0], gap: places[1] - places[0],
    });
    const sign = i && opposite ? -1 : 1;
    net.w[i] = n.map((part) => sign * part);
    net.b[i] = sign * places[i];
  }

  build(layer, { slice, line }) {
    return slice ? this.slice(layer) : line ? this.plane(layer) : [];
  }

  plane(layer) {
    const { reach, net } = this.state;
    const wedge = make(layer.clipped, "path", { class: "rl-wedge" });
    const cut = make(layer.clipped, "line", { class: "rl-rod rl-line" });
    const others = net.w.map((_, i) => i).filter((i) => i > 1)
      .map((i) => [i, make(layer.clipped, "line", { class: "rl-rod rl-own" })]);
    const rods = [0, 1].map((i) => this.rod(layer, "own", `The crease of neuron ${i + 1}`, {
      reach, read: () => creaseOf(this.state.net, i), write: (o, v) => this.place(i, o, v),
    }));
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
    }, ...rods, kinks];
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
      : " and are told apart. ") + `The wedge is ${Math.abs(this.state.angle)}\u00b0 wide.`);
  }

  told() {
    const { base, shift, angle, gap } = this.state;
    return { base, shift, angle, gap };
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
