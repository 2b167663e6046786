// A network with two inputs as a folded sheet in space: its flat pieces, far ones first, each
// filled with its own values. Drawn on a canvas: no WebGL, and quick enough for every mouse move.
const RISE = (32 * Math.PI) / 180; // of the eye above the sheet

// Its flat pieces, those farther from the eye first: each crease parts what is left. Corners are
// [x, y]; edges[i] is the crease on the side from corner i to the next, -1 for the border.
function pieces(net, reach, eye) {
  const found = [];
  const part = (polygon, edges, creases) => {
    const [i, ...rest] = creases;
    if (i === undefined) return found.push({ polygon, edges });
    const side = polygon.map((p) => dot(net.w[i], p) - net.b[i]);
    const near = Math.sign(dot(net.w[i], eye)) || 1;
    for (const sign of [-near, near]) {
      const half = halved(polygon, edges, side.map((s) => sign * s), i);
      if (area(half[0]) > 1e-7) part(...half, rest);
    }
  };
  const square = [[-reach, -reach], [reach, -reach], [reach, reach], [-reach, reach]];
  const creases = foldsOf(net).flatMap((fold, i) => (fold ? [i] : []));
  part(square, [-1, -1, -1, -1], creases);
  return found;
}

// The half of a convex polygon on which `side` is positive.
function halved(polygon, edges, side, crease) {
  const [corners, sides] = [[], []];
  polygon.forEach((p, k) => {
    const next = (k + 1) % polygon.length, [a, b] = [side[k], side[next]];
    if (a >= 0) {
      corners.push(p);
      sides.push(b < 0 && a === 0 ? crease : edges[k]);
    }
    if (a * b >= 0) return;
    const q = polygon[next], f = a / (a - b);
    corners.push([p[0] + f * (q[0] - p[0]), p[1] + f * (q[1] - p[1])]);
    sides.push(a > 0 ? crease : edges[k]);
  });
  return [corners, sides];
}

function area(corners) {
  return corners.reduce((sum, [x, y], k) => {
    const [u, v] = corners[(k + 1) % corners.length];
    return sum + x * v - u * y;
  }, 0);
}

class Sheet {
  constructor(canvas) {
    this.canvas = canvas;
    this.pen = canvas.getContext("2d");
  }

  // Place the sheet over [-reach, reach]², of values low to high, as seen from `turn` degrees.
  look(net, turn, reach, [low, high], held) {
    const { canvas } = this, ratio = devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (!width || !height) return false;
    if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
    if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
    this.pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.pen.clearRect(0, 0, width, height);
    const top = Math.max(Math.abs(low), Math.abs(high));
    this.colours = [-top, top]; // zero has the middle of the scale, as in the map
    const angle = ((turn - 90) * Math.PI) / 180, [sin, cos] = [Math.sin(RISE), Math.cos(RISE)];
    this.eye = [Math.cos(angle), Math.sin(angle)];
    const lift = (1.3 * reach) / (high - low || 1);
    const raw = ([x, y], f) => [
      y * this.eye[0] - x * this.eye[1],
      (x * this.eye[0] + y * this.eye[1]) * sin - lift * f * cos,
    ];
    this.pieces = pieces(net, reach, this.eye);
    const size = `${turn} ${width} ${height}`;
    if (!held || size !== this.size) { // as large as there is room, but steady under the hand
      const ends = [0, 1].map((k) => {
        const all = this.pieces.flatMap(({ polygon }) => polygon.map((p) => raw(p, value(net, p))[k]));
        return [Math.min(...all), Math.max(...all)];
      });
      const [wide, tall] = ends.map(([a, b]) => b - a);
      this.scale = Math.min((width - 24) / wide, (height - 16) / tall);
      this.shift = [width, height].map((room, k) => (room - this.scale * (ends[k][0] + ends[k][1])) / 2);
      this.size = size;
    }
    this.at = (x, f) => raw(x, f).map((q, k) => this.shift[k] + this.scale * q);
    return true;
  }

