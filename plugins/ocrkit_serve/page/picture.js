// The picture of the page with its lines over it, and cuts of it.

import { lineOf, marked, state } from "./state.js";

const SVG = "http://www.w3.org/2000/svg";
const MARGIN = 0.15; // around the picture of a line, by its height
const REM = 4; // height of that picture at least
const sheet = document.getElementById("sheet");
let zoom = 1;

export function svg(name, attributes = {}) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

export const joined = (points) => points.map((point) => point.join()).join(" ");

function image() {
  const { width, height } = state.page;
  return svg("image", { href: state.picture, width, height, "aria-hidden": "true" });
}

export function showPicture(choose) {
  const { width, height, lines } = state.page;
  const drawing = svg("svg", { viewBox: `0 0 ${width} ${height}` });
  const outlines = svg("g", { id: "outlines", "aria-hidden": "true" }); // the list has them too
  drawing.append(image(), outlines, svg("g", { id: "draft" }));
  sheet.replaceChildren(drawing);
  enlarge(1);
  showOutlines(choose);
}

export function showOutlines(choose) {
  const outlines = state.page.lines.map((line) => {
    const closed = line.boundary.length > 2;
    const points = joined(closed ? line.boundary : line.baseline);
    const outline = svg(closed ? "polygon" : "polyline", { points, class: "outline" });
    marked(outline, line);
    outline.addEventListener("click", () => choose(line.id));
    outline.addEventListener("pointerenter", () => point(line.id, true));
    outline.addEventListener("pointerleave", () => point(line.id, false));
    return outline;
  });
  document.getElementById("outlines").replaceChildren(...outlines);
}

// Shows which line of the list one of the picture is, and the other way round.
export function point(id, on) {
  for (const each of document.querySelectorAll(`[data-line="${CSS.escape(id)}"]`)) {
    each.classList.toggle("pointed", on);
  }
}

export function bringIntoView(id) {
  const outline = document.querySelector(`.outline[data-line="${CSS.escape(id)}"]`);
  if (!outline) return;
  const [box, frame] = [outline.getBoundingClientRect(), sheet.getBoundingClientRect()];
  if (box.top < frame.top || box.bottom > frame.bottom) {
    sheet.scrollTop += box.top - frame.top - (frame.height - box.height) / 2;
  }
  if (box.left < frame.left || box.right > frame.right) sheet.scrollLeft += box.left - frame.left - 8;
}

export function enlarge(factor) {
  zoom = Math.min(8, Math.max(1, factor === 1 ? 1 : zoom * factor));
  const drawing = sheet.querySelector("svg");
  if (drawing) drawing.style.width = `${100 * zoom}%`;
  if (state.line) bringIntoView(state.line);
}

// The picture of a line, its baseline level; it is wider than its place where that is narrow.
export function cut(id) {
  const line = lineOf(id);
  const points = [...line.boundary, ...line.baseline];
  const [first, last] = line.baseline.length > 1 ? [line.baseline[0], line.baseline.at(-1)] : [[0, 0], [1, 0]];
  const angle = Math.atan2(last[1] - first[1], last[0] - first[0]);
  const [cos, sin] = [Math.cos(-angle), Math.sin(-angle)];
  const xs = points.map(([x, y]) => x * cos - y * sin);
  const ys = points.map(([x, y]) => x * sin + y * cos);
  const margin = MARGIN * (Math.max(...ys) - Math.min(...ys)) + 1;
  const [left, top] = [Math.min(...xs) - margin, Math.min(...ys) - margin];
  const [width, height] = [Math.max(...xs) + margin - left, Math.max(...ys) + margin - top];
  const drawing = svg("svg", { viewBox: `${left} ${top} ${width} ${height}`, "aria-hidden": "true" });
  const turned = svg("g", { transform: `rotate(${(-angle * 180) / Math.PI})` });
  turned.append(image());
  drawing.append(turned);
  drawing.style.width = `max(100%, ${(REM * width) / height}rem)`;
  return drawing;
}

// Where on the page something points at.
export function onPage(event) {
  const drawing = sheet.querySelector("svg");
  const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(
    drawing.getScreenCTM().inverse(),
  );
  return inside([at.x, at.y]);
}

// How much of the page's width a pixel of the screen is.
export const perPixel = () => state.page.width / sheet.querySelector("svg").getBoundingClientRect().width;

export function inside([x, y]) {
  const within = (value, most) => Math.round(10 * Math.min(most, Math.max(0, value))) / 10;
  return [within(x, state.page.width), within(y, state.page.height)];
}
