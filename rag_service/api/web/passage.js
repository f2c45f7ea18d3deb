// One passage that a search found.

import { h, icon } from "./dom.js";
import { fixed, pages } from "./format.js";
import { highlighted } from "./highlight.js";
import { badge } from "./ui.js";
import { openPage } from "./viewer.js";

const STAGES = {
  vectors: "Meaning",
  text: "Words",
  glossary: "Synonyms",
  pages: "Page",
  rerank: "Reranked",
  fused: "Together",
  score: "Score",
};

/**
 * A passage as a list item. `words` are marked in it; `most` are the highest scores by stage, for
 * the bars; `note` stands in its head; `folded` shows its first lines until it is opened.
 */
export function passage(hit, { words = [], most = null, note = null, folded = false } = {}) {
  const text = hit.kind === "table" ? tableText(hit.text, words) : h("p", { class: "passage-text" }, highlighted(hit.text, words));
  const heading = hit.heading?.split(" > ").at(-1) ?? "";
  const body = h("div", { class: "passage-body" }, text);
  return h(
    "li",
    { class: "passage", dataset: { chunk: hit.chunk_id } },
    h(
      "div",
      { class: "passage-head" },
      h("span", { class: "rank", "aria-label": `Rank ${hit.rank}` }, String(hit.rank)),
      h(
        "div",
        { class: "passage-place" },
        h("strong", {}, hit.company || hit.document),
        hit.fiscal_year ? h("span", {}, `${hit.form || "Filing"} ${hit.fiscal_year}`) : null,
        h("span", { class: "quiet-text" }, [hit.section, heading].filter(Boolean).join(" · ")),
      ),
      note,
      hit.kind === "table" ? badge("Table") : null,
      h(
        "button",
        {
          type: "button",
          class: "small",
          onclick: () => openPage({ document: hit.document, page: hit.page_start, page_end: hit.page_end, quote: hit.text }),
          "aria-label": `Open ${hit.document}, ${pages(hit.page_start, hit.page_end)}`,
        },
        icon("documents"),
        pages(hit.page_start, hit.page_end),
      ),
    ),
    folded ? h("details", { class: "fold" }, h("summary", {}, hit.text.replace(/\s+/g, " ").slice(0, 160)), body) : body,
    most ? scoreBars(scoresOf(hit), most) : null,
  );
}

/** The highest score of each stage among hits, for `passage`. */
export function highest(hits) {
  const most = {};
  for (const hit of hits) {
    for (const [stage, score] of Object.entries(scoresOf(hit))) {
      most[stage] = Math.max(most[stage] ?? 0, Math.abs(score));
    }
  }
  return most;
}

/** By stage; of a search in one stage the one score, of interleaved hits none. */
function scoresOf({ score, scores }) {
  if (scores && Object.keys(scores).length) return scores;
  return score === null ? {} : { score };
}

function scoreBars(scores, most) {
  return h(
    "dl",
    { class: "scores", "aria-label": "Scores by stage" },
    Object.entries(scores).map(([stage, score]) =>
      h(
        "div",
        {},
        h("dt", {}, STAGES[stage] ?? stage),
        h("dd", {},
          h("span", { class: "score-bar", "aria-hidden": "true" }, h("span", { style: { width: `${Math.max(0, (100 * score) / (most[stage] || 1))}%` } })),
          fixed(score, Math.abs(score) < 0.1 ? 4 : Math.abs(score) < 10 ? 3 : 1),
        ),
      ),
    ),
  );
}

/**
 * A table chunk as a table where every row has as many cells as there are columns, so that no
 * figure can stand under a wrong year; else as it was read, in a monospaced face.
 */
function tableText(text, words) {
  const lines = text.split("\n").filter((line) => line.trim());
  const rows = lines.map((line) => line.trim().split(/\s{2,}|\s\|\s|\t/));
  const width = Math.max(...rows.map((row) => row.length));
  const first = rows.findIndex((row) => row.length === width);
  const head = width > 2 ? rows.slice(0, first).findLastIndex((row) => row.length === width - 1) : -1;
  const above = rows.slice(0, head >= 0 ? head : first);
  const below = rows.slice(head >= 0 ? head + 1 : first);
  const sound = width > 1 && above.every((row) => row.length === 1) && below.every((row) => row.length === 1 || row.length === width);
  if (!sound) return h("pre", { class: "table-raw", tabindex: "0" }, highlighted(text, words));
  return h(
    "div",
    { class: "table-frame cells", tabindex: "0", role: "group", "aria-label": above[0]?.[0] ?? "Table" },
    h(
      "table",
      {},
      above.length ? h("caption", {}, above.map((row) => h("span", {}, highlighted(row[0], words)))) : null,
      head >= 0
        ? h("thead", {}, h("tr", {}, h("td", {}), rows[head].map((cell) => h("th", { scope: "col", class: "number" }, cell))))
        : null,
      h(
        "tbody",
        {},
        below.map((row) =>
          row.length === 1
            ? h("tr", { class: "group" }, h("th", { scope: "rowgroup", colspan: String(width) }, highlighted(row[0], words)))
            : h("tr", {}, h("th", { scope: "row" }, highlighted(row[0], words)), row.slice(1).map((cell) => h("td", { class: "number" }, highlighted(cell, words)))),
        ),
      ),
    ),
  );
}
