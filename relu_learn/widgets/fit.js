// How much height the page has for the figures of an explorer, so that its controls, its sentence
// and all its views are seen at once: what the scrolling part of the page shows, less what stands
// above the views. In `--rl-room`, for panel.css.
const LEAST_ROOM = 260; // below it nothing can be told apart any more
const WIDEST = 0.62; // of the width: a plane that is higher would leave no place beside it

function fit(el) {
  const root = el.closest(".rl-root");
  if (!root || root.rlFitted) return;
  root.rlFitted = true;
  let scroller;
  for (let box = root.parentElement; box; box = box.parentElement)
    if (/auto|scroll/.test(getComputedStyle(box).overflowY) && box.clientHeight > 200) scroller = box;
  let known = "";
  let room = Infinity;
  const measure = () => {
    const views = root.querySelector(".rl-views, .rl-row");
    if (!views || !root.clientWidth) return;
    const height = Math.min(innerHeight, scroller?.clientHeight ?? innerHeight);
    const above = views.getBoundingClientRect().top - root.getBoundingClientRect().top;
    const key = `${height} ${root.clientWidth}`;
    const least = Math.min(height - above - 12, WIDEST * root.clientWidth);
    const now = Math.max(LEAST_ROOM, Math.floor(least));
    // A longer sentence makes the figures smaller once, a shorter one does not make them dance.
    room = key === known ? Math.min(room, now) : now;
    known = key;
    root.style.setProperty("--rl-room", `${room}px`);
  };
  const observer = new ResizeObserver(measure);
  for (const box of [root, scroller, ...root.children]) if (box) observer.observe(box);
  measure();
}
