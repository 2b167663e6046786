// What a hand can move on the figures of an explorer. The page computes all that follows from it
// (a network with two inputs is a few numbers) and draws it in its own layer over the untouched
// figures; on release the kernel is told, and confirms.
const shared = (globalThis.__reluLearn ??= {});
const dot = (a, b) => a[0] * b[0] + a[1] * b[1];
const along = ([o, v], t) => [o[0] + t * v[0], o[1] + t * v[1]];
const value = ({ w, b, a, u, c }, x) =>
  a.reduce((sum, ai, i) => sum + ai * Math.max(0, dot(w[i], x) - b[i]), c + dot(u, x));

// How strongly the sheet is folded by each neuron's crease. Of neurons that share one the first has
// all of it, and the others none; opposite twins fold nothing.
function foldsOf({ w, b, a }) {
  const sizes = w.map((one) => Math.hypot(...one) || 1e-300);
  const units = w.map((one, i) => [one[0] / sizes[i], one[1] / sizes[i], b[i] / sizes[i]]);
  const shared = ([x, y, at], [u, v, to]) => {
    const face = Math.sign(x * u + y * v);
    return Math.abs(x * v - y * u) < 1e-9 && Math.abs(at - face * to) < 1e-9;
  };
  const first = units.map((one) => units.findIndex((other) => shared(one, other)));
  const most = Math.max(0, ...a.map((ai, i) => Math.abs(ai * sizes[i])));
  return first.map((f, i) => {
    if (f !== i) return 0;
    const sum = first.reduce((all, g, j) => all + (g === i ? a[j] * sizes[j] : 0), 0);
    return Math.abs(sum) > 1e-9 * most ? sum : 0;
  });
}

// Where a line meets the creases, in the order of t.
function kinksOf(net, [o, v]) {
  const folds = foldsOf(net);
  return net.w
    .map((w, i) => ({ i, t: (net.b[i] - dot(w, o)) / dot(w, v) }))
    .filter(({ i, t }) => Math.abs(t) < 1e9 && folds[i])
    .sort((p, q) => p.t - q.t)
    .map((kink, n) => ({ ...kink, n: n + 1, at: along([o, v], kink.t) }));
}

const INWARD = 12; // pixels from the border to a handle: on it stand the numbers of the axes

// The crease of neuron i as a line; out of every window if there is none.
function creaseOf({ w, b, a }, i) {
  const size = a[i] ? Math.hypot(...w[i]) : 0;
  if (!size) return [[1e9, 1e9], [1, 0]];
  const n = [w[i][0] / size, w[i][1] / size];
  return [[(n[0] * b[i]) / size, (n[1] * b[i]) / size], [-n[1], n[0]]];
}

// The part of a line inside the window, as times; null if it misses it.
function inside([o, v], reach) {
  let [low, high] = [-Infinity, Infinity];
  for (const k of [0, 1]) {
    if (Math.abs(v[k]) < 1e-12) {
      if (Math.abs(o[k]) > reach) return null;
      continue;
    }
    const [p, q] = [(-reach - o[k]) / v[k], (reach - o[k]) / v[k]];
    [low, high] = [Math.max(low, Math.min(p, q)), Math.min(high, Math.max(p, q))];
  }
  return low < high ? [low, high] : null;
}

class Hands {
  constructor(model) {
    this.model = model;
    this.layers = new Map(); // layer -> what was built on it
    this.moved = false;
    this.take();
    model.on("change:state", () => {
      if (this.moved) return; // a hand is faster than the kernel
      this.take();
      this.later();
    });
    (shared.hands ??= {})[model.get("name")] = this;
    dispatchEvent(new Event("rl-hands")); // figures that were drawn before
  }

  take() { this.state = structuredClone(this.model.get("state")); }

  // A figure was drawn: the first time our parts are put over it, later they follow.
  attach(layer, meta) {
    if (!this.layers.has(layer)) this.layers.set(layer, this.build(layer, meta));
    this.fresh?.(layer);
    this.later();
  }

