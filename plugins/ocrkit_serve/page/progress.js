// How far the pages are.

import { attempt, get } from "./service.js";
import { state } from "./state.js";

const at = (id) => document.getElementById(id);
const share = (cer) => (cer === null ? "" : `; the others likely have ${percent(cer)} wrong characters`);
const percent = (value) => `${(100 * value).toFixed(value < 0.1 ? 1 : 0)} %`;

// Says so, and behind every page in the list.
export const showProgress = attempt(async () => {
  const all = await get("/v1/progress");
  const page = all.pages[state.page?.id];
  const said = page ? [`${page.corrected} of ${page.lines} lines corrected${share(page.estimated_cer)}`] : [];
  const count = Object.keys(all.pages).length;
  if (count > 1) {
    said.push(`all ${count} pages: ${all.corrected} of ${all.lines}${share(all.estimated_cer)}`);
  }
  at("progress").textContent = said.join(" · ");
  for (const option of at("pages").options) {
    const of = all.pages[option.value];
    if (of) option.textContent = `${option.value} (${of.corrected}/${of.lines})`;
  }
});
