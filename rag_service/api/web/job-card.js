// One job: its steps as they go, its log, and how to end it or take it up again.

import * as api from "./api.js";
import { announce, h, icon } from "./dom.js";
import { ago, count, date, duration, number } from "./format.js";
import { follow, jobBadge, KINDS } from "./jobs.js";
import { explained, problemNotice } from "./problem.js";
import { confirm, progressBar, toast } from "./ui.js";

const MOST_LINES = 500;
const QUESTIONS = ["Questions", /questions|round trip/];
const TRAINING = ["Training", /negatives|training|validating|averaging|encoding/];
const INDEX = ["Index", /^(build|reindex|embed|copy)/];
const PHASES = {
  improve: [QUESTIONS, TRAINING, INDEX, ["Evaluation", /^evaluate/], ["Gate", /^(gate|promote|latency)/]],
  finetune: [QUESTIONS, TRAINING],
  reindex: [INDEX],
  judge: [["Evaluation", /^evaluate/]],
  ingest: [
    ["Reading", /^ingest/],
    ["Indexing", /^embed/],
  ],
};

/** A card of a job that waits or runs; it listens until `signal`, and calls `ended(job)`. */
export function runningCard(job, signal, ended) {
  const phases = phaseList(PHASES[job.kind] ?? []);
  const bar = progressBar(`Progress of ${label(job)}`);
  const said = h("p", { class: "job-step" });
  const clock = h("span", { class: "quiet-text" });
  const state = h("span", {}, jobBadge(job));
  const lines = logPane();
  const stop = h(
    "button",
    { class: "small", "aria-label": `Cancel ${label(job)}`, onclick: () => cancel(job, stop) },
    "Cancel",
  );
  let shown = job;

  const say = (step, done, total) => {
    const text = stepText(shown, step, done, total);
    bar.set(done, total, text);
    said.textContent = text;
    phases.reach(step);
  };
  const tick = () => {
    clock.textContent = shown.started
      ? duration(Date.now() - new Date(shown.started))
      : `asked for ${ago(shown.created)}`;
  };
  const timer = setInterval(tick, 1000);
  signal.addEventListener("abort", () => clearInterval(timer));
  tick();
  say(job.step, job.done, job.total);

  listen();
  return h(
    "article",
    { class: "card job", "aria-label": label(job), dataset: { job: job.job } },
    h(
      "div",
      { class: "card-head" },
      h("h3", {}, KINDS[job.kind] ?? job.kind, " ", h("small", {}, job.job)),
      state,
      clock,
      stop,
    ),
    phases.root,
    bar,
    said,
    lines.root,
  );

  async function listen() {
    try {
      const over = await follow(
        job.job,
        {
          progress: ({ step, done, total }) => say(step, done, total),
          log: ({ line }) => lines.add(line),
          state: (now) => {
            shown = {
              ...shown,
              ...now,
              started: now.state === "running" ? shown.started || new Date().toISOString() : shown.started,
            };
            state.replaceChildren(jobBadge(shown));
            if (shown.state === "queued") said.textContent = stepText(shown, "", 0, 0);
            tick();
          },
        },
        signal,
      );
      announce(`${label(job)}: ${over.state}`);
      dispatchEvent(new Event("ragloop:changed"));
      ended(over);
    } catch (error) {
      if (error.name !== "AbortError") said.textContent = explained(error).join(": ");
    } finally {
      clearInterval(timer);
    }
  }
}

