// Changes of the page: the service makes them, and they are shown when they are on its disk.

import { say, send } from "./service.js";
import { address, state } from "./state.js";

let show = () => {};
const button = document.getElementById("undo");

// What shows a page that was changed.
export function whenChanged(shown) {
  show = shown;
}

export async function change(method, path, body) {
  const { id } = state.page;
  const { change: name, ...page } = await send(method, path, body);
  if (state.page.id === id) {
    state.changes.push(name);
    changed(page);
  }
  return page;
}

export async function undo() {
  const name = state.changes.pop();
  if (!name) {
    say("There is nothing to undo.");
    return;
  }
  try {
    changed(await send("POST", `${address()}/undo`, { change: name }));
    say("Undone.");
  } catch (error) {
    state.changes = [];
    throw error;
  } finally {
    button.disabled = !state.changes.length;
  }
}

function changed(page) {
  state.page = page;
  button.disabled = !state.changes.length;
  show();
}
