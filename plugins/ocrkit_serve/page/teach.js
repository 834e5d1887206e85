// Teaches a model from the corrected lines: how far that is, what came of it, and taking the model.

import { attempt, get, say, send } from "./service.js";

const EVERY = 2000; // milliseconds between looks while a model is taught
const at = (id) => document.getElementById(id);
const percent = (value) => `${(100 * value).toFixed(1)} %`;
let last = "";
let taken = () => {};
let waiting;

// `then` is called with the name of a model that is taken.
export function whenTaken(then) {
  taken = then;
}

function said({ status, corrected, needed, share, epochs, scores, error, result }) {
  if (status === "running") {
    const epoch = epochs ? `, ${epochs} epochs at most` : "";
    const so_far = scores.length > 1 ? `; error rate ${percent(scores[0])} before, ${percent(Math.min(...scores))} so far` : "";
    return `Teaching: ${Math.round(100 * share)} % of the steps${epoch}${so_far}.`;
  }
  if (status === "stopped") return `Teaching was stopped${error ? ` (${error})` : ""}; it can go on where it was.`;
  if (status === "done") return result.sentence;
  if (corrected < needed) return `${corrected} lines are corrected; ${needed} are needed, a hundred are better.`;
  return `A model can be taught from the ${corrected} corrected lines; part of them are kept to measure it by.`;
}

export const showTeaching = attempt(async () => {
  clearTimeout(waiting);
  const state = await get("/v1/teaching");
  const { status, offered, share } = state;
  at("teaching").textContent = said(state);
  at("taught").hidden = status !== "running";
  at("taught").value = share;
  at("teach").textContent = { stopped: "Go on", done: "Teach anew" }[status] ?? "Teach a model";
  at("teach").disabled = status === "running" || (status === "none" && state.corrected < state.needed);
  at("forget").textContent = { running: "Cancel", done: "Forget the new model" }[status] ?? "Forget it";
  at("forget").hidden = status === "none";
  at("take").hidden = !offered;
  if (last === "running" && status !== "running") say(said(state));
  last = status;
  if (status === "running") waiting = setTimeout(showTeaching, EVERY);
});

function does(id, work) {
  at(id).addEventListener(
    "click",
    attempt(async () => {
      at(id).disabled = true;
      try {
        await work();
      } finally {
        at(id).disabled = false;
        await showTeaching();
      }
    }),
  );
}

does("teach", async () => {
  await send("POST", "/v1/teaching");
  say("Teaching has begun; reading goes on meanwhile.");
});
does("forget", async () => {
  last = "";
  await send("DELETE", "/v1/teaching");
  say("Forgotten.");
});
does("take", async () => {
  const { pipeline } = await send("POST", "/v1/teaching/model");
  await taken(pipeline);
  say(`From now on ${pipeline} reads; Read again has it read what nobody has corrected.`);
});
at("teaching-panel").addEventListener("toggle", ({ target }) => target.open && showTeaching());
