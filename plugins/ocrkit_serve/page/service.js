// Asks the service, with its key where it has one, and says how that went.

import { key, otherKey } from "./key.js";

const WAITS = 5; // times that a busy service is asked again
const OF_PROXIES = {
  413: "it is larger than what stands before the service lets through",
  502: "the service is not running",
  503: "the service is not running",
  504: "the service took too long",
};
const at = (id) => document.getElementById(id);

export async function ask(path, options = {}, waits = WAITS) {
  const sent = key();
  const headers = { ...options.headers, ...(sent ? { "X-Api-Key": sent } : {}) };
  const answer = await fetch(`.${path}`, { ...options, headers }).catch(() => {
    throw new Error("the service does not answer: it may have ended, or the network is gone");
  }); // below a proxy's prefix, too
  if (answer.status === 401) {
    if (await otherKey(sent)) return ask(path, options, waits);
    throw new Error("the service wants its key; load this page again to give it");
  }
  if (answer.status === 429 && waits) {
    const seconds = Number(answer.headers.get("Retry-After")) || 1;
    say(`The service is busy; trying again in ${seconds} seconds …`);
    await new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
    return ask(path, options, waits - 1);
  }
  if (!answer.ok) throw new Error(await reason(answer));
  return answer;
}

async function reason(answer) {
  try {
    return (await answer.json()).error;
  } catch {
    return OF_PROXIES[answer.status] ?? `an answer of status ${answer.status} that is not the service's`;
  }
}

export async function get(path) {
  return (await ask(path)).json();
}

export async function send(method, path, body) {
  const headers = { "Content-Type": "application/json" };
  const answer = await ask(path, { method, headers, body: body && JSON.stringify(body) });
  return answer.status === 204 ? null : answer.json();
}

export function say(text) {
  at("status").textContent = text;
  at("alert").textContent = "";
}

// The same work; where it fails, the page says why.
export function attempt(work) {
  return async (...given) => {
    try {
      return await work(...given);
    } catch (error) {
      at("status").textContent = "";
      at("alert").textContent = `Not done: ${error.message}`;
    }
  };
}