  later() {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.follow?.();
      for (const [layer, parts] of this.layers) {
        if (!layer.plot.isConnected) this.layers.delete(layer);
        else if (layer.measure()) {
          this.paint(layer);
          parts.forEach((part) => part());
          if (!this.moved) layer.name?.(); // clear of what was drawn now
        }
      }
    });
  }

  // In the colours of the theme; set only when they change, since all styles are computed anew then.
  paint(layer) {
    const { colours } = this.state, key = Object.values(colours).join();
    if (layer.colours === key) return;
    layer.colours = key;
    for (const [name, colour] of Object.entries(colours))
      layer.svg.style.setProperty(`--rl-${name}`, colour);
  }

  act(change) {
    change();
    this.moved = true;
    this.later();
  }

  release() {
    if (!this.moved) return;
    this.moved = false;
    this.live("polite");
    try {
      this.model.send({ kind: "moved", content: this.told() });
    } catch (error) {
      kernelGone(this.root);
    }
  }

  get root() {
    for (const layer of this.layers.keys()) return layer.plot.closest(".rl-root");
    return null;
  }

  // The sentence, while a hand is moving: read aloud only what the kernel says after it.
  say(words) {
    const text = this.root?.querySelector(".rl-narration");
    if (!text || !this.moved || text.textContent === words) return;
    this.live("off");
    text.textContent = words;
  }

  live(how) { this.root?.querySelector(".rl-narration")?.setAttribute("aria-live", how); }

  // Mouse, pen and finger alike: start(event), then move(event) for each move.
  grab(handle, start, move) {
    let held;
    handle.addEventListener("pointerdown", (event) => {
      if (event.button || held !== undefined) return;
      event.stopPropagation(); // JupyterLab would select the cell, plotly would start a drag
      event.preventDefault();
      handle.focus({ preventScroll: true });
      handle.classList.add("rl-held"); // no ring for the keyboard
      handle.setPointerCapture((held = event.pointerId));
      start(event);
    });
    handle.addEventListener("pointermove", (event) => {
      if (event.pointerId === held) this.act(() => move(event));
    });
    for (const kind of ["pointerup", "pointercancel", "lostpointercapture"])
      handle.addEventListener(kind, (event) => {
        if (event.pointerId !== held) return;
        held = undefined;
        this.release();
      });
    handle.addEventListener("keydown", () => handle.classList.remove("rl-held"));
    // touch-action is not enough on a part of an SVG: the page would scroll and cancel the pointer
    handle.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false });
  }

  // Arrow keys: act(across, up) with steps of 1, of 10 with Shift.
  keys(handle, label, act) {
    set(handle, { tabindex: 0, role: "slider", "aria-label": label, "aria-valuenow": 0 });
    handle.dataset.lmSuppressShortcuts = "true";
    handle.addEventListener("keydown", (event) => {
      const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
      const arrow = arrows[event.key];
      if (!arrow) return;
      event.preventDefault();
      event.stopPropagation(); // JupyterLab would go to the next cell
      const many = event.shiftKey ? 10 : 1;
      this.act(() => act(many * arrow[0], many * arrow[1]));
    });
    for (const kind of ["keyup", "blur"]) handle.addEventListener(kind, () => this.release());
  }

  // A straight line in the plane that can be shifted, and turned by its ends. `read()` gives a point
  // and a unit direction, `write(point, direction)` puts in others; `look()` is a further class of
  // what is seen. Returns how to draw it.
  rod(layer, kind, label, { read, write, reach, look = () => "" }) {
    const seen = make(layer.clipped, "line", { class: `rl-rod rl-${kind}` });
    const hit = make(layer.clipped, "line", { class: "rl-hit" });
    const ends = [0, 1].map(() => make(layer.open, "circle", { class: `rl-end rl-hit rl-${kind}-end` }));
    let from, start;
    this.grab(hit, (e) => { [from, start] = [layer.data(e), read()]; }, (e) => {
      const p = layer.data(e), [o, v] = start, n = [-v[1], v[0]];
      const by = dot([p[0] - from[0], p[1] - from[1]], n);
      write([o[0] + by * n[0], o[1] + by * n[1]], v);
    });
    const turned = (across, up) => {
      const [o, v] = read(), span = inside([o, v], reach) ?? [0, 0];
      const middle = along([o, v], (span[0] + span[1]) / 2), angle = (-across * Math.PI) / 180;
      const [c, s] = [Math.cos(angle), Math.sin(angle)];
      const turn = [c * v[0] - s * v[1], s * v[0] + c * v[1]];
      write([middle[0] - 0.05 * up * turn[1], middle[1] + 0.05 * up * turn[0]], turn);
    };
    this.keys(hit, `${label}: left and right turn it, up and down shift it`, turned);
    ends.forEach((end, side) => {
      let pivot;
      const start = () => { const rod = read(); pivot = along(rod, inside(rod, reach)[1 - side]); };
      this.grab(end, start, (e) => {
        const p = layer.data(e), sign = side ? 1 : -1;
        const d = [sign * (p[0] - pivot[0]), sign * (p[1] - pivot[1])], size = Math.hypot(...d);
        if (size > 0.3) write(pivot, [d[0] / size, d[1] / size]);
      });
      this.keys(end, `${label}, end ${side + 1}`, turned);
      end.setAttribute("tabindex", -1); // one stop for the Tab key is enough
    });
    return () => {
      const rod = read(), span = this.state.covered && kind === "crease" ? null : inside(rod, reach);
      for (const part of [seen, hit, ...ends]) part.style.display = span ? "" : "none";
      if (!span) return;
      const places = span.map((t) => layer.at(along(rod, t)));
      const [[x1, y1], [x2, y2]] = places;
      for (const part of [seen, hit]) set(part, { x1, y1, x2, y2 });
      const name = `rl-rod rl-${kind} ${look()}`; // styles are computed anew when it is set
      if (seen.getAttribute("class") !== name) set(seen, { class: name });
      const long = Math.hypot(x2 - x1, y2 - y1), inward = Math.min(INWARD, long / 4) / long;
      ends.forEach((end, i) => {
        const [p, q] = [places[i], places[1 - i]];
        set(end, { cx: p[0] + inward * (q[0] - p[0]), cy: p[1] + inward * (q[1] - p[1]) });
      });
      const degrees = Math.round((Math.atan2(rod[1][1], rod[1][0]) * 180) / Math.PI);
      const say = { "aria-valuenow": degrees, "aria-valuetext": `${degrees} degrees` };
      for (const part of [hit, ...ends]) set(part, say);
    };
  }

  // As many marks as there are points now: diamonds with numbers.
  marks(layer, list) {
    const pool = [];
    return () => {
      const now = list();
      while (pool.length < now.length) {
        const group = make(layer.open, "g", { class: "rl-mark" });
        make(group, "path", { d: "M0,-7L7,0L0,7L-7,0Z" });
        pool.push([group, make(group, "text", { dy: -10 })]);
      }
      let last = { x: -99, y: -99 };
      pool.forEach(([group, text], i) => {
        group.style.display = i < now.length ? "" : "none";
        if (i >= now.length) return;
        const [x, y] = layer.at(now[i].at), { box } = layer;
        if (y < box.y - 4 || y > box.y + box.height + 4) return (group.style.display = "none");
        group.setAttribute("transform", `translate(${x},${y})`);
        text.textContent = now[i].n;
        if (Math.hypot(x - last.x, y - last.y) < 12) { // two at one place share a name; no heap
          text.textContent = "";
          if (last.n) last.text.textContent = `${last.n}, ${now[i].n}`;
          last = { x, y };
        } else last = { x, y, text, n: now[i].n };
      });
    };
  }
}

