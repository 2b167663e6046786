// Lesson 1: the line and the creases under the hand; kinks, slice, sheet and sentence follow.
class Paper extends Hands {
  get line() {
    const angle = (this.state.angle * Math.PI) / 180, v = [Math.cos(angle), Math.sin(angle)];
    return [[-this.state.offset * v[1], this.state.offset * v[0]], v];
  }

  get net() { return this.state.net; }

  get folds() { return (this.folded ??= foldsOf(this.net)); }

  kinks() { return (this.found ??= kinksOf(this.net, this.line)); }

  build(layer, { slice }) {
    if (slice) return this.slice(layer);
    const { reach } = this.state;
    this.heat = new Heat(layer, 0);
    const creases = Array.from({ length: this.state.most }, (_, i) => this.crease(layer, i));
    const line = this.rod(layer, "line", "The line", {
      reach, read: () => this.line, write: (o, v) => this.place(o, v),
    });
    const shown = () => this.state.covered ? [] :
      this.kinks().filter(({ at }) => Math.max(...at.map(Math.abs)) <= reach);
    const names = this.names(layer);
    return [() => this.repaint(), ...creases, line, this.marks(layer, shown), names];
  }

  crease(layer, i) {
    return this.rod(layer, "crease", `Crease ${i + 1}`, {
      reach: this.state.reach,
      read: () => creaseOf(this.net, i),
      write: (o, v) => {
        const m = Math.hypot(...this.net.w[i]);
        this.net.w[i] = [m * v[1], -m * v[0]];
        this.net.b[i] = dot(this.net.w[i], o);
        this.changed = i;
      },
      look: () => (this.folds[i] ? i === this.state.chosen && "rl-chosen" : "rl-flat") || "",
    });
  }

  // In steps of the sliders, so that nothing jumps when the kernel confirms.
  place(o, v) {
    const degrees = Math.round((Math.atan2(v[1], v[0]) * 360) / Math.PI) / 2;
    const angle = (degrees * Math.PI) / 180;
    const offset = o[1] * Math.cos(angle) - o[0] * Math.sin(angle);
    const { reach } = this.state;
    this.state.angle = degrees;
    this.state.offset = Math.round(100 * Math.min(reach - 0.1, Math.max(0.1 - reach, offset))) / 100;
  }

  names(layer) {
    const texts = { line: "line", crease: "crease" };
    const parts = Object.entries(texts).map(([kind, text]) => {
      const part = make(layer.open, "text", { class: `rl-name rl-${kind}-name` });
      part.textContent = text;
      return [kind, part];
    });
    return () => parts.forEach(([kind, part]) => {
      const creases = this.net.w.flatMap((_, i) => (this.folds[i] ? [creaseOf(this.net, i)] : []));
      const rods = kind === "line" ? [this.line] : creases;
      const rod = rods.find((one) => inside(one, this.state.reach));
      const span = rod && inside(rod, this.state.reach);
      part.style.display = span && !(kind === "crease" && this.state.covered) ? "" : "none";
      if (!span) return;
      const [a, b] = span.map((t) => layer.at(along(rod, t)));
      const share = kind === "line" ? 0.93 : 0.14;
      let turn = (Math.atan2(b[1] - a[1], b[0] - a[0]) * 180) / Math.PI;
      if (Math.abs(turn) > 90) turn += 180;
      const [x, y] = [0, 1].map((k) => a[k] + share * (b[k] - a[k]));
      set(part, { transform: `translate(${x},${y}) rotate(${turn})`, dy: -6, "text-anchor": "middle" });
    });
  }

  slice(layer) {
    const curve = make(layer.clipped, "polyline", { class: "rl-rod rl-line" });
    const { half } = this.state, height = (t) => value(this.net, along(this.line, t));
    const near = () => this.kinks().filter(({ t }) => Math.abs(t) < half);
    layer.curve = height;
    return [
      () => {
        const times = [-half, ...near().map(({ t }) => t), half];
        set(curve, { points: times.map((t) => layer.at([t, height(t)]).join()).join(" ") });
        if (this.moved) layer.plot.classList.add("rl-stale"); // answers on another line
      },
      this.marks(layer, () => near().map((kink) => ({
        ...kink, n: this.state.covered ? "" : kink.n, at: [kink.t, height(kink.t)],
      }))),
    ];
  }

  fresh(layer) {
    if (this.moved) return;
    layer.plot.classList.remove("rl-stale");
    if (layer === this.heat?.layer) this.heat.fresh();
  }

  repaint() {
    if (this.moved && this.changed !== undefined && !this.state.covered)
      this.heat.paint(this.net, this.state.reach);
  }

  follow() {
    this.found = this.folded = undefined;
    const { reach, colours: c, span, turn, covered } = this.state, kinks = this.kinks();
    const seen = kinks.filter(({ at }) => Math.max(...at.map(Math.abs)) <= reach).length;
    const creases = this.folds.filter(Boolean).length;
    if (!covered) this.say(`The line meets ${kinks.length} of ${creases} creases, ` +
      `${seen} of them in the picture.`);
    for (const sheet of this.sheets) {
      if (!sheet.look(this.net, turn, reach, span, this.moved) || covered) continue;
      sheet.draw(this.net, this.line, kinks, { ...c, scale: this.state.scale });
      if (sheet.t == null) continue;
      const x = along(this.line, sheet.t);
      if (Math.max(...x.map(Math.abs)) <= reach)
        sheet.mark(sheet.at(x, value(this.net, x)), "#f0e442", "#000", 7);
    }
  }

  told() {
    const { angle, offset, turn } = this.state, i = this.changed;
    this.changed = undefined;
    const moved = i === undefined ? {} : { neuron: i, w: this.net.w[i], b: this.net.b[i] };
    return { angle, offset, turn, ...moved };
  }

  // The widget itself is the sheet in space.
  render(el, signal) {
    el.classList.add("rl-panel", "rl-sheet");
    const title = Object.assign(document.createElement("div"), { className: "rl-sheet-title" });
    const canvas = document.createElement("canvas"), sheet = new Sheet(canvas);
    el.append(title, canvas);
    const describe = () => {
      canvas.classList.toggle("rl-covered", this.state.covered);
      title.textContent = this.state.covered ? "In space: covered" : "In space: drag to turn";
      const degrees = Math.round(this.state.turn);
      set(canvas, { "aria-valuenow": degrees, "aria-valuetext": `${degrees} degrees` });
    };
    this.sheets.add(sheet);
    let from, start;
    const turn = (degrees) => { this.state.turn = ((((degrees + 180) % 360) + 360) % 360) - 180; };
    this.grab(canvas, (e) => { [from, start] = [e.clientX, this.state.turn]; },
      (e) => turn(Math.round(start - 0.5 * (e.clientX - from))));
    this.keys(canvas, "The sheet in space: left and right turn it", (across) => turn(this.state.turn + 5 * across));
    const observer = new ResizeObserver(() => this.later());
    observer.observe(canvas);
    this.model.on("change:state", describe);
    describe();
    const light = { show: (t) => { sheet.t = t; this.later(); } };
    const root = () => el.closest(".rl-root");
    requestAnimationFrame(() => { if (root()) (root().rlLights ??= new Set()).add(light); });
    signal?.addEventListener("abort", () => {
      observer.disconnect();
      this.sheets.delete(sheet);
      root()?.rlLights?.delete(light);
    });
  }

  sheets = new Set();
}

export default () => {
  let hands;
  return {
    initialize({ model }) {
      hands = new Paper(model);
      lifeline(model);
    },
    render: ({ el, signal }) => hands.render(el, signal),
  };
};
