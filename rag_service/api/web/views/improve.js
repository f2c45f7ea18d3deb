// Improvements: what runs, what the last one brought, NDCG over time, and what ran before.

import { h, icon } from "../dom.js";
import { count, date, fixed, signed } from "../format.js";
import { figureTable, reasonList, verdict } from "../gate.js";
import { pastRow, runningCard } from "../job-card.js";
import { isOver } from "../jobs.js";
import { measured, setName } from "../measured.js";
import { comparable, overTime } from "../over-time.js";
import { explained, problemNotice } from "../problem.js";
import { startJob } from "../start-job.js";
import { empty, field, select, skeleton, toast } from "../ui.js";

export const title = "Improve";

const LOOK_MS = 10_000;
const FEW = 12; // of past jobs, until all are asked for

export async function render(root, { api, params }) {
  const stop = new AbortController();
  const { signal } = stop;
  const running = h(
    "section",
    { class: "stack", "aria-labelledby": "running-title" },
    h("h2", { id: "running-title", class: "unseen" }, "Running jobs"),
  );
  const last = h("section", { class: "card", "aria-labelledby": "last-title" }, skeleton(4));
  const over = h("section", { class: "card", "aria-labelledby": "time-title" }, skeleton(4));
  const past = h("section", { class: "stack", "aria-labelledby": "past-title" });
  let models = [];
  root.append(
    h(
      "header",
      { class: "view-head" },
      h(
        "div",
        {},
        h("h1", {}, "Improve"),
        h(
          "p",
          {},
          "Retrieval trains itself on the indexed filings, and goes live only where held-out questions prove that it got better.",
        ),
      ),
      h("button", { class: "main", onclick: () => start() }, icon("improve"), "Start an improvement"),
    ),
    h("div", { class: "stack" }, running, last, over, past),
  );
  const cards = new Map();
  let allowed = true;
  let most = FEW;

  async function start(chosen) {
    const job = await startJob(models, chosen);
    if (!job) return;
    await loadJobs();
    running.querySelector(`[data-job="${CSS.escape(job.job)}"] button`)?.focus();
  }

  async function loadJobs() {
    if (!allowed) return;
    let jobs;
    try {
      ({ jobs } = await api.get("/v1/jobs", { signal }));
    } catch (error) {
      if (error.status !== 403) throw error;
      allowed = false;
      past.replaceChildren(
        h("h2", { id: "past-title" }, "Jobs"),
        h("p", { class: "quiet-text" }, "Your key does not show jobs: that takes one with the scope operate."),
      );
      return;
    }
    for (const job of jobs.filter((one) => !isOver(one)).reverse()) {
      if (cards.has(job.job)) continue;
      const card = runningCard(job, signal, () => {
        cards.delete(job.job);
        card.remove();
        load();
      });
      cards.set(job.job, card);
      running.append(card);
    }
    showPast(jobs.filter(isOver));
  }

  function showPast(jobs) {
    const made = new Map([...past.querySelectorAll("details.past")].map((row) => [row.dataset.ended, row]));
    const rows = jobs
      .slice(0, most)
      .map(
        (job) =>
          made.get(job.job + job.ended) ??
          pastRow(job, { signal, outcome, again, open: params.get("job") === job.job }),
      );
    const more = () => {
      most = Infinity;
      showPast(jobs);
      past.querySelectorAll("summary")[FEW].focus();
    };
    // As long as the rows are those that stand there, what is open or focused stays so.
    const shown = rows.map((row) => row.dataset.ended).join();
    if (shown && shown === [...made.keys()].join()) return;
    past.replaceChildren(
      h("h2", { id: "past-title" }, "Past jobs"),
      rows.length
        ? h("div", { class: "past-list" }, rows)
        : h(
            "p",
            { class: "quiet-text" },
            "No job has ended here yet. Those of the command line are told of in the report.",
          ),
      jobs.length > rows.length
        ? h("div", {}, h("button", { class: "small", onclick: more }, `Show all ${jobs.length}`))
        : "",
    );
  }

  function again() {
    past.replaceChildren();
    loadJobs().catch(tell);
  }

  function outcome({ job, kind, result }) {
    if (kind === "improve" || kind === "judge")
      return [
        h(
          "div",
          { class: "row" },
          verdict(result.gate.promoted),
          h("span", {}, `${result.releases.before} → ${result.releases.after}`),
        ),
        figureTable(result, ` of ${job}`),
        reasonList(result.gate),
      ];
    if (kind === "ingest")
      return h(
        "ul",
        { class: "reasons" },
        result.documents.map((one) =>
          h("li", {}, `${one.document}: ${one.status}${one.message ? `, ${one.message}` : ""}`),
        ),
      );
    const index =
      kind === "finetune" &&
      h(
        "button",
        { class: "small", onclick: () => start({ kind: "reindex", model: result.model }) },
        "Index with this model",
      );
    return h(
      "div",
      { class: "row" },
      h("span", {}, kind === "finetune" ? "Model" : "Release", " ", h("code", {}, result.release ?? result.model)),
      index,
    );
  }

  async function loadFigures() {
    const [points, { releases, live }] = await Promise.all([measured({ signal }), api.get("/v1/releases", { signal })]);
    models = [...new Map(releases.map((one) => [one.model, one.model_name])).entries()];
    showOver(
      points,
      releases.find((one) => one.release === live),
    );
    const judged = points
      .filter((point) => point.decision)
      .sort((a, b) => a.decision.created.localeCompare(b.decision.created))
      .at(-1);
    if (!judged) {
      last.replaceChildren(
        h("h2", { id: "last-title", class: "unseen" }, "Last decision"),
        empty(
          "Nothing was judged yet",
          "An improvement trains on the indexed filings, measures the new release beside the live one on questions of documents it has not seen, and asks the gate.",
        ),
      );
      return;
    }
    last.replaceChildren(...decisionHead(judged), skeleton(4, "Working the figures out"));
    showDecision(judged, await api.get(`/v1/history/${encodeURIComponent(judged.run)}`, { signal }));
  }

  function decisionHead(point) {
    const { decision } = point;
    return [
      h(
        "div",
        { class: "card-head" },
        h("h2", { id: "last-title" }, "Last decision"),
        verdict(decision.promoted),
        h("span", { class: "quiet-text" }, date(decision.created)),
      ),
      h(
        "p",
        { class: "quiet-text" },
        `${decision.before} → ${point.release} on ${count(point.questions, "question")} of held-out documents, by vectors alone, which are what differs. ${setName(point)}.`,
      ),
    ];
  }

  function showDecision(point, judged) {
    const moved = judged.difference["ndcg@10"];
    last.replaceChildren(
      ...decisionHead(point),
      h(
        "p",
        { class: "headline" },
        h("span", {}, h("small", {}, "NDCG@10 before"), h("b", {}, fixed(judged.before.metrics["ndcg@10"].value))),
        h("span", { class: "arrow", "aria-hidden": "true" }, "→"),
        h("span", {}, h("small", {}, "after"), h("b", {}, fixed(judged.after.metrics["ndcg@10"].value))),
        moved
          ? h(
              "span",
              {},
              h("small", {}, "difference, 95 % interval"),
              h("b", {}, signed(moved.value)),
              h("span", {}, ` [${signed(moved.low)}, ${signed(moved.high)}]`),
            )
          : null,
      ),
      figureTable(judged),
      h("h3", {}, judged.gate.promoted ? "Why the gate said yes" : "Why the gate said no"),
      reasonList(judged.gate),
    );
  }

  function showOver(points, live) {
    const sets = new Map();
    for (const point of points) sets.set(comparable(point), setName(point));
    const chart = h("div");
    const draw = (set) => {
      const chosen = points.filter((point) => !set || comparable(point) === set);
      chart.replaceChildren(...overTime(chosen, live));
    };
    const pick = select([["", "All question sets"], ...[...sets].reverse()], "", { onchange: () => draw(pick.value) });
    over.replaceChildren(
      h(
        "div",
        { class: "card-head" },
        h("h2", { id: "time-title" }, "NDCG@10 over time"),
        points.length ? h("div", { class: "set-pick" }, field("Question set", pick)) : null,
        points.length ? reportLink() : null,
      ),
      points.length ? chart : h("p", { class: "quiet-text" }, "Nothing was measured in this home yet."),
    );
    if (points.length) draw("");
  }

  /** The report in a tab of its own; with a key, which a link cannot send, as a file. */
  function reportLink() {
    if (!api.hasKey())
      return h(
        "a",
        { class: "button", href: "/v1/report", target: "_blank", rel: "noopener" },
        icon("open"),
        "Open the report",
      );
    const save = async () => {
      try {
        const url = URL.createObjectURL(await api.blob("/v1/report"));
        h("a", { href: url, download: "ragloop-report.html" }).click();
        setTimeout(() => URL.revokeObjectURL(url), 60_000);
      } catch (error) {
        toast(explained(error).join(": "), "bad");
      }
    };
    return h("button", { onclick: save }, "Save the report");
  }

  function tell(error) {
    if (error.name === "AbortError") return;
    running.querySelector(".notice")?.remove();
    running.prepend(problemNotice(error, load));
  }

  async function load() {
    running.querySelector(".notice")?.remove();
    const found = await Promise.allSettled([loadJobs(), loadFigures()]);
    const problem = found.find((one) => one.status === "rejected")?.reason;
    if (problem) tell(problem);
  }

  await load();
  const look = () => (running.querySelector(".notice") ? load() : loadJobs().catch(tell));
  const timer = setInterval(() => document.hidden || look(), LOOK_MS);
  return () => {
    clearInterval(timer);
    stop.abort();
  };
}
