// Figures with their intervals, as SVG: shape and words say what colour says.

import { h, svg } from "./dom.js";

const HEIGHT = 264;
const LEFT = 40;
const RIGHT = 14;
const TOP = 26;
const BOTTOM = 58;
const COLUMN = 62; // The least room of a column: a chart of many scrolls sideways.
const APART = 7; // Between two series at one column.

/**
 * A chart of figures in columns, column by column in groups that are comparable within.
 *
 * `series` are names by key, drawn in that order. A group is `{label, short, columns}`, `short`
 * for where there is little room; a column is `{label, below, figures}`, `figures` by series `{value, low, high, mark, told}`: `mark` is one of
 * the keys of MARKS, `told` the sentence that names the figure.
 *
 * Gives the element; it draws itself anew when its width changes.
 */
export function intervalChart({ title, series, groups }) {
  const drawing = h("div", { class: "chart-scroll" });
  const hint = h("div", { class: "chart-hint", hidden: true });
  const figure = h("div", { class: "chart" }, drawing, hint);
  let width = 0;
  const watch = new ResizeObserver(([entry]) => {
    const now = Math.floor(entry.contentRect.width);
    if (!now || now === width) return;
    width = now;
    hint.hidden = true;
    drawing.replaceChildren(draw({ title, series, groups, width, hint, figure }));
    // Newest figures stand at the right.
    drawing.scrollLeft = drawing.scrollWidth;
    const scrolls = drawing.scrollWidth > drawing.clientWidth;
    for (const [name, value] of Object.entries({
      tabindex: "0",
      role: "region",
      "aria-label": `${title}, scrolls sideways`,
    })) {
      if (scrolls) drawing.setAttribute(name, value);
      else drawing.removeAttribute(name);
    }
  });
  watch.observe(drawing);
  return figure;
}

/** What a mark's shape means. */
const MARKS = {
  live: "is live",
  yes: "the gate said yes",
  no: "the gate said no",
  plain: "not judged",
};

/** The key to the shapes and the lines that a chart uses. */
export function legend(series, marks) {
  const line = (name, index) =>
    h(
      "li",
      {},
      svg(
        "svg",
        { class: `chart-key s${index}`, viewBox: "0 0 26 12", width: 26, height: 12, "aria-hidden": "true" },
        svg("path", { class: "chart-line", d: "M1 6H25" }),
      ),
      name,
    );
  const shape = (mark) =>
    h(
      "li",
      {},
      svg(
        "svg",
        { class: "chart-key s0", viewBox: "0 0 14 14", width: 14, height: 14, "aria-hidden": "true" },
        dot(7, 7, mark),
      ),
      MARKS[mark],
    );
  const names = Object.values(series);
  return h(
    "ul",
    { class: "chart-legend" },
    names.length > 1 ? names.map(line) : [],
    Object.keys(MARKS)
      .filter((mark) => marks.has(mark))
      .map(shape),
  );
}

/** One figure on a line from 0 to 1, with its interval as a bar. */
export function intervalBar({ value, low, high }) {
  const at = (x) => 2 + 156 * Math.min(1, Math.max(0, x));
  return svg(
    "svg",
    { class: "bar-interval", viewBox: "0 0 160 14", width: 160, height: 14, "aria-hidden": "true" },
    svg("path", { class: "rail", d: "M2 7H158M2 3.5V10.5M80 5V9M158 3.5V10.5" }),
    svg("rect", { class: "span", x: at(low), y: 3.5, width: Math.max(2, at(high) - at(low)), height: 7, rx: 2 }),
    svg("path", { class: "spot", d: `M${at(value)} 1V13` }),
  );
}

