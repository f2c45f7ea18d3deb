// A conversation with the filings.

import { answerCard } from "../answer-card.js";
import { h, icon, invite } from "../dom.js";
import { filterBar, filterState, filtersBody } from "../filters.js";
import { remember, remembered } from "../router.js";
import { empty, toast } from "../ui.js";
import { closePage } from "../viewer.js";

export const title = "Ask";

const MAX_EARLIER = 20; // that the service takes
const EXAMPLES = [
  (company, year) => `What was the net income of ${company} in fiscal ${year}?`,
  (company, year) => `How did the revenue of ${company} change in fiscal ${year}?`,
  (company) => `What does ${company} say about competition?`,
  (company, year) => `How much did ${company} spend on capital expenditures in ${year}?`,
];

export async function render(root, { api, params }) {
  const { documents } = await api.get("/v1/documents");
  if (!documents.length) {
    root.append(
      h("h1", { class: "unseen" }, title),
      empty("No filings yet", "Add a 10-K, and ask about it as soon as it is indexed.", h("a", { class: "button main", href: "#/documents" }, icon("upload"), "Add filings")),
    );
    return undefined;
  }
  const state = filterState(params);
  const asked = params.get("q");
  const before = remembered().conversation ?? [];
  const earlier = before.at(-1) === asked ? before.slice(0, -1) : [];
  let running = null;

  const question = h("textarea", {
    rows: "2",
    "aria-label": "Question",
    placeholder: "Ask about the filings",
    dataset: { question: "" },
    onkeydown: (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      form.requestSubmit();
    },
    oninput: grow,
  });
  const send = h("button", { type: "submit", class: "main" }, "Ask");
  const stop = h("button", { type: "button", hidden: true, onclick: () => running?.abort() }, icon("close"), "Stop");
  const fresh = h("button", { type: "button", class: "quiet", hidden: true, onclick: restart }, "New conversation");
  const form = h(
    "form",
    { class: "composer", onsubmit: submitted },
    question,
    h("div", { class: "composer-foot" }, filterBar(documents, state, keep), h("div", { class: "actions" }, fresh, stop, send)),
  );
  const turns = h("div", { class: "turns" });
  const opening = h(
    "div",
    { class: "opening" },
    h("h1", {}, "Ask the filings"),
    h("p", { class: "quiet-text" }, `${count(documents)}. Every answer comes with the page that it rests on.`),
  );
  const examples = h(
    "div",
    { class: "examples", role: "group", "aria-label": "Examples" },
    examplesOf(documents).map((text) =>
      h("button", { type: "button", onclick: () => ask(text) }, text),
    ),
  );
  root.append(opening, turns, form, examples);

  function submitted(event) {
    event.preventDefault();
    const text = question.value.trim();
    if (!text) question.focus();
    else if (!running) ask(text);
  }

  function keep() {
    remember({ q: earlier.at(-1) ?? "", ...state }, { conversation: [...earlier] });
  }

  function grow() {
    question.style.setProperty("height", "auto");
    question.style.setProperty("height", `${Math.min(question.scrollHeight + 2, 220)}px`);
  }

  function restart() {
    running?.abort();
    earlier.length = 0;
    turns.replaceChildren();
    root.querySelector(".before")?.remove();
    closePage();
    settle();
    keep();
    question.focus();
  }

  /** The opening while there is nothing asked; what follows it after. */
  function settle() {
    const begun = turns.children.length > 0;
    root.classList.toggle("begun", begun);
    opening.classList.toggle("unseen", begun);
    examples.hidden = begun;
    fresh.hidden = !begun;
    question.rows = begun ? 1 : 2;
    question.placeholder = begun ? "Ask a follow-up" : "Ask about the filings";
    grow();
  }

  async function ask(text) {
    const history = earlier.slice(-MAX_EARLIER);
    const card = answerCard(api);
    const whole = h("p", { class: "quiet-text whole", hidden: true });
    const turn = h(
      "article",
      { class: "turn", "aria-label": `Question ${turns.children.length + 1}` },
      h("h2", { class: "asked" }, text),
      restriction(state),
      whole,
      card.root,
    );
    turns.append(turn);
    earlier.push(text);
    question.value = "";
    settle();
    keep();
    turn.scrollIntoView({ block: "start", behavior: "auto" });
    await answer({ text, history, filters: filtersBody(state), card, whole, turn });
  }

  async function answer(asked) {
    const { text, history, filters, card, whole, turn } = asked;
    const mine = new AbortController();
    running = mine;
    stop.hidden = false;
    send.disabled = true;
    try {
      const body = { question: text, history, filters, stream: true, explain: true };
      let over = false;
      for await (const { event, data } of api.stream("/v1/ask", body, { signal: mine.signal })) {
        if (event === "retrieval" && data.question !== text) {
          whole.textContent = `Understood as: ${data.question}`;
          whole.hidden = false;
        }
        if (event === "error") throw new api.Problem(data.error.code === "generation_timeout" ? 504 : 503, data.error);
        card[event]?.(data);
        over ||= event === "done";
      }
      if (!over) throw new api.Problem(0, { detail: "the connection ended before the answer did" });
    } catch (error) {
      if (error.name === "AbortError") card.stopped();
      else card.failed(error, () => again(asked));
    } finally {
      if (running === mine) {
        running = null;
        stop.hidden = true;
        send.disabled = false;
      }
      if (!turn.contains(document.activeElement) && document.activeElement === document.body) invite(question);
    }
  }

  function again(asked) {
    if (running) {
      toast("Another answer is being written: wait for it, or stop it.");
      return;
    }
    const card = answerCard(api);
    asked.card.root.replaceWith(card.root);
    answer({ ...asked, card });
  }

  settle();
  if (earlier.length) {
    const told = `Asked before: ${earlier.join(" · ")}`;
    root.insertBefore(h("p", { class: "quiet-text before" }, told), turns);
  }
  if (asked) ask(asked);
  else invite(question);
  return () => {
    running?.abort();
    closePage();
  };
}

function restriction({ company, year, document }) {
  const parts = [company, year && `fiscal ${year}`, document].filter(Boolean);
  return parts.length ? h("p", { class: "quiet-text" }, `In ${parts.join(", ")}`) : null;
}

function count(documents) {
  const companies = new Set(documents.map((one) => one.company).filter(Boolean)).size;
  const filings = documents.length === 1 ? "1 filing" : `${documents.length} filings`;
  return companies ? `${filings} of ${companies === 1 ? "1 company" : `${companies} companies`}` : filings;
}

/** One of each kind, of companies spread over the store. */
function examplesOf(documents) {
  const newest = new Map();
  for (const one of documents) {
    if (one.company && one.fiscal_year > (newest.get(one.company) ?? 0)) newest.set(one.company, one.fiscal_year);
  }
  const companies = [...newest.entries()].sort();
  if (!companies.length) return [];
  return EXAMPLES.map((write, at) => write(...companies[Math.floor((at * companies.length) / EXAMPLES.length)]));
}
