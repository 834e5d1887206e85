"use strict";
// What was corrected is kept in the browser, so that a closed page loses nothing, until it is saved
// as labels.tsv: a path, a tab and the text, a line each.
const sheet = document.querySelector("ol");
const rows = [...sheet.children];
const field = (row) => row.querySelector("input");

function remember() {
  const seen = rows.filter((row) => row.classList.contains("seen"));
  const texts = Object.fromEntries(seen.map((row) => [row.dataset.path, field(row).value]));
  try {
    localStorage.setItem(sheet.dataset.key, JSON.stringify(texts));
  } catch {
    // A browser that keeps nothing for files: then what is not saved is lost with the page.
  }
  document.querySelector("output").textContent = `${seen.length} of ${rows.length} seen`;
}

function recall() {
  let texts = {};
  try {
    texts = JSON.parse(localStorage.getItem(sheet.dataset.key)) ?? {};
  } catch {
    // As above.
  }
  for (const row of rows) {
    if (Object.hasOwn(texts, row.dataset.path)) {
      field(row).value = texts[row.dataset.path];
      row.classList.add("seen");
    }
  }
}

function table() {
  const all = document.querySelector("#all").checked;
  return rows
    .filter((row) => all || row.classList.contains("seen"))
    .map((row) => `${row.dataset.path}\t${field(row).value.replace(/\s+/g, " ").trim()}\n`)
    .join("");
}

sheet.addEventListener("input", (event) => {
  event.target.closest("li").classList.add("seen");
  remember();
});
sheet.addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  event.preventDefault();
  const row = event.target.closest("li");
  row.classList.add("seen");
  remember();
  const next = event.shiftKey ? row.previousElementSibling : row.nextElementSibling;
  if (next) field(next).focus();
});
document.querySelector("button").addEventListener("click", () => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([table()], { type: "text/tab-separated-values" }));
  link.download = "labels.tsv";
  link.click();
  URL.revokeObjectURL(link.href);
});

recall();
remember();
field(rows[0])?.focus();
