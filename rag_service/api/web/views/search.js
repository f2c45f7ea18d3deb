// The passages that suit a question, and why.

import { h, icon, invite } from "../dom.js";
import { explanationFold } from "../explanation.js";
import { filterBar, filterState, filtersBody } from "../filters.js";
import { duration, count } from "../format.js";
import { wordsOf } from "../highlight.js";
import { highest, passage } from "../passage.js";
import { problemNotice } from "../problem.js";
import { remember } from "../router.js";
import { empty, select, skeleton } from "../ui.js";
import { closePage } from "../viewer.js";

export const title = "Search";

const STAGES = [
  ["vectors", "Meaning", "Nearest by the embedding model"],
  ["text", "Words", "By the words of the question"],
  ["scope", "Scope", "Companies and periods that the question names"],
  ["glossary", "Synonyms", "Other words that filings use"],
  ["pages", "Pages", "Pages as a whole count, too"],
  ["rerank", "Rerank", "Read once more by a cross-encoder"],
];
const FINDING = new Set(["vectors", "text"]);

export async function render(root, { api, params }) {
  const { documents } = await api.get("/v1/documents");
  const state = filterState(params);
  let chosen = params.get("stages")?.split(",") ?? null; // null: as the service is set
  let running = null;

  const query = h("input", { type: "search", "aria-label": "Query", placeholder: "Search the filings", value: params.get("q") ?? "", dataset: { question: "" } });
  const k = select(["5", "10", "20", "50"].map((n) => [n, `${n} hits`]), params.get("k") ?? "10", { "aria-label": "Hits", onchange: search });
  const kind = select([["", "Prose and tables"], ["prose", "Prose"], ["table", "Tables"]], params.get("kind") ?? "", { "aria-label": "Kind of passage", onchange: search });
  const explain = h("input", { type: "checkbox", checked: params.get("explain") === "1", onchange: search });
  const boxes = STAGES.map(([name]) => h("input", { type: "checkbox", name: "stage", value: name, onchange: pickStages }));
  const note = h("p", { class: "error", role: "alert" });
  const results = h("section", { class: "results", "aria-label": "Results" });
  const told = h("p", { class: "quiet-text told", role: "status" });
  const form = h(
    "form",
    { class: "card search-form", role: "search", onsubmit: (event) => { event.preventDefault(); search(); } },
    h("div", { class: "search-line" }, query, h("button", { type: "submit", class: "main" }, icon("search"), h("span", {}, "Search"))),
    h("div", { class: "search-options" }, filterBar(documents, state, search), h("div", { class: "scope-bar" }, kind, k), h("label", { class: "check" }, explain, "Show scores")),
    h(
      "details",
      { class: "fold", open: chosen !== null },
      h("summary", {}, "Stages"),
      h(
        "fieldset",
        { class: "stages" },
        h("legend", { class: "unseen" }, "What the search goes through"),
        STAGES.map(([, label, hint], at) => h("label", { class: "check", title: hint }, boxes[at], label)),
        h("button", { type: "button", class: "quiet small", onclick: () => { chosen = null; showStages([]); search(); } }, "As the service is set"),
      ),
      note,
    ),
  );
  root.append(h("header", { class: "view-head" }, h("div", {}, h("h1", {}, "Search"), h("p", {}, "The passages that suit a question best, and what put them there."))), form, told, results);
  showStages(chosen ?? []);

  function showStages(names) {
    for (const box of boxes) {
      box.checked = names.includes(box.value);
      box.indeterminate = chosen === null && !names.length;
    }
    note.textContent = "";
  }

  function pickStages(event) {
    // The first click fixes one stage; the others begin as the last search went.
    const before = chosen ?? last;
    chosen = boxes.filter((box) => (box === event.target ? box.checked : before.includes(box.value))).map((box) => box.value);
    if (chosen.includes(event.target.value) !== event.target.checked) chosen.push(event.target.value);
    showStages(chosen);
    if (chosen.some((name) => FINDING.has(name))) search();
    else note.textContent = "Choose Meaning or Words, or both: without them nothing is found.";
  }

  let last = ["vectors", "text", "scope", "glossary", "pages"];

  async function search() {
    const text = query.value.trim();
    remember({ q: text, ...state, kind: kind.value, k: k.value === "10" ? "" : k.value, explain: explain.checked ? "1" : "", stages: chosen?.join(",") });
    if (!text) return query.focus();
    running?.abort();
    running = new AbortController();
    const { signal } = running;
    results.setAttribute("aria-busy", "true");
    if (!results.children.length) results.replaceChildren(skeleton(6, "Searching"));
    try {
      const body = { query: text, k: Number(k.value), filters: { ...filtersBody(state), kind: kind.value }, explain: true };
      if (chosen) body.stages = chosen;
      const began = performance.now();
      const found = await api.post("/v1/search", body, { signal });
      show(text, found, performance.now() - began);
    } catch (error) {
      if (error.name === "AbortError") return undefined;
      told.textContent = "";
      results.replaceChildren(problemNotice(error, search));
    }
    results.removeAttribute("aria-busy");
    return undefined;
  }

  function show(text, found, took) {
    const { hits, explanation, release } = found;
    if (explanation) last = explanation.stages;
    if (chosen === null) showStages(last);
    told.textContent = `${count(hits.length, "passage")} in ${duration(took)} · release ${release}`;
    if (!hits.length) {
      results.replaceChildren(empty("Nothing found", "Try other words, or fewer filters."));
      return;
    }
    const words = wordsOf(text);
    const most = explain.checked ? highest(hits) : null;
    results.replaceChildren(
      ...[explanation ? explanationFold(explanation) : null].filter(Boolean),
      h("ol", { class: "passages cards" }, hits.map((hit) => passage(hit, { words, most }))),
    );
  }

  if (query.value) search();
  else {
    results.append(
      documents.length
        ? empty("Search by meaning and by words", "Names of companies and fiscal years in the query are understood.")
        : empty("No filings yet", "Add a 10-K first.", h("a", { class: "button main", href: "#/documents" }, icon("upload"), "Add filings")),
    );
    invite(query);
  }
  return () => {
    running?.abort();
    closePage();
  };
}
