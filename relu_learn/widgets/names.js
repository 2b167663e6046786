// Names stand on what they name, in its colour: no legend beside the figure that takes its width.
const STEP = 14; // pixels between the points that stand for a curve
const pen = document.createElement("canvas").getContext("2d");

function pixels(layer, t) {
  const found = [];
  let last = null;
  const joined = /lines/.test(t.mode) || t.fill === "toself";
  for (let i = 0; i < t.x.length; i++) {
    const p = t.x[i] == null || t.y[i] == null ? [NaN] : layer.at([t.x[i], t.y[i]], t);
    if (!p.every(Number.isFinite)) { last = null; continue; }
    const parts = joined && last ? Math.ceil(Math.hypot(p[0] - last[0], p[1] - last[1]) / STEP) : 1;
    for (let j = 1; j <= Math.min(parts, 200); j++)
      found.push(parts === 1 ? p : [0, 1].map((k) => last[k] + ((p[k] - last[k]) * j) / parts));
    last = p;
  }
  const { x, y, width, height } = layer.box;
  return found.filter(([u, v]) => u >= x && u <= x + width && v >= y && v <= y + height);
}

function placeNames(layer, size) {
  if (!layer.measure()) return;
  const names = (layer.names ??= new Map());
  const { x, y, width, height } = layer.box;
  const every = layer.traces().map((t) => ({ t, points: pixels(layer, t) }));
  const named = every.filter(({ t, points }) => t.showlegend && t.name && points.length);
  const crowd = every.flatMap(({ points }) => points);
  const taken = [...layer.svg.querySelectorAll(".rl-end, .rl-mark, .rl-arrow, .rl-answer")]
    .map((part) => layer.around(part)).filter(([a, , b]) => b > a);
  pen.font = `${size}px sans-serif`;
  const hit = (box, [u, v]) => u > box[0] && u < box[2] && v > box[1] && v < box[3];
  const cross = (a, b) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
  const free = (t, points) => {
    const w = pen.measureText(t.name).width, before = names.get(t.name)?.place;
    const every = Math.max(1, Math.floor(points.length / 24));
    let best = null;
    for (let i = 0; i < points.length; i += every)
      for (const [dx, dy] of [[-w / 2, -7], [-w / 2, size + 5], [9, size / 3], [-w - 9, size / 3]]) {
        const [u, v] = [points[i][0] + dx, points[i][1] + dy];
        const box = [u - 2, v - size, u + w + 2, v + 3];
        if (box[0] < x || box[2] > x + width || box[1] < y || box[3] > y + height) continue;
        if (taken.some((other) => cross(box, other))) continue;
        const moved = before ? Math.hypot(u - before[0], v - before[1]) / 60 : 0;
        const cost = crowd.filter((p) => hit(box, p)).length + Math.min(moved, 2);
        if (!best || cost < best.cost) best = { cost, place: [u, v], box };
      }
    return best;
  };
  for (const [name, { text }] of names)
    if (!named.some(({ t }) => t.name === name)) { text.remove(); names.delete(name); }
  for (const { t, points } of named) {
    const best = free(t, points);
    if (!best && !names.has(t.name)) continue;
    const text = names.get(t.name)?.text ?? make(layer.open, "text", { class: "rl-name" });
    text.style.display = best ? "" : "none";
    names.set(t.name, { text, place: best?.place });
    if (!best) continue;
    taken.push(best.box);
    text.textContent = t.name;
    const colour = /lines/.test(t.mode) ? t.line?.color : (t.fillcolor ?? t.marker?.color);
    const [u, v] = best.place;
    set(text, { x: u, y: v, fill: colour, stroke: layer.plot._fullLayout.paper_bgcolor });
    text.style.fontSize = `${size}px`;
  }
}

// The title no wider than the figure, and the scale of the map in the line of the x axis' title.
function finish(layer) {
  const { plot } = layer, { _fullLayout: layout } = plot, title = plot.querySelector(".gtitle");
  if (title?.textContent) {
    const size = layout.title.font.size, room = layout.width - title.getBBox().x - 2;
    title.style.fontSize = `${size}px`;
    const wide = title.getBBox().width;
    if (wide > room) title.style.fontSize = `${Math.max(9, (size * room) / wide)}px`;
  }
  const map = plot.data[layout.meta?.bar], bar = map?.colorbar;
  layer.bar?.remove();
  if (!bar?.tickvals?.length || !layer.measure()) return;
  const { x, y, width, height } = layer.box, small = layout.font.size - 2;
  const texts = [...bar.ticktext].filter(Boolean), ends = [bar.tickvals[0], bar.tickvals.at(-1)];
  const group = (layer.bar = make(layer.open, "g", { class: "rl-bar", fill: layout.font.color }));
  const top = y + height + 1.25 * layout.xaxis.tickfont.size + 10;
  const write = (text, at, anchor) => {
    const one = make(group, "text", { x: at, y: top + 8, "text-anchor": anchor });
    one.style.fontSize = `${small}px`;
    one.textContent = text;
    return one.getComputedTextLength();
  };
  const right = x + width, wide = write(texts.at(-1) ?? "", right, "end");
  const least = texts.length > 1 ? texts[0] : "", words = `${bar.title?.text ?? ""} ${least}`;
  pen.font = `${small}px sans-serif`;
  // The name of the axis has the middle: what does not fit beside it is left out, or shorter.
  const axis = plot.querySelector(".xtitle")?.getBBox();
  const free = axis?.width ? right - axis.x - axis.width - 4 - wide - 10 : width;
  const [all, few] = [words, least].map((text) => free - pen.measureText(text).width);
  const long = Math.max(0.1 * width, Math.min(0.26 * width, all > 0.2 * width ? all : few));
  const from = right - wide - 5 - long, span = map.zmax - map.zmin, id = `${layer.id}-bar`;
  const place = (q) => from + (long * (map.zmin + q * span - ends[0])) / (ends[1] - ends[0]);
  const fill = make(group, "linearGradient", {
    id, gradientUnits: "userSpaceOnUse", x1: place(0), x2: place(1), y1: 0, y2: 0,
  });
  for (const [q, colour] of map.colorscale) make(fill, "stop", { offset: q, "stop-color": colour });
  make(group, "rect", { x: from, y: top, width: long, height: 8, fill: `url(#${id})` });
  write(all >= long ? words : few >= long ? least : "", from - 5, "end");
}
