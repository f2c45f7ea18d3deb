// NDCG@10 over time: the chart with its key, and the same figures as a table.

import { intervalChart, legend } from "./chart.js";
import { h } from "./dom.js";
import { date } from "./format.js";
import { verdict } from "./gate.js";
import { isOf, searchedBy, sentenceOf, setName, shortName, withInterval } from "./measured.js";
import { table } from "./ui.js";

const MOST_COLUMNS = 40;
const SERIES = { vectors: "vectors alone, which the gate compares", served: "as served, with all stages" };

/** The chart with its key and the same figures as a table. */
export function overTime(points, live) {
  const groups = grouped(points, live);
  const shown = new Set(
    groups.flatMap((group) =>
      group.columns.flatMap((column) => Object.values(column.figures).map((figure) => figure.mark)),
    ),
  );
  const used = Object.fromEntries(
    Object.entries(SERIES).filter(([key]) =>
      groups.some((group) => group.columns.some((column) => column.figures[key])),
    ),
  );
  const name = "NDCG@10 of releases over time, with 95 % intervals";
  const rows = points.map((point) =>
    h(
      "tr",
      {},
      h("td", {}, date(point.created)),
      h("th", { scope: "row" }, point.release),
      h("td", {}, setName(point)),
      h("td", {}, searchedBy(point)),
      h("td", { class: "number" }, String(point.questions)),
      h("td", { class: "number" }, withInterval(point)),
      h("td", {}, point.decision ? verdict(point.decision.promoted) : "not judged"),
    ),
  );
  return [
    intervalChart({ title: name, series: used, groups }),
    legend(used, shown),
    h(
      "p",
      { class: "quiet-text chart-note" },
      "Lines join what is comparable: releases that were asked the same questions.",
    ),
    h(
      "details",
      {},
      h("summary", {}, "The figures as a table"),
      table(
        name,
        [
          "Measured",
          "Release",
          "Question set",
          "Searched by",
          h("th", { scope: "col", class: "number" }, "Questions"),
          h("th", { scope: "col", class: "number" }, "NDCG@10"),
          "Gate",
        ],
        rows.reverse(),
      ),
    ),
  ];
}

/** By question set in order of time, and in each the newest run of every release. */
function grouped(points, live) {
  const groups = new Map();
  for (const point of points) {
    const key = comparable(point);
    if (!groups.has(key)) groups.set(key, { columns: new Map() });
    const group = groups.get(key);
    group.label = `${setName(point)}, ${point.questions} questions`;
    group.short = shortName(point);
    const of = `${point.release} ${point.model}`;
    if (!group.columns.has(of)) group.columns.set(of, { label: point.release, below: day(point.created), figures: {} });
    const series = searchedBy(point) === "vectors alone" ? "vectors" : "served";
    group.columns.get(of).figures[series] = {
      value: point.value,
      low: point.low,
      high: point.high,
      mark: markOf(point, live),
      told: sentenceOf(point, live),
    };
  }
  let room = MOST_COLUMNS;
  const kept = [];
  for (const group of [...groups.values()].reverse()) {
    const columns = [...group.columns.values()].slice(-room);
    if (!room) break;
    kept.unshift({ ...group, columns });
    room -= columns.length;
  }
  return kept;
}

function markOf(point, live) {
  if (live && isOf(point, live)) return "live";
  if (!point.decision) return "plain";
  return point.decision.promoted ? "yes" : "no";
}

function day(iso) {
  return new Intl.DateTimeFormat("en", { day: "numeric", month: "short" }).format(new Date(iso));
}

/** What points have in common that can be compared. */
export function comparable(point) {
  return point.judgments || `${point.question_set}/${point.split}`;
}
