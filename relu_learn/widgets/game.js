// Lesson 7: creases under the hand. The fit to the answers, the map, the curve along the line and
// the error of fit follow every move.
const LEAST = 0.01; // of the largest singular value: below it nothing is fitted

class Game extends Hands {
  get creases() {
    const { angles, places } = this.state;
    const turns = angles.map((degrees) => (degrees * Math.PI) / 180);
    return {
      w: turns.map((turn) => [Math.cos(turn), Math.sin(turn)]), b: places, a: angles.map(() => 1),
    };
  }

  get shown() { return this.state.truth ?? this.net; }

  build(layer, { slice }) {
    if (slice) return this.slice(layer);
    const { reach, most } = this.state;
    this.heat = new Heat(layer, 0, 200);
    const lines = this.lines(layer);
    const others = ["ghost", "truth"].map((kind) => this.fixed(layer, kind));
    const rods = Array.from({ length: most }, (_, i) => this.rod(layer, "crease", `Crease ${i + 1}`, {
      reach,
      read: () => (i < this.state.angles.length ? creaseOf(this.creases, i) : [[1e9, 1e9], [1, 0]]),
      write: (o, v) => this.place(i, o, v),
    }));
    return [() => this.heat.paint(this.shown, reach), lines, ...others, ...rods, this.answers(layer)];
  }

  // In steps of the sliders, so that nothing jumps when the kernel confirms.
  place(i, o, v) {
    let degrees = Math.round((Math.atan2(-v[0], v[1]) * 1800) / Math.PI) / 10, sign = 1;
    if (degrees < 0) [degrees, sign] = [degrees + 180, -1];
    if (degrees >= 180) [degrees, sign] = [degrees - 180, -sign];
    const turn = (degrees * Math.PI) / 180;
    const b = o[0] * Math.cos(turn) + o[1] * Math.sin(turn), { reach } = this.state;
    this.state.angles[i] = degrees;
    this.state.places[i] = Math.round(100 * Math.max(-reach, Math.min(reach, b))) / 100;
    this.state.chosen = i;
  }

  // All lines that were asked on; the one in the slice is thicker.
  lines(layer) {
    const pool = [];
    return () => {
      const { lines, current, reach } = this.state;
      while (pool.length < lines.length) pool.push(make(layer.clipped, "line", { class: "rl-rod rl-line" }));
      pool.forEach((part, i) => {
        const line = lines[i], span = line && inside(line, reach);
        part.style.display = span ? "" : "none";
        if (!span) return;
        const [[x1, y1], [x2, y2]] = span.map((t) => layer.at(along(line, t)));
        set(part, { x1, y1, x2, y2 });
        part.style.strokeWidth = i === current ? 3 : 1.2;
      });
    };
  }

  // Creases that cannot be moved: the algorithm's, and the secret's.
  fixed(layer, kind) {
    const path = make(layer.clipped, "path", { class: `rl-rod rl-${kind}` });
    const name = make(layer.open, "text", { class: `rl-name rl-${kind}-name` });
    name.textContent = kind === "ghost" ? "the algorithm" : "secret";
    return () => {
      const net = this.state[kind], { reach } = this.state;
      const ends = (net?.w ?? []).map((_, i) => creaseOf(net, i)).flatMap((rod) => {
        const span = inside(rod, reach);
        return span ? [span.map((t) => layer.at(along(rod, t)))] : [];
      });
      set(path, { d: ends.map(([p, q]) => `M${p.join()}L${q.join()}`).join("") });
      name.style.display = ends.length ? "" : "none";
      if (!ends.length) return;
      const [p, q] = ends[0], share = kind === "ghost" ? 0.2 : 0.75;
      const [x, y] = [0, 1].map((k) => p[k] + share * (q[k] - p[k]));
      const right = x > layer.box.x + layer.box.width / 2; // it stays inside
      set(name, { x: x + (right ? -6 : 6), y: y - 6, "text-anchor": right ? "end" : "start" });
    };
  }

  // A dot for each answer, the last one ringed; a value where it lies on no other, newest first.
  answers(layer) {
    const pool = [];
    return () => {
      const { x, y } = this.state, taken = [];
      while (pool.length < x.length) {
        const group = make(layer.open, "g", { class: "rl-answer" });
        pool.push([group, make(group, "circle"), make(group, "text", { dy: -8 })]);
      }
      for (let i = pool.length - 1; i >= 0; i--) {
        const [group, ring, text] = pool[i];
        group.style.display = i < x.length ? "" : "none";
        if (i >= x.length) continue;
        const [p, q] = layer.at(x[i]);
        set(group, { transform: `translate(${p},${q})` });
        set(ring, { r: i === x.length - 1 ? 6.5 : 4 });
        const free = taken.every(([u, v]) => Math.abs(u - p) > 36 || Math.abs(v - q) > 16);
        text.textContent = free ? y[i].toFixed(2).replace("-", "\u2212") : "";
        if (free) taken.push([p, q]);
      }
    };
  }

