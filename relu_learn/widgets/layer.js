// A picture of our own over the untouched figure: what moves is drawn here, in a few milliseconds;
// plotly's own update takes a hundred.
const NS = "http://www.w3.org/2000/svg";
const set = (element, attributes) => {
  for (const key in attributes) element.setAttribute(key, attributes[key]);
  return element;
};
const make = (parent, tag, attributes = {}) =>
  parent.appendChild(set(document.createElementNS(NS, tag), attributes));

class Layer {
  constructor(plot) {
    this.plot = plot;
    this.svg = set(document.createElementNS(NS, "svg"), { class: "rl-layer" });
    plot.after(this.svg);
    const id = (this.id = `rl-${Math.random().toString(36).slice(2)}`);
    this.frame = make(make(make(this.svg, "defs"), "clipPath", { id }), "rect");
    this.clipped = make(this.svg, "g", { "clip-path": `url(#${id})` }); // curves
    this.open = make(this.svg, "g"); // handles and letters may stick out
  }

  // plotly's axes know where they are: asked anew for every frame, so zoom and resize need nothing
  measure() {
    const { xaxis: x, yaxis: y } = this.plot._fullLayout ?? {};
    if (!x?._length || !y?._length) return false;
    const box = { x: x._offset, y: y._offset, width: x._length, height: y._length };
    const same = this.box && Object.keys(box).every((key) => box[key] === this.box[key]);
    if (!same) set(this.frame, (this.box = box)); // else all that is clipped is painted again
    return true;
  }

  at([x, y], trace) {
    const { xaxis, yaxis } = trace ?? this.plot._fullLayout;
    return [
      xaxis._offset + xaxis.l2p(xaxis.type === "log" ? Math.log10(x) : x),
      yaxis._offset + yaxis.l2p(yaxis.type === "log" ? Math.log10(y) : y),
    ];
  }

  // Around a part that we drew: left, top, right, bottom; nothing if it is hidden.
  around(part) {
    const own = part.getBoundingClientRect(), { left, top } = this.svg.getBoundingClientRect();
    return [own.left - left, own.top - top, own.right - left, own.bottom - top];
  }

  // Where the pointer is, in the units of the axes; right under CSS transforms and zoom, too.
  data(event) {
    const inverse = this.svg.getScreenCTM().inverse();
    const p = new DOMPoint(event.clientX, event.clientY).matrixTransform(inverse);
    const { xaxis, yaxis } = this.plot._fullLayout;
    return [xaxis.p2l(p.x - xaxis._offset), yaxis.p2l(p.y - yaxis._offset)];
  }

  // The visible traces in a plane of coordinates, with their axes.
  traces() {
    const layout = this.plot._fullLayout;
    const axis = (id) => layout[`${id[0]}axis${id.slice(1)}`];
    return (this.plot._fullData ?? [])
      .filter((t) => t.visible === true && t.type === "scatter" && t.x?.length)
      .map((t) => ({ ...t, trace: t, xaxis: axis(t.xaxis), yaxis: axis(t.yaxis) }));
  }
}
