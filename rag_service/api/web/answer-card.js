// An answer: while it is written, and when it is there.

import { citationList, place } from "./citations.js";
import { h, icon } from "./dom.js";
import { explanationFold } from "./explanation.js";
import { duration } from "./format.js";
import { wordsOf } from "./highlight.js";
import { passage } from "./passage.js";
import { problemNotice, sentence } from "./problem.js";
import { badge, copy, skeleton, toast } from "./ui.js";

const METHODS = {
  computed: "worked out from table figures",
  generated: "written by the LLM, checked against the quotes",
  extracted: "in a passage's own words",
};

/** The card of one answer; its functions take the events of the stream. */
export function answerCard(api) {
  const head = h("div", { class: "answer-head" });
  const text = h("p", { class: "answer-text" });
  const said = h("div", { class: "answer-said", "aria-live": "polite", "aria-busy": "true" }, head, text);
  const waiting = skeleton(3, "Looking through the filings");
  const calculation = h("p", { class: "calculation", hidden: true });
  const citations = citationList();
  const tools = h("div", { class: "answer-tools" });
  const more = h("div", { class: "answer-more" });
  const root = h("div", { class: "card answer" }, waiting, said, calculation, citations, tools, more);
  const began = performance.now();
  let found = [];
  let words = [];

  function ended() {
    waiting.remove();
    said.removeAttribute("aria-busy");
  }

  function passages(title, open) {
    if (!found.length) return null;
    return h(
      "details",
      { class: "fold", open },
      h("summary", {}, title),
      h("ol", { class: "passages" }, found.map((hit) => passage(hit, { words }))),
    );
  }

  return {
    root,
    retrieval(data) {
      found = data.hits;
      words = wordsOf(data.question);
    },
    token(data) {
      waiting.remove();
      text.append(data.text);
    },
    citation(data) {
      citations.add(data);
    },
    done(answer) {
      ended();
      found = answer.hits;
      words = wordsOf(answer.question);
      text.textContent = answer.answer;
      if (citations.children.length !== answer.citations.length) {
        citations.replaceChildren();
        answer.citations.forEach(citations.add);
      }
      const how = METHODS[answer.method] ?? "";
      head.replaceChildren(
        answer.grounded ? badge("Grounded", "good") : badge("Not supported by the filings", "warn"),
        h("span", { class: "quiet-text" }, [how, `release ${answer.release}`, answer.cached ? "from the cache" : duration(performance.now() - began)].filter(Boolean).join(" · ")),
      );
      if (answer.reason) head.append(h("p", { class: "quiet-text reason" }, sentence(answer.reason)));
      calculation.hidden = !answer.calculation || answer.answer.includes(answer.calculation);
      calculation.replaceChildren(h("span", { class: "quiet-text" }, "Calculation "), h("code", {}, answer.calculation));
      tools.replaceChildren(copyButton(answer), ...verdicts(answer, api));
      more.replaceChildren(
        ...[
          passages(answer.grounded ? `Passages read (${found.length})` : "Best passages", !answer.grounded),
          answer.explanation ? explanationFold(answer.explanation) : null,
        ].filter(Boolean),
      );
    },
    stopped() {
      ended();
      head.replaceChildren(badge("Stopped"));
      more.replaceChildren(...[passages(`Passages found (${found.length})`, false)].filter(Boolean));
    },
    failed(error, retry) {
      ended();
      if (error.hits?.length) found = error.hits;
      text.remove();
      head.replaceChildren(problemNotice(error, retry));
      more.replaceChildren(...[passages("The passages that were found", true)].filter(Boolean));
    },
  };
}

function copyButton(answer) {
  return h(
    "button",
    {
      type: "button",
      class: "quiet small",
      title: "Copy the answer with its citations",
      onclick: () => {
        const quotes = answer.citations.map((one, at) => `[${at + 1}] “${one.quote}” (${place(one)})`);
        copy([answer.answer, ...quotes].join("\n"), "Answer and citations are copied.");
      },
    },
    icon("copy"),
    "Copy",
  );
}

function verdicts(answer, api) {
  const buttons = [
    ["good", "Right", "This answer is right"],
    ["bad", "Wrong", "This answer is wrong"],
  ].map(([verdict, word, label]) =>
    h(
      "button",
      {
        type: "button",
        class: "quiet small",
        "aria-label": label,
        "aria-pressed": "false",
        onclick: async (event) => {
          const pressed = event.currentTarget;
          try {
            await api.post("/v1/feedback", feedback(answer, verdict));
            buttons.forEach((one) => one.setAttribute("aria-pressed", String(one === pressed)));
            toast("Thank you, it is kept.");
          } catch (error) {
            toast(`Not kept: ${error.message}`, "bad");
          }
        },
      },
      icon(verdict),
      word,
    ),
  );
  return buttons;
}

function feedback(answer, verdict) {
  // In an experiment the request is what tells whose answer it was.
  if (answer.experiment) return { request_id: answer.request_id, verdict };
  return {
    question: answer.question,
    verdict,
    release: answer.release,
    answer: answer.answer,
    chunk_ids: answer.citations.map((one) => one.chunk_id),
  };
}
