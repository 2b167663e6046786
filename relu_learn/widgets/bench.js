// Lesson 2: the ends a and b of an interval are dragged along the line. The gradients stay as they
// are on a flat piece, and snap to others at a crease.
const SNAP = 220; // milliseconds
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const minus = (p, q) => [p[0] - q[0], p[1] - q[1]];
const short = (v) => String(Number(v.toPrecision(3))).replace("-", "\u2212");

class Bench extends Hands {
  ends = [null, null]; // of the arrows: what they show, whence and whither they are moving

  get line() { return this.state.line; }

  at(t) { return along(this.line, t); }

  // GetGradient and GetBias with the network's own numbers.
  measure() {
    const { net, alpha } = this.state, times = [this.state.a, this.state.b];
    const gradient = (x) => [[alpha, 0], [0, alpha]].map((step) =>
      (value(net, [x[0] + step[0], x[1] + step[1]]) - value(net, x)) / alpha);
    const g = times.map((t) => gradient(this.at(t)));
    const values = times.map((t) => value(net, this.at(t)));
    const slopes = g.map((one) => dot(one, this.line[1])), jump = minus(g[1], g[0]);
    const found = { g, values, slopes, jump, jumps: Math.hypot(...jump) > Math.max(1e-5, 1e-12 / alpha) };
    if (!found.jumps || slopes[0] === slopes[1]) return { ...found, jumps: false };
    const t = (values[0] - values[1] + slopes[1] * times[1] - slopes[0] * times[0]) / (slopes[1] - slopes[0]);
    const meets = values[0] + slopes[0] * (t - times[0]);
    // At t alone F can be right by chance: halfway to it F must follow the pieces, too.
    const off = Math.max(...[[0, t], [0, (times[0] + t) / 2], [1, (t + times[1]) / 2]].map(([k, s]) =>
      Math.abs(value(net, this.at(s)) - values[k] - slopes[k] * (s - times[k]))));
    return { ...found, t, meets, off, check: value(net, this.at(t)), bias: dot(jump, this.at(t)) };
  }

  follow() {
    const bench = (this.bench = this.moved || !this.state.measured ? this.measure() : this.state.measured);
    this.ends.forEach((end, k) => this.turn(k, end, bench.g[k]));
    if (!bench.jumps) return this.say("The gradients at a and b are the same: no crease in between.");
    const w = bench.jump.map(short).join(", "), { a, b } = this.state;
    const inside = a <= bench.t && bench.t <= b, right = bench.off < 1e-5 * (1 + Math.abs(bench.check));
    this.say(`Jump w = g(b) \u2212 g(a) = (${w}); the pieces meet at t* = ${short(bench.t)}` +
      (inside && right ? ", and F follows both pieces \u2713" : ", and F does not follow them \u2717"));
  }

  // An arrow goes to its new gradient in a moment, a little too far and back: it snaps.
  turn(k, end, goal) {
    const now = performance.now();
    if (!end || calm.matches) return (this.ends[k] = { shown: goal, goal, from: goal, start: 0 });
    if (Math.hypot(...minus(goal, end.goal)) > 1e-9)
      Object.assign(end, { from: end.shown, goal, start: now });
    const p = Math.min(1, (now - end.start) / SNAP), e = 1 + 2.7 * (p - 1) ** 3 + 1.7 * (p - 1) ** 2;
    end.shown = p === 1 ? goal : end.from.map((v, i) => v + e * (goal[i] - v));
    if (p < 1) requestAnimationFrame(() => this.later());
  }

  build(layer, { slice, gradients }) {
    if (gradients) return this.gradients(layer);
    return slice ? this.slice(layer) : this.plane(layer);
  }

  arrow(layer, kind) {
    const shaft = make(layer.clipped, "path", { class: `rl-rod rl-arrow rl-${kind}` });
    return (from, to) => {
      const [p, q] = [layer.at(from), layer.at(to)], d = minus(q, p), size = Math.hypot(...d);
      shaft.style.display = size > 2 ? "" : "none";
      const [u, v] = [d[0] / size, d[1] / size], head = Math.min(10, size);
      const wing = (s) => `${q[0] - head * u - s * 0.5 * head * v} ${q[1] - head * v + s * 0.5 * head * u}`;
      set(shaft, { d: `M${p}L${q}M${wing(1)}L${q}L${wing(-1)}` });
    };
  }

  // The handles a and b, on the line or along the axis of t.
  beads(layer, place, time) {
    return ["a", "b"].map((name, k) => {
      const bead = make(layer.open, "circle", { class: "rl-end rl-hit rl-probe-end" });
      const text = make(layer.open, "text", { class: "rl-bead-name", dy: 5 });
      text.textContent = name;
      const move = (t) => {
        const { half } = this.state, other = k ? this.state.a : this.state.b;
        const near = k ? Math.max(other + 0.05, t) : Math.min(other - 0.05, t);
        this.state[name] = Math.round(20 * Math.max(-half, Math.min(half, near))) / 20;
      };
      this.grab(bead, () => {}, (event) => move(time(layer.data(event))));
      this.keys(bead, `End ${name} of the interval`, (across) => move(this.state[name] + 0.05 * across));
      return () => {
        const [cx, cy] = layer.at(place(this.state[name], k));
        const t = this.state[name];
        set(bead, { cx, cy, "aria-valuenow": t, "aria-valuetext": `t = ${short(t)}` });
        set(text, { x: cx, y: cy });
      };
    });
  }

