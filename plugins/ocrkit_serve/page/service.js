// Asks the service, with its key where it has one, and says how that went.

const WAITS = 5; // times that a busy service is asked again
const at = (id) => document.getElementById(id);

export async function ask(path, options = {}, waits = WAITS) {
  const key = sessionStorage.getItem("key");
  const headers = { ...options.headers, ...(key ? { "X-Api-Key": key } : {}) };
  const answer = await fetch(`.${path}`, { ...options, headers }); // below a proxy's prefix, too
  if (answer.status === 401) {
    const given = prompt("The key of this service");
    if (given) {
      sessionStorage.setItem("key", given);
      return ask(path, options, waits);
    }
  }
  if (answer.status === 429 && waits) {
    const seconds = Number(answer.headers.get("Retry-After")) || 1;
    say(`The service is busy; trying again in ${seconds} seconds …`);
    await new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
    return ask(path, options, waits - 1);
  }
  if (!answer.ok) throw new Error((await answer.json()).error);
  return answer;
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
