// What is new in a trace arrives within a moment: creases grow from their kink, arrows snap to their
// length, the loss falls. Our layer draws the way, plotly the end of it. A trace says in
// `meta.motion` how; nothing moves where the system asks for that, or while a hand is scrubbing.
const MOMENT = 300; // milliseconds
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const out = (p) => 1 - (1 - p) ** 3;
const EASE = { grow: out, fall: out, snap: (p) => 1 + 2.7 * (p - 1) ** 3 + 1.7 * (p - 1) ** 2 };

function pieces(x, y) {
  const found = [[]];
  for (let i = 0; i < (x?.length ?? 0); i++) {
    if (Number.isFinite(x[i] ?? NaN) && Number.isFinite(y[i] ?? NaN))
      found.at(-1).push([x[i], y[i]]);
    else if (found.at(-1).length) found.push([]);
  }
  return found.filter((piece) => piece.length > 1);
}

// The pieces that were not there before; of a curve that only became longer, what came on.
function novel(before, after, motion) {
  const key = (piece) => piece.map((p) => p.map((v) => v.toPrecision(7))).join();
  if (motion !== "fall") {
    const known = new Set(before.map(key));
    return after.filter((piece) => !known.has(key(piece)));
  }
  const [old = [], now = []] = [before[0], after[0]];
  let same = 0;
  while (same < old.length - 1 && String(old[same]) === String(now[same])) same++;
  if (!old.length || same < old.length - 1 || now.length <= same + 1) return [];
  const steps = now.slice(same).flatMap((p, i, all) => (i ? [[p[0], all[i - 1][1]], p] : [p]));
  return [steps];
}

class Motion {
  constructor(layer) {
    this.layer = layer;
    this.last = -Infinity;
  }

  // What of an update plotly gets only at the end; starts the way there.
  keep(traces, finish) {
    this.stop?.();
    const now = performance.now(), soon = now - this.last < MOMENT;
    this.last = now;
    if (soon || calm.matches || document.hidden || !this.layer.measure()) return {};
    const kept = {}, parts = [];
    const ring = this.layer.plot.data.findIndex((t) => t.name === "now");
    const kink = [traces[ring]?.x?.[0], traces[ring]?.y?.[0]];
    for (const [i, changes] of Object.entries(traces)) {
      const trace = this.layer.plot.data[i], motion = trace?.meta?.motion;
      if (!motion || !changes.x || !changes.y) continue;
      const before = pieces(trace.x, trace.y), after = pieces(changes.x, changes.y);
      const fresh = novel(before, after, motion);
      if (!fresh.length || fresh.length > 12) continue;
      kept[i] = changes;
      parts.push(...fresh.map((piece) => this.part(piece, trace, motion, kink)));
    }
    if (!parts.length) return {};
    this.run(parts, () => finish(kept));
    return kept;
  }

  part(piece, trace, motion, kink) {
    const full = this.layer.plot._fullData[trace.index ?? this.layer.plot.data.indexOf(trace)];
    const points = piece.map((p) => this.layer.at(p));
    const from = motion === "grow" && kink.every(Number.isFinite) ? this.layer.at(kink) : points[0];
    const [a, b] = [points[0], points.at(-1)], d = [b[0] - a[0], b[1] - a[1]];
    const share = ((from[0] - a[0]) * d[0] + (from[1] - a[1]) * d[1]) / (d[0] ** 2 + d[1] ** 2 || 1);
    const path = make(this.layer.clipped, "path", {
      fill: "none", stroke: full.line.color, "stroke-width": full.line.width, class: "rl-moving",
    });
    return { points, path, motion, start: motion === "grow" ? Math.min(1, Math.max(0, share)) : 0 };
  }

  run(parts, done) {
    const begin = performance.now();
    let frame = 0;
    this.stop = () => {
      cancelAnimationFrame(frame);
      this.stop = undefined;
      for (const { path } of parts) path.remove();
      done();
    };
    const step = () => {
      const p = Math.min(1, (performance.now() - begin) / MOMENT);
      if (p >= 1) return this.stop();
      for (const { points, path, motion, start } of parts) {
        const e = EASE[motion](p);
        path.setAttribute("d", stretch(points, start - e * start, start + e * (1 - start)));
      }
      frame = requestAnimationFrame(step);
    };
    step();
  }
}

// The part of a polyline from one share of its length to another (beyond 1: a straight line longer).
function stretch(points, low, high) {
  const long = points.slice(1).map((p, i) => Math.hypot(p[0] - points[i][0], p[1] - points[i][1]));
  const total = long.reduce((a, b) => a + b, 0);
  const at = (share) => {
    let left = share * total, i = 0;
    while (i < long.length - 1 && left > long[i]) left -= long[i++];
    const f = long[i] ? left / long[i] : 0;
    return { i, p: [0, 1].map((k) => points[i][k] + f * (points[i + 1][k] - points[i][k])) };
  };
  const [a, b] = [at(low), at(high)];
  return `M${[a.p, ...points.slice(a.i + 1, b.i + 1), b.p].map((p) => p.join(" ")).join("L")}`;
}
