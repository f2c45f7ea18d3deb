// Files on their way into the corpus: sent, read, indexed, and what was understood of them.
//
// They outlive the view that shows them: a reader may look elsewhere meanwhile.

import * as api from "./api.js";
import { announce, h, icon } from "./dom.js";
import { bytes, count, number } from "./format.js";
import { follow } from "./jobs.js";
import { explained, sentence } from "./problem.js";
import { badge, progressBar } from "./ui.js";

const OUTCOMES = {
  added: ["Added", "good"],
  replaced: ["Replaced an older version", "good"],
  unchanged: ["Already here", "plain"],
  refused: ["Refused", "bad"],
};

const REFUSALS = new Set([413, 415, 422]); // for what the file is

const list = h("ul", { class: "uploads", "aria-label": "Files being added" });
const followed = new Set();
let last = Promise.resolve();
let unsent = 0;

addEventListener("beforeunload", (event) => unsent && event.preventDefault());

/** The list, with a card a file; empty while nothing is added. */
export function uploads() {
  return list;
}

/** Send files one after the other; each goes on as a job. `ragloop:changed` is told at the end. */
export function send(files) {
  const cards = files.map((file) => makeCard(file.name, file.size));
  list.prepend(...cards.map((card) => card.root));
  unsent += files.length;
  cards.forEach((card, at) => (last = last.then(() => sent(card, files[at]))));
}

/** Show the ingestion jobs that run already, of this page or of anybody. */
export function adopt(jobs) {
  for (const job of jobs) {
    if (followed.has(job.job)) continue;
    const card = makeCard(named(job), 0);
    list.append(card.root);
    watched(card, job);
  }
}

async function sent(card, file) {
  let job = null;
  try {
    if (card.stop.signal.aborted) return card.end("Stopped", "warn", "It was not sent.");
    ({ job } = await api.upload("/v1/documents", file, {
      signal: card.stop.signal,
      progress: (done, total) => card.say(done, total, `Sending ${bytes(done)} of ${bytes(total)}`),
    }));
  } catch (error) {
    if (error.name === "AbortError") return card.end("Stopped", "warn", "Sending was stopped; nothing was added.");
    return card.end(...refused(error));
  } finally {
    unsent -= 1;
  }
  return watched(card, job);
}

async function watched(card, job) {
  followed.add(job.job);
  card.job = job.job;
  card.say(0, 1, "Waiting for its turn");
  try {
    const over = await follow(job.job, {
      progress: ({ step, done, total }) => card.say(...stepOf(step, done, total)),
      state: ({ state, reason }) => state === "queued" && reason && card.say(0, 1, reason),
    });
    if (over.state === "done") card.understood(over.result.documents);
    else if (over.state === "cancelled") card.end("Cancelled", "warn", "Reading was stopped; nothing was added.");
    else card.end("Failed", "bad", over.reason || "The log of the job says why.");
  } catch (error) {
    if (error.status === 403)
      card.end(
        "Sent",
        "info",
        "It is being read. Your key does not allow to watch that; the list shows it when it is indexed.",
      );
    else card.end(...refused(error));
  }
  dispatchEvent(new Event("ragloop:changed"));
}

/** What a step of an ingestion means for one file. */
function stepOf(step, done, total) {
  if (step.startsWith("embed ")) return [done, total, `Indexing ${number(done)} of ${count(total, "passage")}`];
  if (step === "ingest") return done < total ? [0, 0, "Reading the pages"] : [1, 1, "Finishing"];
  return [done, total, total ? `${step}: ${number(done)} of ${number(total)}` : step];
}

function refused(error) {
  if (REFUSALS.has(error.status)) return ["Refused", "bad", sentence(error.message)];
  return ["Not added", "bad", explained(error).join(": ")];
}

function named(job) {
  const [path = "A filing"] = job.arguments.paths ?? [];
  return String(path).split(/[\\/]/).pop();
}

function makeCard(name, size) {
  const stop = new AbortController();
  const bar = progressBar(`Progress of ${name}`);
  const said = h("p", { class: "quiet-text" });
  const state = h("span", {}, badge("On its way", "info"));
  const body = h("div", { class: "upload-body" }, bar, said);
  const button = h(
    "button",
    { class: "quiet icon-only", title: `Stop ${name}`, "aria-label": `Stop ${name}` },
    icon("close"),
  );
  const root = h(
    "li",
    { class: "upload" },
    h(
      "div",
      { class: "upload-head" },
      icon("documents"),
      h("strong", {}, name),
      size ? h("small", {}, bytes(size)) : null,
      state,
      button,
    ),
    body,
  );
  const card = { root, stop, job: "" };
  card.say = (done, total, text) => {
    bar.set(done, total, text);
    said.textContent = text;
  };
  card.say(0, 1, "Waiting to be sent");
  card.end = (word, kind, ...told) => {
    state.replaceChildren(badge(word, kind));
    body.replaceChildren(...told.map((part) => (part instanceof Node ? part : h("p", {}, part))));
    root.classList.add("over", kind);
    announce(`${name}: ${word}`);
    const label = `Take ${name} off this list`;
    button.setAttribute("aria-label", label);
    button.title = label;
    button.onclick = () => root.remove();
  };
  card.understood = (documents) => {
    if (documents.length === 1) card.end(...OUTCOMES[documents[0].status], ...understanding(documents[0]));
    else card.end("Done", "good", h("ul", { class: "notes" }, documents.map(told)));
  };
  button.onclick = async () => {
    button.disabled = true;
    stop.abort();
    try {
      if (card.job) await api.post(`/v1/jobs/${card.job}/cancel`);
    } catch (error) {
      said.textContent = explained(error).join(": ");
    }
    button.disabled = false;
  };
  return card;
}

/** One file of several in one line. */
function told(outcome) {
  const [word] = OUTCOMES[outcome.status];
  return h("li", {}, `${outcome.document}: ${word.toLowerCase()}${outcome.message ? `, ${outcome.message}` : ""}`);
}

/** What was read off the cover and found inside, with what is to be known of it. */
function understanding(outcome) {
  if (outcome.status === "refused") return [sentence(outcome.message)];
  const notes = outcome.warnings.length ? outcome.warnings : [outcome.message].filter(Boolean);
  const facts = [
    ["Company", outcome.company || "not stated"],
    ["Form", outcome.form || "not stated"],
    ["Fiscal year", outcome.fiscal_year || "not stated"],
    ["Pages", number(outcome.pages)],
    ["Passages", number(outcome.chunks)],
    ["Tables", number(outcome.tables)],
  ];
  return [
    h(
      "dl",
      { class: "tiles" },
      facts.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, String(value)))),
    ),
    notes.length
      ? h(
          "ul",
          { class: "notes" },
          notes.map((note) => h("li", {}, sentence(note))),
        )
      : null,
  ].filter(Boolean);
}
