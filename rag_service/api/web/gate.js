// What the gate said, and the figures that it said it from.

import { h, icon } from "./dom.js";
import { count, fixed, signed } from "./format.js";
import { withInterval } from "./measured.js";
import { table } from "./ui.js";

const MEASURES = {
  "ndcg@10": "NDCG@10",
  "mrr@10": "MRR@10",
  "recall@10": "Recall@10",
  "hit@5": "Hit@5",
};

const MAX_P = 0.05;

/** The gate's word as a badge. */
export function verdict(promoted) {
  return h(
    "span",
    { class: `badge ${promoted ? "good" : "warn"}` },
    icon(promoted ? "check" : "close", 12),
    promoted ? "Gate: yes" : "Gate: no",
  );
}

export function reasonList({ reasons }) {
  return h(
    "ul",
    { class: "reasons" },
    reasons.map((reason) => h("li", {}, reason)),
  );
}

/** Before and after with intervals, difference and p; `judged` as `ragloop improve --json` has it. */
export function figureTable(judged, of = "") {
  const { before, after, difference, probe, releases } = judged;
  const rows = Object.entries(MEASURES)
    .filter(([key]) => before.metrics[key] && after.metrics[key])
    .map(([key, name]) => row(name, before.metrics[key], after.metrics[key], difference?.[key]));
  if (probe) {
    const name = h("span", {}, "General text ", h("small", {}, `NDCG@10, ${count(probe.after.questions, "question")}`));
    rows.push(row(name, probe.before["ndcg@10"], probe.after["ndcg@10"], probe.difference));
  }
  const head = ["Measure", `Before (${releases.before})`, `After (${releases.after})`, "Difference", "p", "Verdict"];
  const framed = table(`Figures before and after${of}, with 95 % intervals`, head, rows);
  framed.classList.add("cards-when-narrow", "figure-table");
  for (const row of rows) [...row.cells].forEach((cell, at) => at && (cell.dataset.label = head[at]));
  return framed;
}

function row(name, before, after, moved) {
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, name),
    h("td", {}, withInterval(before)),
    h("td", {}, withInterval(after)),
    h(
      "td",
      {},
      moved
        ? h("span", {}, h("b", {}, signed(moved.value)), ` [${signed(moved.low)}, ${signed(moved.high)}]`)
        : "not comparable",
    ),
    h("td", {}, moved ? fixed(moved.p, 4) : "–"),
    h("td", {}, moved ? direction(moved) : ""),
  );
}

/** By the gate's rule: the interval leaves zero out, and p is small. */
function direction({ low, high, p }) {
  if (p >= MAX_P) return h("span", { class: "quiet-text" }, "no clear change");
  if (low > 0) return h("span", { class: "better" }, icon("up", 13), "better");
  if (high < 0) return h("span", { class: "worse" }, icon("down", 13), "worse");
  return h("span", { class: "quiet-text" }, "no clear change");
}
