// What was measured: figures of releases, and what the gate said of them.

import * as api from "./api.js";
import { count, date, fixed } from "./format.js";

const SHORT = new Intl.DateTimeFormat("en", {
  day: "numeric",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
  hour12: false,
});

/** Every run, oldest first. */
export async function measured(options) {
  return (await api.get("/v1/history", options)).points;
}

/** The newest runs of a release: of its newest question set, one by each way to search. */
export function figuresOf(points, release) {
  const own = points.filter((point) => isOf(point, release));
  const newest = own.at(-1);
  const byStages = new Map();
  for (const point of own) if (point.judgments === newest.judgments) byStages.set(point.stages.join(), point);
  return [...byStages.values()].sort((a, b) => a.stages.length - b.stages.length);
}

/** What the gate said last of a release, null if it never judged it. */
export function decisionOn(points, release) {
  return points.filter((point) => isOf(point, release) && point.decision).at(-1)?.decision ?? null;
}

/** Whether a decision was made against the release that is live now. */
export function isAgainst(decision, live) {
  return Boolean(decision && live && decision.before === live.release && decision.before_model === live.model);
}

/** Names start anew on an emptied Redis: the model tells which release it was. */
export function isOf(point, release) {
  return point.release === release.release && point.model === release.model;
}

/** By what a run searched: `vectors alone`, or `as served`, which has further stages. */
export function searchedBy(point) {
  return point.stages.join() === "vectors" ? "vectors alone" : "as served";
}

/** A question set in words: those of an improvement are named after its time. */
export function setName(point) {
  const made = madeAt(point);
  return made ? `Improvement of ${date(made)}` : `${point.question_set}/${point.split}`;
}

/** The same in few letters. */
export function shortName(point) {
  const made = madeAt(point);
  if (made) return SHORT.format(new Date(made));
  return point.question_set.length > 15 ? `${point.question_set.slice(0, 14)}…` : point.question_set;
}

function madeAt({ question_set: name }) {
  const made = /^(?:improve|demo)-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/.exec(name);
  if (!made) return null;
  const [, year, month, day, hour, minute, second] = made;
  return `${year}-${month}-${day}T${hour}:${minute}:${second}Z`;
}

/** 0.606 [0.568, 0.645] */
export function withInterval(figure) {
  return `${fixed(figure.value)} [${fixed(figure.low)}, ${fixed(figure.high)}]`;
}

/** A point as a sentence. */
export function sentenceOf(point, live) {
  const parts = [
    `${point.release}: NDCG@10 ${fixed(point.value)}, interval ${fixed(point.low)} to ${fixed(point.high)}`,
    `${count(point.questions, "question")}, ${searchedBy(point)}`,
    date(point.created),
  ];
  if (point.decision)
    parts.push(`the gate said ${point.decision.promoted ? "yes" : "no"} against ${point.decision.before}`);
  if (live && isOf(point, live)) parts.push("live now");
  return `${parts.join("; ")}.`;
}