  slice(layer) {
    const curves = ["mine", "truth"].map((kind) =>
      make(layer.clipped, "polyline", { class: `rl-rod rl-${kind}-curve` }));
    return [() => {
      const line = this.state.lines[this.state.current], [low, high] = this.state.range;
      layer.curve = (t) => (line ? value(this.shown, along(line, t)) : NaN);
      [this.net, this.state.truth].forEach((net, k) => {
        curves[k].style.display = net && line ? "" : "none";
        if (!net || !line) return;
        const inner = kinksOf(net, line).map(({ t }) => t).filter((t) => t > low && t < high);
        const points = [low, ...inner, high].map((t) => layer.at([t, value(net, along(line, t))]).join());
        set(curves[k], { points: points.join(" ") });
      });
    }];
  }

  follow() {
    const { x, y, truth, won } = this.state;
    this.net = fitted(this.creases, x, y);
    const off = Math.max(0, ...x.map((p, i) => Math.abs(value(this.net, p) - y[i])));
    this.say(off < 1e-6 ? "Your hypothesis explains all answers."
      : `Your hypothesis is off by up to ${Number(off.toPrecision(2))}.`);
    this.root?.classList.toggle("rl-won", Boolean(won) && !this.moved);
    if (truth && this.moved) this.state.truth = null; // back to one's own map
  }

  told() {
    const { angles, places, chosen } = this.state;
    return { angles, places, chosen };
  }
}

// Strengths and affine part for given creases: the smallest solution of least squares, directions
// that the answers hardly determine left at zero (relu_learn.widgets.game.fitted does the same).
function fitted({ w, b }, x, y) {
  const k = b.length, n = k + 3, empty = Array(k).fill(0);
  if (!x.length) return { w, b, a: empty, u: [0, 0], c: 0 };
  const rows = x.map((p) => [...w.map((wi, i) => Math.max(0, dot(wi, p) - b[i])), ...p, 1]);
  const gram = Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) =>
    rows.reduce((sum, row) => sum + row[i] * row[j], 0)));
  const right = Array.from({ length: n }, (_, i) => rows.reduce((sum, row, r) => sum + row[i] * y[r], 0));
  const { values, vectors } = eigen(gram), top = Math.max(...values);
  const solution = Array(n).fill(0);
  values.forEach((lambda, j) => {
    if (lambda <= LEAST ** 2 * top) return;
    const share = right.reduce((sum, r, i) => sum + r * vectors[i][j], 0) / lambda;
    for (let i = 0; i < n; i++) solution[i] += share * vectors[i][j];
  });
  return { w, b, a: solution.slice(0, k), u: solution.slice(k, k + 2), c: solution[k + 2] };
}

// Eigenvalues and vectors (columns) of a small symmetric matrix, by Jacobi's rotations.
function eigen(matrix) {
  const a = matrix.map((row) => [...row]), n = a.length;
  const v = a.map((_, i) => a.map((_, j) => Number(i === j)));
  for (let sweep = 0; sweep < 12; sweep++)
    for (let p = 0; p < n; p++)
      for (let q = p + 1; q < n; q++) {
        if (Math.abs(a[p][q]) < 1e-15 * Math.sqrt(Math.abs(a[p][p] * a[q][q]))) continue;
        const theta = (a[q][q] - a[p][p]) / (2 * a[p][q]);
        const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
        const c = 1 / Math.sqrt(t * t + 1), s = t * c;
        for (let i = 0; i < n; i++) [a[i][p], a[i][q]] = [c * a[i][p] - s * a[i][q], s * a[i][p] + c * a[i][q]];
        for (let i = 0; i < n; i++) [a[p][i], a[q][i]] = [c * a[p][i] - s * a[q][i], s * a[p][i] + c * a[q][i]];
        for (let i = 0; i < n; i++) [v[i][p], v[i][q]] = [c * v[i][p] - s * v[i][q], s * v[i][p] + c * v[i][q]];
      }
  return { values: a.map((row, i) => row[i]), vectors: v };
}

export default () => ({
  initialize({ model }) {
    new Game(model);
    lifeline(model);
  },
});
