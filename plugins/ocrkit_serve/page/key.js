// Asks for the service's key, once for all requests that wait for it.

const dialog = document.getElementById("locked");
const field = document.getElementById("key");
let asked = null;

export const key = () => sessionStorage.getItem("key");

// Whether there is another key than the one that was refused.
export async function otherKey(refused) {
  if (key() !== refused) return true;
  asked ??= new Promise((answer) => {
    document.getElementById("refused").hidden = refused === null;
    field.value = "";
    dialog.returnValue = "";
    dialog.showModal();
    dialog.addEventListener("close", () => answer(dialog.returnValue), { once: true });
  });
  const given = await asked;
  asked = null;
  if (given) sessionStorage.setItem("key", field.value);
  return Boolean(given);
}
