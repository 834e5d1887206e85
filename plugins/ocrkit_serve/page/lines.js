// The list of lines: their texts, and for the one that is looked at its picture, other readings
// and what can be done with it.

import { change, undo } from "./changes.js";
import { addLine, moveBaseline } from "./draw.js";
import { bringIntoView, cut, point } from "./picture.js";
import { get, attempt, say } from "./service.js";
import { addressOf, kind, lineOf, marked, marks, state } from "./state.js";

const PAUSE = 200; // milliseconds on a line before its other readings are asked for
const list = document.getElementById("lines");
const rows = new Map(); // by the lines' ids
let pause;

export function showLines() {
  for (const [id, row] of rows) {
    if (!lineOf(id)) {
      row.item.remove();
      rows.delete(id);
    }
  }
  const focused = document.activeElement;
  state.page.lines.forEach((line, number) => {
    if (!rows.has(line.id)) rows.set(line.id, newRow(line.id));
    const row = rows.get(line.id);
    if (list.children[number] !== row.item) list.insertBefore(row.item, list.children[number] ?? null);
    update(row, line, number);
  });
  if (focused !== document.activeElement && list.contains(focused)) focused.focus();
}

export function clearLines() {
  rows.clear();
  list.replaceChildren();
}

// Whether a text was typed that is not kept yet, as when the disk is full.
export const unkept = () => [...rows.values()].find(({ field, kept }) => field.value !== kept);

export function checkKept() {
  const row = unkept();
  if (!row) return;
  const line = row.number.textContent;
  throw new Error(`what was typed in line ${line} is not kept yet: Enter keeps it, Escape takes it back`);
}

function newRow(id) {
  const item = document.createElement("li");
  const number = document.createElement("span");
  number.className = "number";
  const field = document.createElement("textarea");
  Object.assign(field, { rows: 1, autocomplete: "off", spellcheck: false });
  field.setAttribute("autocapitalize", "off");
  const sureness = document.createElement("span");
  sureness.className = "sureness";
  item.append(number, field, sureness);
  const row = { id, item, number, field, sureness, kept: null };
  field.addEventListener("focus", () => look(row));
  field.addEventListener("blur", () => leave(row));
  field.addEventListener("keydown", (event) => pressed(event, row));
  item.addEventListener("pointerenter", () => point(id, true));
  item.addEventListener("pointerleave", () => point(id, false));
  return row;
}

function update(row, line, number) {
  marked(row.item, line);
  const text = line.text ?? "";
  if (row.kept === null || row.field.value === row.kept) row.field.value = text; // else it was typed
  row.kept = text;
  row.number.textContent = number + 1;
  const sure = line.confidence === null ? "" : `${Math.round(100 * line.confidence)} %`;
  row.sureness.textContent = line.corrected ? "✓" : sure;
  const said = { kept: ", corrected", doubt: `, doubtful${sure && `, ${sure} sure`}`, sure: sure && `, ${sure} sure` };
  row.field.setAttribute("aria-label", `Line ${number + 1}${said[kind(line)]}`);
  const place = JSON.stringify([line.baseline, line.boundary, state.picture]);
  if (line.id === state.line && row.place !== place && row.cut) lookClosely(row);
  row.place = place;
}

export function choose(id) {
  rows.get(id)?.field.focus();
}

function look(row) {
  if (state.line === row.id && row.cut) return;
  const before = rows.get(state.line);
  if (before) put(before, null);
  for (const each of document.querySelectorAll(".now")) each.classList.remove("now");
  state.line = row.id;
  for (const each of marks(row.id)) each.classList.add("now");
  lookClosely(row);
  bringIntoView(row.id);
}

function lookClosely(row) {
  const line = lineOf(row.id);
  const picture = document.createElement("div");
  picture.className = "cut";
  if (line.boundary.length || line.baseline.length) picture.append(cut(row.id));
  const others = document.createElement("div");
  others.className = "others";
  put(row, picture, others, tools(row));
  if (picture.scrollWidth > picture.clientWidth) {
    Object.assign(picture, { tabIndex: 0, role: "group", ariaLabel: "Picture of the line" });
  }
  clearTimeout(pause);
  if (state.reads) pause = setTimeout(attempt(() => showOthers(row, others)), PAUSE);
}

