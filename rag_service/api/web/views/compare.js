// One question under two releases, side by side.

import { citationList } from "../citations.js";
import { h, icon, invite } from "../dom.js";
import { duration, fixed } from "../format.js";
import { wordsOf } from "../highlight.js";
import { passage } from "../passage.js";
import { problemNotice } from "../problem.js";
import { remember } from "../router.js";
import { badge, empty, field, select, skeleton } from "../ui.js";
import { closePage } from "../viewer.js";

export const title = "Compare";

const SERVABLE = new Set(["live", "candidate", "retired"]);

export async function render(root, { api, params }) {
  const { live, previous, releases } = await api.get("/v1/releases");
  const usable = releases.filter((one) => SERVABLE.has(one.state)).reverse();
  root.append(
    h("header", { class: "view-head" }, h("div", {}, h("h1", {}, "Compare"), h("p", {}, "One question under two releases: what each finds, what it answers, and what moved."))),
  );
  if (usable.length < 2) {
    root.append(
      empty(
        "There is one release so far",
        "An improvement or a reindexing makes the second, and then you can compare them here.",
        h("a", { class: "button main", href: "#/improve" }, icon("improve"), "Improve"),
      ),
    );
    return undefined;
  }
  const names = usable.map((one) => [one.release, `${one.release} (${one.state})`]);
  const other = previous ?? usable.find((one) => one.release !== live)?.release ?? "";
  let running = null;

  const question = h("input", { type: "search", "aria-label": "Question", placeholder: "Ask both releases", value: params.get("q") ?? "", dataset: { question: "" } });
  const a = select(names, params.get("a") ?? other);
  const b = select(names, params.get("b") ?? live ?? usable[0].release);
  const swap = h("button", { type: "button", class: "quiet icon-only", title: "Swap", "aria-label": "Swap the releases", onclick: () => {
    [a.value, b.value] = [b.value, a.value];
    if (question.value.trim()) compare();
  } }, "⇄");
  const out = h("div", { class: "results", "aria-live": "polite" });
  root.append(
    h(
      "form",
      { class: "card search-form", onsubmit: (event) => { event.preventDefault(); compare(); } },
      h("div", { class: "search-line" }, question, h("button", { type: "submit", class: "main" }, icon("compare"), h("span", {}, "Compare"))),
      h("div", { class: "search-options ends" }, field("From release", a), swap, field("To release", b)),
    ),
    out,
  );

  async function compare() {
    const text = question.value.trim();
    remember({ q: text, a: a.value, b: b.value });
    if (!text) return question.focus();
    running?.abort();
    running = new AbortController();
    const { signal } = running;
    out.setAttribute("aria-busy", "true");
    out.replaceChildren(h("div", { class: "columns" }, h("div", { class: "card" }, skeleton(8, "Asking both releases")), h("div", { class: "card" }, skeleton(8, "Asking both releases"))));
    try {
      show(text, await api.post("/v1/compare", { question: text, a: a.value, b: b.value }, { signal }));
    } catch (error) {
      if (error.name === "AbortError") return undefined;
      out.replaceChildren(problemNotice(error, compare), ...stillFound(text, error));
    }
    out.removeAttribute("aria-busy");
    return undefined;
  }

  function show(text, found) {
    const words = wordsOf(text);
    const moves = new Map(found.moves.map((one) => [one.chunk_id, one]));
    out.replaceChildren(
      summary(found),
      h(
        "div",
        { class: "sides" },
        side(found.a, (hit) => gone(moves.get(hit.chunk_id)), words, "From"),
        side(found.b, (hit) => moved(moves.get(hit.chunk_id)), words, "To"),
      ),
    );
  }

  if (question.value) compare();
  else {
    out.append(empty("Ask both the same", "The passages stand side by side, with how far each moved up or down."));
    invite(question);
  }
  return () => {
    running?.abort();
    closePage();
  };
}

/** What one release found before the answer failed. */
function stillFound(text, { hits, document: problem }) {
  if (!hits?.length) return [];
  const words = wordsOf(text);
  return [
    h("h2", {}, "Found by ", h("span", { class: "mono" }, problem.release ?? "the release")),
    h("ol", { class: "passages cards" }, hits.map((hit) => passage(hit, { words, folded: true }))),
  ];
}

function summary({ moves, rbo }) {
  const both = moves.filter((one) => one.move !== null);
  const figures = [
    ["Up", both.filter((one) => one.move > 0).length],
    ["Down", both.filter((one) => one.move < 0).length],
    ["Same rank", both.filter((one) => one.move === 0).length],
    ["New", moves.filter((one) => one.rank_a === null).length],
    ["Gone", moves.filter((one) => one.rank_b === null).length],
    ["Overlap of the rankings", fixed(rbo, 2)],
  ];
  return h("dl", { class: "figures" }, figures.map(([label, value]) => h("div", {}, h("dt", {}, label), h("dd", {}, String(value)))));
}

function side(found, note, words, label) {
  const { answer, hits, timings, release } = found;
  const citations = citationList();
  answer.citations.forEach(citations.add);
  // Not `pin`: a release that is not live may have its encoder to load first.
  const { answer: answered = 0, pin: _, ...searching } = timings;
  const searched = Object.values(searching).reduce((sum, ms) => sum + ms, 0);
  return h(
    "section",
    { class: "side", "aria-label": `${label} release ${release}` },
    h(
      "div",
      { class: "card" },
      h(
        "div",
        { class: "card-head" },
        h("h2", {}, h("span", { class: "quiet-text" }, `${label} `), h("span", { class: "mono" }, release)),
        h("span", { class: "quiet-text latency" }, `found in ${duration(searched)}, answered in ${duration(answered)}`),
      ),
      h("div", { class: "answer-head" }, answer.grounded ? badge("Grounded", "good") : badge("Not supported by the filings", "warn")),
      h("p", { class: "answer-text" }, answer.answer),
      answer.calculation && !answer.answer.includes(answer.calculation) ? h("p", { class: "calculation" }, h("span", { class: "quiet-text" }, "Calculation "), h("code", {}, answer.calculation)) : null,
      citations,
    ),
    h("ol", { class: "passages cards", "aria-label": `Passages of ${release}` }, hits.map((hit) => passage(hit, { words, note: note(hit), folded: true }))),
  );
}

function moved({ rank_a: from, move }) {
  if (from === null) return badge("New", "info");
  if (move > 0) return movement("up", move, "good");
  if (move < 0) return movement("down", -move, "warn");
  return badge("Same");
}

function movement(way, by, kind) {
  const mark = badge("", kind, { "aria-label": `${way} by ${by}` });
  mark.append(icon(way, 12), String(by));
  mark.setAttribute("role", "img");
  return mark;
}

function gone(move) {
  return move.rank_b === null ? badge("Gone", "bad") : null;
}