/** A job that is over as one line, with its log and what `outcome(job)` makes of its result. */
export function pastRow(job, { signal, outcome, again, open }) {
  const body = h("div", { class: "past-body" });
  // Times are kept in whole seconds.
  const ms = job.started && job.ended ? new Date(job.ended) - new Date(job.started) : null;
  const took = ms === null ? "" : ms < 1000 ? "under 1 s" : duration(ms);
  const row = h(
    "details",
    {
      class: "past",
      dataset: { job: job.job, ended: job.job + job.ended },
      ontoggle: () => row.open && !body.childElementCount && fill(),
    },
    h(
      "summary",
      {},
      h("span", { class: "past-kind" }, KINDS[job.kind] ?? job.kind),
      jobBadge(job),
      h("span", { class: "past-reason" }, reasonOf(job) || subject(job)),
      h("time", { datetime: job.created, title: date(job.created) }, ago(job.ended || job.created)),
      h("span", { class: "past-took" }, took),
    ),
    body,
  );
  if (open) row.open = true;
  return row;

  async function fill() {
    const lines = logPane();
    const retry =
      job.state === "done"
        ? null
        : h(
            "button",
            { class: "small", "aria-label": `Try ${label(job)} again`, onclick: () => takeUp(retry) },
            icon("retry"),
            "Try again",
          );
    body.replaceChildren(h("div", { class: "row" }, h("code", {}, job.job), retry), lines.root);
    try {
      const whole = await follow(job.job, { log: ({ line }) => lines.add(line) }, signal);
      if (reasonOf(whole) && !whole.result)
        body.insertBefore(
          h("p", { class: whole.state === "failed" ? "error" : "quiet-text" }, whole.reason),
          lines.root,
        );
      if (whole.result) body.insertBefore(h("div", { class: "stack" }, outcome(whole)), lines.root);
    } catch (error) {
      if (error.name !== "AbortError") body.append(problemNotice(error));
    }
  }

  async function takeUp(button) {
    button.disabled = true;
    try {
      await api.post(`/v1/jobs/${job.job}/retry`);
      toast("It goes on from what it had kept.");
      again();
    } catch (error) {
      toast(explained(error).join(": "), "bad");
    } finally {
      button.disabled = false;
    }
  }
}

async function cancel(job, button) {
  const agreed = await confirm(
    `Cancel ${label(job)}?`,
    "It ends within seconds. Nothing that is live changes, and what is done so far is kept: it can be taken up again.",
    { action: "Cancel the job", danger: true },
  );
  if (!agreed) return;
  button.disabled = true;
  try {
    await api.post(`/v1/jobs/${job.job}/cancel`);
  } catch (error) {
    button.disabled = false;
    toast(explained(error).join(": "), "bad");
  }
}

/** Why it ended; nothing where that is its state again. */
function reasonOf({ state, reason }) {
  return reason === state ? "" : reason;
}

/** What a job was about, where its kind alone does not say it. */
function subject({ arguments: asked }) {
  if (asked.paths) return asked.paths.map((path) => path.split(/[\\/]/).pop()).join(", ");
  return asked.model ?? asked.release ?? "";
}

function label(job) {
  return `${(KINDS[job.kind] ?? job.kind).toLowerCase()} of ${date(job.created)}`;
}

function stepText(job, step, done, total) {
  if (job.state === "queued") return job.reason || "Waits for the worker";
  if (!step) return "Starting";
  const name = step.charAt(0).toUpperCase() + step.slice(1);
  if (!total) return name;
  return `${name}: ${number(done)} of ${number(total)}`;
}

/** The phases of a kind of job; `reach(step)` marks the one that a step belongs to. */
function phaseList(phases) {
  const words = phases.map(() => h("span", { class: "unseen" }, "to come"));
  const items = phases.map(([name], index) =>
    h("li", {}, h("span", { class: "phase-mark", "aria-hidden": "true" }, icon("check", 11)), name, " ", words[index]),
  );
  const root = h("ol", { class: "phases", "aria-label": "Steps" }, items);
  let reached = -1;
  const reach = (step) => {
    const at = phases.findIndex(([, pattern]) => pattern.test(step));
    if (at < 0 || at === reached) return;
    if (reached >= 0) announce(`${phases[at][0]} begins`);
    reached = at;
    items.forEach((item, index) => {
      item.className = index < at ? "done" : index === at ? "now" : "";
      words[index].textContent = index < at ? "done" : index === at ? "under way" : "to come";
      if (index === at) item.setAttribute("aria-current", "step");
      else item.removeAttribute("aria-current");
    });
  };
  return { root: phases.length > 1 ? root : h("span", { hidden: true }), reach };
}

function logPane() {
  const kept = [];
  const text = h("pre", { class: "log", tabindex: "0", role: "log", "aria-live": "off", "aria-label": "Log" });
  const title = h("summary", {}, "Log");
  const root = h("details", { class: "log-pane", hidden: true }, title, text);
  const add = (line) => {
    const below = text.scrollTop + text.clientHeight >= text.scrollHeight - 8;
    kept.push(line);
    if (kept.length > MOST_LINES) kept.shift();
    text.textContent = kept.join("\n");
    title.textContent = `Log, ${count(kept.length, "line")}`;
    root.hidden = false;
    if (below) text.scrollTop = text.scrollHeight;
  };
  return { root, add };
}
