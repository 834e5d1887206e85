// Pages that come in, and files that go out.

import { ask, attempt, get, say } from "./service.js";
import { address, state } from "./state.js";

const at = (id) => document.getElementById(id);
let formats = [];

// Has files read one after the other; `then` is called with the id of each one's first page.
export async function add(files, then) {
  const wrong = [];
  let count = 0;
  for (const file of files) {
    count += 1;
    say(`Reading ${file.name}${files.length > 1 ? ` (${count} of ${files.length})` : ""} …`);
    const form = new FormData();
    form.append("file", file);
    form.append("pipeline", state.pipeline);
    try {
      const { id, errors } = await (await ask("/v1/pages", { method: "POST", body: form })).json();
      wrong.push(...errors);
      await then(id);
    } catch (error) {
      wrong.push(`${file.name}: ${error.message}`);
    }
  }
  say("");
  if (wrong.length) throw new Error(wrong.join("; "));
}

export async function listFormats() {
  ({ formats } = await get("/v1/formats"));
  at("formats").replaceChildren(...formats.map(({ name }) => new Option(name, name)));
  at("formats").value = "page";
}

async function save(path, name) {
  say("Writing the file …");
  const query = `?format=${encodeURIComponent(at("formats").value)}`;
  const file = URL.createObjectURL(await (await ask(path + query)).blob());
  Object.assign(document.createElement("a"), { href: file, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(file), 60_000);
  say(`Saved ${name}.`);
}

const chosen = () => formats.find(({ name }) => name === at("formats").value);

at("save").addEventListener(
  "click",
  attempt(async () => {
    if (state.page) await save(`${address()}/file`, state.page.id + chosen().ending);
  }),
);
at("save-all").addEventListener(
  "click",
  attempt(() => save("/v1/file", `pages${chosen().takes_several ? chosen().ending : ".zip"}`)),
);