  path(points, close) {
    this.pen.beginPath();
    points.forEach(([x, y], i) => this.pen[i ? "lineTo" : "moveTo"](x, y));
    if (close) this.pen.closePath();
  }

  draw(net, line, kinks, { scale, line: ink, crease, paper, ink: rim }) {
    for (const { polygon, edges } of this.pieces) {
      const heights = polygon.map((p) => value(net, p));
      const points = polygon.map((p, k) => this.at(p, heights[k]));
      this.path(points, true);
      this.fill(points, heights, this.colours, scale);
      edges.forEach((edge, k) => { // a border of its own: zero has the colour of the page
        this.pen.strokeStyle = edge < 0 ? rim : crease;
        this.pen.lineWidth = edge < 0 ? 1 : 2;
        this.path([points[k], points[(k + 1) % points.length]]);
        this.pen.stroke();
      });
      if (line) this.cut(net, polygon, line, kinks, { ink, crease, paper });
    }
  }

  // Values are linear on a flat piece, and so on its picture: one gradient fills it exactly.
  fill(points, heights, [low, high], scale) {
    const [p, q, r] = [0, 1, points.length - 1].map((k) => [...points[k], heights[k]]);
    const [a, b, c] = [q[0] - p[0], q[1] - p[1], q[2] - p[2]];
    const [d, e, f] = [r[0] - p[0], r[1] - p[1], r[2] - p[2]], det = a * e - b * d;
    const slope = [(c * e - b * f) / det, (a * f - c * d) / det], square = dot(slope, slope);
    const colour = (v) => scale[Math.max(0, Math.min(scale.length - 1, Math.round(v)))][1];
    if (Math.abs(det) > 1e-6 && square > 1e-12) {
      const foot = (v) => [0, 1].map((k) => p[k] + (slope[k] * (v - p[2])) / square);
      const fade = this.pen.createLinearGradient(...foot(low), ...foot(high));
      for (const [share, one] of scale) fade.addColorStop(share, one);
      this.pen.fillStyle = fade;
    } else this.pen.fillStyle = colour(((heights[0] - low) / (high - low || 1)) * (scale.length - 1));
    this.pen.fill();
    const light = Math.min(1, Math.abs(det) / (Math.abs(det) + 900)); // steep ones are darker
    this.pen.fillStyle = `rgba(0,0,0,${0.05 + 0.25 * (1 - light)})`;
    this.pen.fill();
  }

  cut(net, polygon, line, kinks, { ink, crease, paper }) {
    let [low, high] = [-Infinity, Infinity];
    polygon.forEach((p, k) => { // counter-clockwise: inside is at the left of each side
      const q = polygon[(k + 1) % polygon.length], n = [p[1] - q[1], q[0] - p[0]];
      const [rate, off] = [dot(n, line[1]), dot(n, [p[0] - line[0][0], p[1] - line[0][1]])];
      if (Math.abs(rate) < 1e-12) { if (off > 1e-9) low = Infinity; return; }
      if (rate > 0) low = Math.max(low, off / rate);
      else high = Math.min(high, off / rate);
    });
    if (!(low < high)) return;
    const at = (t) => this.at(along(line, t), value(net, along(line, t)));
    this.path([at(low), at(high)]);
    Object.assign(this.pen, { strokeStyle: ink, lineWidth: 3.5, lineCap: "round" });
    this.pen.stroke();
    for (const { t } of kinks.filter(({ t }) => Math.abs(t - low) < 1e-9 || Math.abs(t - high) < 1e-9))
      this.mark(at(t), crease, paper);
  }

  mark([x, y], colour, edge, size = 6) {
    this.path([[x, y - size], [x + size, y], [x, y + size], [x - size, y]], true);
    Object.assign(this.pen, { fillStyle: colour, strokeStyle: edge, lineWidth: 1.5 });
    this.pen.fill();
    this.pen.stroke();
  }
}