  plane(layer) {
    const { reach } = this.state;
    const interval = make(layer.clipped, "line", { class: "rl-rod rl-line rl-interval" });
    const crease = make(layer.clipped, "line", { class: "rl-rod rl-crease" });
    const balls = [0, 1].map(() => make(layer.clipped, "ellipse", { class: "rl-rod rl-probe rl-ball" }));
    const arrows = [0, 1].map(() => this.arrow(layer, "probe")), jump = this.arrow(layer, "jump");
    const kink = this.marks(layer, () => {
      const at = this.bench.jumps ? this.at(this.bench.t) : [99, 99];
      return Math.max(...at.map(Math.abs)) <= reach ? [{ at, n: "" }] : [];
    });
    const beads = this.beads(layer, (t) => this.at(t),
      (p) => dot(minus(p, this.line[0]), this.line[1]));
    return [() => {
      const { a, b, alpha, longest } = this.state, { bench } = this;
      const span = bench.jumps && inside(creaseOf({ w: [bench.jump], b: [bench.bias], a: [1] }, 0), reach);
      crease.style.display = span ? "" : "none";
      if (span) this.chord(layer, crease, creaseOf({ w: [bench.jump], b: [bench.bias], a: [1] }, 0), span);
      this.chord(layer, interval, this.line, [a, b]);
      const ahead = (x, g) => [x[0] + g[0] / longest, x[1] + g[1] / longest];
      [a, b].forEach((t, k) => {
        const x = this.at(t), [cx, cy] = layer.at(x), [rx, ry] = layer.at([x[0] + alpha, x[1] - alpha]);
        arrows[k](x, ahead(x, this.ends[k].shown));
        balls[k].style.display = alpha > 0.02 ? "" : "none";
        set(balls[k], { cx, cy, rx: rx - cx, ry: ry - cy });
      });
      const x = bench.jumps ? this.at(bench.t) : this.at(a);
      jump(x, bench.jumps ? ahead(x, bench.jump) : x);
    }, kink, ...beads];
  }

  chord(layer, part, rod, span) {
    const [[x1, y1], [x2, y2]] = span.map((t) => layer.at(along(rod, t)));
    set(part, { x1, y1, x2, y2 });
  }

  slice(layer) {
    const tangents = [0, 1].map(() => make(layer.clipped, "line", { class: "rl-rod rl-probe rl-tangent" }));
    const check = make(layer.clipped, "path", { d: "M-6,-6L6,6M-6,6L6,-6", class: "rl-rod rl-line" });
    const meeting = this.marks(layer, () => {
      const { jumps, t, meets } = this.bench;
      return jumps && Math.abs(t) <= this.state.half ? [{ at: [t, meets], n: "t*" }] : [];
    });
    return [() => {
      const { a, b, half } = this.state, { values, slopes, jumps, t } = this.bench;
      const beyond = 0.25 * (b - a), stop = jumps ? Math.max(-half, Math.min(half, t)) : (a + b) / 2;
      [[a, a - beyond, stop + beyond], [b, stop - beyond, b + beyond]].forEach(([end, from, to], k) => {
        const height = (s) => values[k] + slopes[k] * (s - end);
        const [[x1, y1], [x2, y2]] = [from, to].map((s) => layer.at([s, height(s)]));
        set(tangents[k], { x1, y1, x2, y2 });
      });
      check.style.display = jumps ? "" : "none";
      if (jumps) set(check, { transform: `translate(${layer.at([t, this.bench.check])})` });
    }, meeting, ...this.beads(layer, (t, k) => [t, this.bench.values[k]], (p) => p[0])];
  }

  gradients(layer) {
    const jump = this.arrow(layer, "jump");
    const dots = ["g(a)", "g(b)"].map((name) => {
      const text = make(layer.open, "text", { class: "rl-name rl-probe-name" });
      text.textContent = name;
      return [make(layer.clipped, "circle", { r: 6, class: "rl-probe-dot" }), text];
    });
    return [() => {
      const [a, b] = this.ends.map(({ shown }) => shown);
      dots.forEach(([ring, text], k) => {
        const [x, y] = layer.at(this.ends[k].shown);
        set(ring, { cx: x, cy: y });
        set(text, { x, y: y + (k ? -11 : 21), "text-anchor": "middle" });
      });
      jump(a, b);
    }];
  }

  told() {
    const { a, b } = this.state;
    return { a, b };
  }
}

export default () => ({
  initialize({ model }) {
    new Bench(model);
    lifeline(model);
  },
});
