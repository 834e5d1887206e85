// The page to read and correct: pictures go to the service, lines come back, corrections are kept there at once.

const DOUBT = 0.5; // a text with less confidence is rather wrong than right
const SVG = "http://www.w3.org/2000/svg";
const at = (id) => document.getElementById(id);
let page = null; // as the service has it
let picture = ""; // its picture, as an address within the browser

async function ask(path, options = {}) {
  const key = sessionStorage.getItem("key");
  const headers = { ...options.headers, ...(key ? { "X-Api-Key": key } : {}) };
  const answer = await fetch(path, { ...options, headers });
  if (answer.status === 401) {
    const given = prompt("The key of this service");
    if (given) {
      sessionStorage.setItem("key", given);
      return ask(path, options);
    }
  }
  if (!answer.ok) throw new Error((await answer.json()).error);
  return answer;
}

function say(text) {
  at("status").textContent = text;
}

function attempt(work) {
  return async (...given) => {
    try {
      await work(...given);
    } catch (error) {
      say(`Not done: ${error.message}`);
    }
  };
}

async function list(wanted) {
  const { pages } = await (await ask("/v1/pages")).json();
  at("pages").replaceChildren(...pages.map((id) => new Option(id, id)));
  const id = wanted ?? pages[0];
  if (id) {
    at("pages").value = id;
    await open(id);
  }
}

async function add(files) {
  let last;
  for (const file of files) {
    say(`Reading ${file.name} …`);
    const form = new FormData();
    form.append("file", file);
    last = (await (await ask("/v1/pages", { method: "POST", body: form })).json()).id;
  }
  if (last) await list(last);
  say("");
}

async function open(id) {
  const path = `/v1/pages/${encodeURIComponent(id)}`;
  page = await (await ask(path)).json();
  URL.revokeObjectURL(picture);
  picture = URL.createObjectURL(await (await ask(`${path}/picture`)).blob());
  at("picture").replaceChildren(drawing([0, 0, page.width, page.height], page.lines.map(outline)));
  at("lines").replaceChildren(...page.lines.map(row));
  progress();
}

function drawing([x, y, width, height], above = []) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `${x} ${y} ${width} ${height}`);
  const image = document.createElementNS(SVG, "image");
  image.setAttribute("href", picture);
  image.setAttribute("width", page.width);
  image.setAttribute("height", page.height);
  svg.append(image, ...above);
  return svg;
}

function outline(line) {
  const polygon = document.createElementNS(SVG, "polygon");
  polygon.setAttribute("points", line.boundary.map((point) => point.join()).join(" "));
  polygon.setAttribute("class", kind(line));
  polygon.dataset.line = line.id;
  polygon.addEventListener("click", () => input(line).focus());
  return polygon;
}

function row(line, number) {
  const item = document.createElement("li");
  item.className = kind(line);
  item.dataset.line = line.id;
  const field = document.createElement("input");
  field.value = line.text ?? "";
  field.autocomplete = "off";
  field.spellcheck = false;
  field.setAttribute("aria-label", `Line ${number + 1}${kind(line) === "doubt" ? ", doubtful" : ""}`);
  field.addEventListener("focus", () => choose(line));
  field.addEventListener("keydown", attempt((event) => pressed(event, line)));
  item.append(field);
  return item;
}

const kind = (line) => (line.corrected ? "kept" : (line.confidence ?? 0) < DOUBT ? "doubt" : "sure");
const input = (line) => at("lines").querySelector(`[data-line="${CSS.escape(line.id)}"] input`);
const marks = (line) => document.querySelectorAll(`[data-line="${CSS.escape(line.id)}"]`);

// The line that is looked at: its place on the page, and its picture, larger, above its text.
function choose(line) {
  for (const each of document.querySelectorAll(".now")) each.classList.remove("now");
  for (const each of at("lines").querySelectorAll("svg")) each.remove();
  for (const each of marks(line)) each.classList.add("now");
  if (!line.boundary.length) return;
  const xs = line.boundary.map(([x]) => x);
  const ys = line.boundary.map(([, y]) => y);
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  input(line).before(drawing([left, top, Math.max(...xs) - left, Math.max(...ys) - top]));
  document.querySelector("polygon.now")?.scrollIntoView({ block: "nearest" });
}

async function pressed(event, line) {
  const field = event.target;
  if (event.key === "Enter") {
    event.preventDefault();
    await keep(line, field.value);
    move(field, 1);
  } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    move(field, event.key === "ArrowDown" ? 1 : -1);
  } else if (event.key === "Escape") {
    field.value = line.text ?? "";
  }
}

async function keep(line, text) {
  const path = `/v1/pages/${encodeURIComponent(page.id)}/lines/${encodeURIComponent(line.id)}`;
  const headers = { "Content-Type": "application/json" };
  await ask(path, { method: "PUT", headers, body: JSON.stringify({ text }) });
  line.text = text;
  line.corrected = true;
  for (const each of marks(line)) {
    each.classList.remove("doubt", "sure");
    each.classList.add("kept");
  }
  progress();
  say("Kept.");
}

function move(field, step) {
  const fields = [...at("lines").querySelectorAll("input")].filter((each) => each.offsetParent);
  fields[fields.indexOf(field) + step]?.focus();
}

function progress() {
  const kept = page.lines.filter((line) => line.corrected).length;
  at("progress").textContent = `${kept} of ${page.lines.length} lines corrected`;
}

at("files").addEventListener("change", attempt((event) => add(event.target.files)));
at("pages").addEventListener("change", attempt((event) => open(event.target.value)));
at("doubtful").addEventListener("change", (event) =>
  at("lines").classList.toggle("doubtful", event.target.checked),
);
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => {
  event.preventDefault();
  attempt(add)(event.dataTransfer.files);
});
document.addEventListener("paste", (event) => {
  if (event.clipboardData.files.length) attempt(add)(event.clipboardData.files);
});
attempt(list)();
