// Baselines that are drawn and moved, by mouse, finger or keyboard.

import { change } from "./changes.js";
import { inside, joined, onPage, perPixel, svg } from "./picture.js";
import { attempt, say } from "./service.js";
import { address, addressOf, lineOf, state } from "./state.js";

const [STEP, SMALL] = [1 / 60, 1 / 600]; // of the page's width that a key moves
const NEAR = 1 / 100; // of it: two clicks so near are one point
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const FINGER = matchMedia("(pointer: coarse)"); // which needs larger handles
const at = (id) => document.getElementById(id);
const sheet = at("sheet");
const SHEET = sheet.getAttribute("aria-label");
let drawing = null; // what is being done: { line, points, cross, end }

// A new line; `then` is called with its id.
export function addLine(then) {
  if (!state.page) return;
  const { width, height } = state.page;
  const below = lineOf(state.line)?.baseline[0];
  begin({ line: null, points: [], cross: below ?? [width / 10, height / 10], then });
  sheet.setAttribute("role", "application");
  sheet.setAttribute(
    "aria-label",
    "Draw a baseline: arrow keys move the cross, Space sets a point, Enter ends the line, Escape leaves",
  );
  sheet.focus();
  say("Click along what the letters stand on, from the line's beginning to its end; then Enter or Done.");
}

export function moveBaseline(id, then) {
  const { baseline } = lineOf(id);
  begin({ line: id, points: simple(baseline), cross: null, then });
  at("draft").querySelector(".handle")?.focus();
  say("Drag the points, or move them by arrow keys; then Enter or Done.");
}

function begin(what) {
  leave();
  drawing = what;
  at("drawing").hidden = false;
  sheet.classList.add("drawing");
  show();
}

function leave() {
  if (!drawing) return;
  drawing = null;
  at("drawing").hidden = true;
  sheet.classList.remove("drawing");
  sheet.setAttribute("role", "group");
  sheet.setAttribute("aria-label", SHEET);
  at("draft").replaceChildren();
}

export const cancel = () => {
  if (!drawing) return;
  const then = drawing.line && drawing.then;
  leave();
  say("");
  if (then) then();
};

export const finish = attempt(async () => {
  if (!drawing) return;
  const { line, points, cross, then } = drawing;
  if (!line && cross && points.length === 1) points.push(cross);
  if (points.length < 2) {
    say("A baseline has two points or more.");
    return;
  }
  leave();
  say("Reading the line …");
  const body = { baseline: points, pipeline: state.pipeline };
  if (line) {
    await change("PUT", `${addressOf(lineOf(line))}/baseline`, body);
    then();
    say("The line was read again.");
  } else {
    const before = new Set(state.page.lines.map((each) => each.id));
    const page = await change("POST", `${address()}/lines`, body);
    then(page.lines.find((each) => !before.has(each.id))?.id);
    say("The line was added and read.");
  }
});

// Fewer points that run nearly as the line does, to be moved one by one.
function simple(points) {
  const [first, last] = [points[0], points.at(-1)];
  const length = Math.hypot(last[0] - first[0], last[1] - first[1]) || 1;
  const away = points.map(
    ([x, y]) =>
      Math.abs((last[0] - first[0]) * (first[1] - y) - (first[0] - x) * (last[1] - first[1])) / length,
  );
  const most = Math.max(...away);
  if (points.length < 3 || most < length / 100) return [first, last];
  const middle = away.indexOf(most);
  return [...simple(points.slice(0, middle + 1)), ...simple(points.slice(middle)).slice(1)];
}

function show() {
  const { points, cross, line } = drawing;
  const size = Math.max(state.page.width / 120, FINGER.matches ? 12 * perPixel() : 0);
  const shown = [svg("polyline", { points: joined(points), class: "baseline" })];
  if (line) {
    shown.push(handle(middle(points), 1.4 * size, "The whole baseline", (by) => moveAll(by)));
    points.forEach((each, number) =>
      shown.push(handle(each, size, `Point ${number + 1} of ${points.length}`, (by) => moveOne(number, by))),
    );
  } else {
    points.forEach(([cx, cy]) => shown.push(svg("circle", { cx, cy, r: size / 2, class: "point" })));
    if (cross) {
      const [x, y] = cross;
      const d = `M${x - 2 * size} ${y}h${4 * size}M${x} ${y - 2 * size}v${4 * size}`;
      shown.push(svg("path", { d, class: "cross" }));
    }
  }
  const focused = [...at("draft").children].indexOf(document.activeElement);
  at("draft").replaceChildren(...shown);
  if (focused > 0) at("draft").children[focused]?.focus();
}

function handle([cx, cy], r, label, move) {
  const circle = svg("circle", { cx, cy, r, class: "handle", tabindex: 0, role: "button", "aria-label": label });
  circle.addEventListener("keydown", (event) => {
    if (event.key in ARROWS) {
      event.preventDefault();
      move(arrow(event));
    }
  });
  circle.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    let from = onPage(event);
    const on = (moved) => {
      const to = onPage(moved);
      move([to[0] - from[0], to[1] - from[1]]);
      from = to;
    };
    window.addEventListener("pointermove", on);
    window.addEventListener(
      "pointerup",
      () => {
        window.removeEventListener("pointermove", on);
        finish();
      },
      { once: true },
    );
  });
  return circle;
}

function arrow(event) {
  const [x, y] = ARROWS[event.key];
  const step = state.page.width * (event.shiftKey ? SMALL : STEP);
  return [x * step, y * step];
}

function moveOne(number, [x, y]) {
  const [left, top] = drawing.points[number];
  drawing.points[number] = inside([left + x, top + y]);
  show();
}

function moveAll([x, y]) {
  drawing.points = drawing.points.map(([left, top]) => inside([left + x, top + y]));
  show();
}

function middle(points) {
  const place = (points.length - 1) / 2;
  const [before, after] = [points[Math.floor(place)], points[Math.ceil(place)]];
  return [(before[0] + after[0]) / 2, (before[1] + after[1]) / 2];
}

sheet.addEventListener("click", (event) => {
  if (!drawing || drawing.line) return;
  const place = onPage(event);
  const last = drawing.points.at(-1);
  drawing.cross = null;
  const again = last && Math.hypot(place[0] - last[0], place[1] - last[1]) < NEAR * state.page.width;
  if (!again) drawing.points.push(place);
  show();
});

sheet.addEventListener("dblclick", () => {
  if (drawing && !drawing.line) finish();
});

sheet.addEventListener("keydown", (event) => {
  if (!drawing) return;
  const { key } = event;
  if (key === "Enter") finish();
  else if (key === "Escape") cancel();
  else if (!drawing.line && key in ARROWS) crossBy(arrow(event));
  else if (!drawing.line && key === " ") drawing.points.push(drawing.cross ?? drawing.points.at(-1));
  else if (!drawing.line && key === "Backspace") drawing.points.pop();
  else return;
  event.preventDefault();
  if (drawing) show();
});

function crossBy([x, y]) {
  const [left, top] = drawing.cross ?? drawing.points.at(-1);
  drawing.cross = inside([left + x, top + y]);
  const [across, down] = [drawing.cross[0] / state.page.width, drawing.cross[1] / state.page.height];
  say(`${Math.round(100 * across)} % across, ${Math.round(100 * down)} % down`);
}

at("done").addEventListener("click", finish);
at("cancel").addEventListener("click", cancel);
