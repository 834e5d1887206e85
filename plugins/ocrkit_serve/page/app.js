// The page to read and correct: pictures go to the service, lines come back, corrections are kept
// there at once.

import { change, undo, whenChanged } from "./changes.js";
import { addLine, cancel } from "./draw.js";
import { add, listFormats } from "./files.js";
import { checkKept, choose, clearLines, showLines, unkept } from "./lines.js";
import { enlarge, showOutlines, showPicture } from "./picture.js";
import { showProgress } from "./progress.js";
import { ask, attempt, get, say } from "./service.js";
import { address, state } from "./state.js";
import { showTeaching, whenTaken } from "./teach.js";

const at = (id) => document.getElementById(id);

async function list(wanted) {
  const { pages } = await get("/v1/pages");
  at("pages").replaceChildren(...pages.map((id) => new Option(id, id)));
  const id = wanted ?? pages[0];
  if (id) await open(id);
}

async function open(id) {
  at("pages").value = state.page?.id; // until the other one is there
  checkKept();
  const page = await get(address({ id }));
  const picture = URL.createObjectURL(await (await ask(`${address({ id })}/picture`)).blob());
  URL.revokeObjectURL(state.picture);
  cancel();
  at("pages").value = id;
  Object.assign(state, { page, picture, line: null, changes: [] });
  at("undo").disabled = true;
  clearLines();
  showPicture(choose);
  showLines();
  await showProgress();
}

async function listPipelines() {
  const { models } = await get("/v1/models");
  const pages = models.filter(({ reads }) => reads === "page");
  state.reads = pages.length > 0;
  const names = (state.reads ? pages : models).map(({ name }) => name);
  at("pipelines").replaceChildren(...names.map((name) => new Option(name, name)));
  at("pipelines").parentElement.hidden = names.length < 2;
  state.pipeline = names[0];
  at("add").hidden = at("again").hidden = !state.reads;
}

whenChanged(() => {
  showOutlines(choose);
  showLines();
  showProgress();
});

whenTaken(listPipelines);

const started = attempt(async () => {
  await Promise.all([listPipelines(), listFormats(), showTeaching()]);
  await list();
})();

const addAll = attempt(async (files) => {
  const all = [...files];
  await started;
  await add(all, list);
});

for (const id of ["files", "photograph"]) {
  at(id).addEventListener("change", async ({ target }) => {
    await addAll(target.files);
    target.value = "";
  });
}
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => {
  if (!event.dataTransfer.files.length) return; // text that is dragged within the page
  event.preventDefault();
  addAll(event.dataTransfer.files);
});
window.addEventListener("beforeunload", (event) => unkept() && event.preventDefault());
document.addEventListener("paste", (event) => {
  if (event.clipboardData.files.length) addAll(event.clipboardData.files);
});
at("pages").addEventListener("change", attempt(({ target }) => open(target.value)));
at("pipelines").addEventListener("change", ({ target }) => (state.pipeline = target.value));
at("doubtful").addEventListener("change", ({ target }) => {
  at("lines").classList.toggle("doubtful", target.checked);
});
at("add").addEventListener("click", () => addLine(choose));
at("undo").addEventListener("click", attempt(undo));
at("larger").addEventListener("click", () => enlarge(1.5));
at("smaller").addEventListener("click", () => enlarge(1 / 1.5));
at("again").addEventListener(
  "click",
  attempt(async () => {
    if (!state.page) return;
    say("Reading the lines that nobody has corrected …");
    await change("POST", `${address()}/read`, { pipeline: state.pipeline });
    say("Read again.");
  }),
);
