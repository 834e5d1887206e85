// What is looked at, and what can be said of a line.

const DOUBT = 0.5; // a text with less confidence is rather wrong than right

export const state = {
  page: null, // as the service has it
  picture: "", // its picture, as an address within the browser
  line: null, // the id of the line that is looked at
  changes: [], // what can be undone, by name
};

export const address = (page = state.page) => `/v1/pages/${encodeURIComponent(page.id)}`;
export const addressOf = (line) => `${address()}/lines/${encodeURIComponent(line.id)}`;
export const lineOf = (id) => state.page?.lines.find((line) => line.id === id);

export function kind(line) {
  if (line.corrected) return "kept";
  return (line.confidence ?? 0) < DOUBT ? "doubt" : "sure";
}

export function marked(element, line) {
  element.classList.remove("kept", "doubt", "sure");
  element.classList.add(kind(line));
  element.style.setProperty("--sureness", `${100 * (line.confidence ?? 0)}%`);
  element.dataset.line = line.id;
  element.classList.toggle("now", line.id === state.line);
}

export const marks = (id) => document.querySelectorAll(`[data-line="${CSS.escape(id)}"]`);
