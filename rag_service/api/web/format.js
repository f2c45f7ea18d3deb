// How figures, times and places are written.

const NUMBER = new Intl.NumberFormat("en");
const DATE = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short" });

/** 12,345 */
export function number(value) {
  return NUMBER.format(value);
}

/** A figure with so many decimals, with a true minus sign; a dash for none. */
export function fixed(value, digits = 3) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  return value.toFixed(digits).replace("-", "−");
}

/** +0.012 or −0.012 */
export function signed(value, digits = 3) {
  return `${value > 0 ? "+" : ""}${fixed(value, digits)}`;
}

/** 840 ms, 3.2 s, 4 min 10 s */
export function duration(ms) {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** 3.4 MB */
export function bytes(count) {
  if (count < 1000) return `${count} B`;
  const units = ["kB", "MB", "GB"];
  let size = count;
  let unit = -1;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${size.toFixed(size < 10 ? 1 : 0)} ${units[unit]}`;
}

/** A date with its time, in the reader's time zone. */
export function date(iso) {
  const at = new Date(iso);
  return Number.isNaN(at.getTime()) ? "–" : DATE.format(at);
}

/** just now, 4 min ago, 3 h ago, or the date */
export function ago(iso) {
  const past = Date.now() - new Date(iso).getTime();
  if (Number.isNaN(past)) return "–";
  if (past < 60_000) return "just now";
  if (past < 3_600_000) return `${Math.floor(past / 60_000)} min ago`;
  if (past < 86_400_000) return `${Math.floor(past / 3_600_000)} h ago`;
  return date(iso);
}

/** page 3, pages 3–4 */
export function pages(first, last) {
  return first === last ? `page ${first}` : `pages ${first}–${last}`;
}

/** 1 table, 2 tables */
export function count(n, one, many = `${one}s`) {
  return `${number(n)} ${n === 1 ? one : many}`;
}