// A map of the network, drawn while it changes under the hand; plotly's is out of date then.
class Heat {
  constructor(layer, index, cells = 240) {
    Object.assign(this, { layer, index, cells });
    this.canvas = document.createElement("canvas");
    Object.assign(this.canvas, { className: "rl-heat", width: cells, height: cells });
    layer.svg.before(this.canvas);
    this.pen = this.canvas.getContext("2d");
    this.image = this.pen.createImageData(cells, cells);
    this.pixels = new Uint32Array(this.image.data.buffer);
  }

  // Plotly has drawn: if its map is another one, ours is not needed any more.
  fresh() {
    const { z } = this.layer.plot.data[this.index];
    if (z !== this.z) this.hide();
    this.z = z;
  }

  hide() { this.canvas.style.display = "none"; }

  paint(net, reach) {
    const { cells: n, layer, pixels } = this, map = layer.plot._fullData[this.index];
    const [x, y] = layer.at([-reach, reach]), [r, s] = layer.at([reach, -reach]);
    this.canvas.style.cssText = `left:${x}px;top:${y}px;width:${r - x}px;height:${s - y}px;display:block`;
    const { colorscale } = layer.plot.data[this.index];
    if (this.scale !== colorscale) this.table = colours((this.scale = colorscale)); // of this theme
    const z = new Float32Array(n * n), at = (i) => ((2 * i + 1) / n - 1) * reach, h = (2 * reach) / n;
    for (let row = 0; row < n; row++) { // affine pieces: one pass for each neuron
      let sum = net.c + dot(net.u, [at(0), -at(row)]);
      for (let k = row * n; k < (row + 1) * n; k++, sum += net.u[0] * h) z[k] = sum;
      net.a.forEach((a, i) => {
        let on = dot(net.w[i], [at(0), -at(row)]) - net.b[i];
        for (let k = row * n; k < (row + 1) * n; k++, on += net.w[i][0] * h) if (on > 0) z[k] += a * on;
      });
    }
    // In bands, as plotly fills between its contour lines.
    const { start, size } = map.contours, scale = 255 / (map.zmax - map.zmin);
    for (let i = 0; i < n * n; i++) {
      const band = start + (Math.floor((z[i] - start) / size) + 0.5) * size;
      pixels[i] = this.table[Math.max(0, Math.min(255, ((band - map.zmin) * scale) | 0))];
    }
    this.pen.putImageData(this.image, 0, 0);
  }
}

function colours(scale) {
  const pen = Object.assign(document.createElement("canvas"), { width: 256, height: 1 }).getContext("2d");
  const fade = pen.createLinearGradient(0, 0, 256, 0);
  for (const [q, colour] of scale) fade.addColorStop(Number(q), colour);
  pen.fillStyle = fade;
  pen.fillRect(0, 0, 256, 1);
  return new Uint32Array(pen.getImageData(0, 0, 256, 1).data.buffer);
}
