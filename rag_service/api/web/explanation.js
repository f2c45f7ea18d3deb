// How a search went, folded: what was understood, its stages and how long each took.

import { h } from "./dom.js";
import { duration } from "./format.js";
import { badge } from "./ui.js";

const STEPS = {
  pin: "Choose the release",
  understand: "Understand the question",
  encode: "Encode it",
  search: "Search the index",
  rank: "Order what was found",
  rerank: "Rerank",
  answer: "Answer",
};

/** `explanation` as the service gives it with `explain`. */
export function explanationFold(explanation) {
  const { understood, terms, stages, timings } = explanation;
  const longest = Math.max(1, ...Object.values(timings));
  return h(
    "details",
    { class: "fold how" },
    h("summary", {}, "How this was found"),
    h(
      "div",
      { class: "stack" },
      understood.length
        ? h("div", {}, h("h3", {}, "Understood"), h("ul", { class: "plain" }, understood.map((line) => h("li", {}, line))))
        : null,
      terms.length
        ? h(
            "div",
            {},
            h("h3", {}, "Also looked for"),
            h("p", { class: "row" }, terms.map((term) => badge(term.text, "plain", { title: `for “${term.said}”` }))),
          )
        : null,
      h("div", {}, h("h3", {}, "Stages"), h("p", { class: "row" }, stages.map((stage) => badge(stage)))),
      h(
        "div",
        {},
        h("h3", {}, "Time"),
        h(
          "dl",
          { class: "scores wide" },
          Object.entries(timings).map(([step, ms]) =>
            h(
              "div",
              {},
              h("dt", {}, STEPS[step] ?? step),
              h("dd", {}, h("span", { class: "score-bar", "aria-hidden": "true" }, h("span", { style: { width: `${(100 * ms) / longest}%` } })), duration(ms)),
            ),
          ),
        ),
      ),
    ),
  );
}