// What stands around the field of the line that is looked at.
function put(row, picture, ...below) {
  for (const each of row.around ?? []) each.remove();
  row.cut = picture;
  row.around = [picture, ...below].filter(Boolean);
  if (picture) row.item.prepend(picture);
  row.item.append(...below);
}

// A wide picture is shown where one writes.
document.addEventListener("selectionchange", () => {
  const row = rows.get(state.line);
  if (document.activeElement !== row?.field || !row.cut) return;
  const share = row.field.selectionStart / Math.max(1, row.field.value.length);
  row.cut.scrollLeft = share * (row.cut.scrollWidth - row.cut.clientWidth);
});

async function showOthers(row, place) {
  const pipeline = encodeURIComponent(state.pipeline);
  const { texts } = await get(`${addressOf(lineOf(row.id))}/alternatives?pipeline=${pipeline}`);
  const others = texts.filter((text) => text && text !== lineOf(row.id)?.text);
  if (!others.length) return;
  place.setAttribute("role", "group");
  place.setAttribute("aria-label", "Other readings");
  place.replaceChildren(
    ...others.map((text) =>
      button(text, () => {
        row.field.value = text;
        row.field.focus();
      }),
    ),
  );
}

function tools(row) {
  const bar = document.createElement("div");
  bar.className = "tools";
  bar.setAttribute("role", "group");
  bar.setAttribute("aria-label", "This line");
  bar.append(
    button("Up", () => shift(row, -1)),
    button("Down", () => shift(row, 1)),
    ...(state.reads
      ? [
          button("Move baseline", () => moveBaseline(row.id, () => row.field.focus())),
          button("Add a line", () => addLine(choose)), // near this one, by keyboard
        ]
      : []),
    button("Remove", () => remove(row)),
  );
  return bar;
}

function button(text, work) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.addEventListener("click", attempt(async () => work()));
  return made;
}

const pressed = attempt(async (event, row) => {
  const { key, ctrlKey, metaKey, altKey, shiftKey } = event;
  const up = key === "ArrowUp";
  if (key === "Enter" && !event.isComposing) {
    event.preventDefault();
    const kept = keep(row);
    step(row, 1);
    await kept;
  } else if (up || key === "ArrowDown") {
    event.preventDefault();
    if (altKey) await shift(row, up ? -1 : 1);
    else step(row, up ? -1 : 1);
  } else if (key === "Escape") {
    row.field.value = row.kept;
  } else if (key === "z" && (ctrlKey || metaKey) && !shiftKey && row.field.value === row.kept) {
    event.preventDefault();
    await undo();
  }
});

// What was typed is kept, however one leaves the line.
const leave = attempt(async (row) => {
  if (rows.has(row.id) && row.field.value !== row.kept) await keep(row);
});

async function keep(row) {
  const line = lineOf(row.id);
  const text = row.field.value.normalize("NFC").split(/\s+/u).filter(Boolean).join(" ");
  if (line.corrected && text === line.text) return;
  const before = row.kept;
  row.field.value = row.kept = text;
  try {
    await change("PUT", addressOf(line), { text });
  } catch (error) {
    row.kept = before; // so that it is still what was typed
    throw error;
  }
  say("Kept.");
}

function step(row, by) {
  const shown = [...list.children].filter((item) => item.offsetParent);
  shown[shown.indexOf(row.item) + by]?.querySelector("textarea").focus();
}

async function shift(row, by) {
  const { lines } = state.page;
  const place = lines.findIndex((line) => line.id === row.id) + by;
  if (place < 0 || place >= lines.length) return;
  const before = lines[by < 0 ? place : place + 1]?.id ?? null;
  await change("PUT", `${addressOf(lineOf(row.id))}/place`, { before });
  say(`Now line ${place + 1} of ${lines.length}.`);
}

async function remove(row) {
  clearTimeout(pause); // nobody wants its other readings any more
  const line = lineOf(row.id);
  const next = row.item.nextElementSibling ?? row.item.previousElementSibling;
  await change("DELETE", addressOf(line));
  next?.querySelector("textarea").focus();
  say("Removed.");
}