function draw({ title, series, groups, width, hint, figure }) {
  const columns = groups.flatMap((group) => group.columns);
  const whole = Math.max(width, LEFT + RIGHT + columns.length * COLUMN);
  const step = (whole - LEFT - RIGHT) / columns.length;
  const highest = Math.max(...columns.flatMap((c) => Object.values(c.figures).map((f) => f.high)));
  const ceiling = Math.min(1, Math.ceil(highest * 5 + 0.25) / 5);
  const y = (value) => HEIGHT - BOTTOM - (value / ceiling) * (HEIGHT - BOTTOM - TOP);
  const keys = Object.keys(series);
  const points = [];
  const parts = [levels(y, ceiling, whole)];
  let at = 0;
  for (const group of groups) {
    const from = LEFT + at * step;
    const to = from + group.columns.length * step;
    if (at) parts.push(svg("path", { class: "chart-divide", d: `M${from} ${TOP - 14}V${HEIGHT - 4}` }));
    parts.push(words((from + to) / 2, HEIGHT - 8, fits(group.label, to - from) ? group.label : group.short, "group"));
    const placed = group.columns.map((column, index) => ({ column, x: from + (index + 0.5) * step }));
    for (const { column, x } of placed) {
      // Of several figures at one place the lowest is written under its mark.
      const own = Object.values(column.figures).sort((a, b) => a.value - b.value);
      own.forEach((one, rank) => (one.under = rank === 0 && own.length > 1));
      parts.push(
        words(x, HEIGHT - BOTTOM + 17, column.label, "name"),
        words(x, HEIGHT - BOTTOM + 32, column.below, "below"),
      );
    }
    keys.forEach((key, index) => {
      const shift = (index - (keys.length - 1) / 2) * 2 * APART;
      const own = placed
        .filter(({ column }) => column.figures[key])
        .map(({ column, x }) => ({ figure: column.figures[key], x: x + shift }));
      parts.push(
        line(
          own.map(({ figure: f, x }) => [x, y(f.value)]),
          index,
        ),
      );
      for (const { figure: f, x } of own) points.push({ x, figure: f, index, shape: mark(f, x, y, index) });
    });
    at += group.columns.length;
  }
  points.sort((a, b) => a.x - b.x);
  parts.push(points.map((point) => point.shape));
  const drawn = svg(
    "svg",
    {
      class: "chart-drawing",
      viewBox: `0 0 ${whole} ${HEIGHT}`,
      width: whole,
      height: HEIGHT,
      role: "group",
      "aria-label": `${title}. The arrow keys go from figure to figure.`,
    },
    parts,
  );
  explore(drawn, points, y, hint, figure);
  return drawn;
}

/** One stop for the Tab key; arrows, Home and End go through the figures, each with its sentence. */
function explore(drawn, points, y, hint, figure) {
  const show = (point) => {
    hint.textContent = point.figure.told;
    hint.hidden = false;
    const box = figure.getBoundingClientRect();
    const scale = drawn.getBoundingClientRect();
    const half = hint.offsetWidth / 2;
    const x = Math.min(box.width - half, Math.max(half, scale.left - box.left + point.x));
    hint.style.setProperty("left", `${x}px`);
    hint.style.setProperty("top", `${y(point.figure.high) - 10}px`);
  };
  const hide = () => {
    hint.hidden = true;
  };
  const move = (from, to) => {
    const next = points[Math.min(points.length - 1, Math.max(0, to))];
    from.shape.setAttribute("tabindex", "-1");
    next.shape.setAttribute("tabindex", "0");
    next.shape.focus();
  };
  points.forEach((point, index) => {
    point.shape.setAttribute("tabindex", index === points.length - 1 ? "0" : "-1");
    point.shape.addEventListener("focus", () => show(point));
    point.shape.addEventListener("blur", hide);
    point.shape.addEventListener("pointerenter", () => show(point));
    point.shape.addEventListener("pointerleave", hide);
    point.shape.addEventListener("keydown", (event) => {
      const to = { ArrowRight: index + 1, ArrowLeft: index - 1, Home: 0, End: points.length - 1 }[event.key];
      if (event.key === "Escape") hide();
      if (to === undefined) return;
      event.preventDefault();
      move(point, to);
    });
  });
}

function levels(y, ceiling, width) {
  const count = Math.round(ceiling * 5);
  return Array.from({ length: count + 1 }, (_, index) => {
    const value = index / 5;
    return [
      svg("path", { class: index ? "chart-grid" : "chart-axis", d: `M${LEFT} ${y(value)}H${width - RIGHT}` }),
      words(LEFT - 8, y(value) + 4, value.toFixed(1), "level"),
    ];
  });
}

function line(places, index) {
  if (places.length < 2) return null;
  const d = places.map(([x, y], at) => `${at ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
  return svg("path", { class: `chart-line s${index}`, d });
}

function mark(figure, x, y, index) {
  const [low, high, value] = [y(figure.low), y(figure.high), y(figure.value)];
  const whisker = `M${x} ${low}V${high}M${x - 5} ${low}h10M${x - 5} ${high}h10`;
  return svg(
    "g",
    { class: `chart-point s${index}`, role: "img", "aria-label": figure.told },
    svg("rect", { class: "chart-target", x: x - 14, y: high - 6, width: 28, height: low - high + 12, rx: 6 }),
    svg("path", { class: "chart-whisker", d: whisker }),
    dot(x, value, figure.mark),
    words(x, figure.under ? low + 15 : high - 7, figure.value.toFixed(3), "value"),
  );
}

function dot(x, y, kind) {
  if (kind === "no")
    return svg("path", { class: "chart-dot mark-no", d: `M${x - 4.5} ${y - 4.5}l9 9M${x + 4.5} ${y - 4.5}l-9 9` });
  if (kind === "yes") return svg("path", { class: "chart-dot mark-yes", d: `M${x} ${y - 6}l6 6-6 6-6-6z` });
  return svg("circle", { class: `chart-dot mark-${kind}`, cx: x, cy: y, r: 5 });
}

function words(x, y, text, kind) {
  return svg("text", { class: `chart-text ${kind}`, x, y, "aria-hidden": "true" }, text);
}

function fits(text, room) {
  return text.length * 6.8 < room;
}
