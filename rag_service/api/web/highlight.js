// The words of a query, marked in a text.

import { h } from "./dom.js";

const COMMON = new Set(
  ("a about an and are as at be between by did do does for from had has have how in is it its me much many of on or over say says than that the " +
    "their this to was were what when where which who whose why will with would company fiscal year").split(" "),
);

/** The words of a query that are worth marking. */
export function wordsOf(query) {
  const words = query.toLowerCase().match(/[\p{L}\p{N}][\p{L}\p{N}.,&-]*[\p{L}\p{N}]|\p{N}+/gu) ?? [];
  return [...new Set(words.filter((word) => !COMMON.has(word) && (word.length > 2 || /\d/.test(word))))];
}

/** The text as nodes, with words that begin as one of `words` does in `mark` elements. */
export function highlighted(text, words) {
  if (!words.length) return [text];
  const stems = words.map((word) => escaped(word.replace(/(?<=\p{L}{3})(es|s|ed|ing)$/u, "")));
  const pattern = new RegExp(`(?<![\\p{L}\\p{N}])(?:${stems.join("|")})\\p{L}{0,4}(?![\\p{L}\\p{N}])`, "giu");
  const nodes = [];
  let from = 0;
  for (const found of text.matchAll(pattern)) {
    nodes.push(text.slice(from, found.index), h("mark", {}, found[0]));
    from = found.index + found[0].length;
  }
  nodes.push(text.slice(from));
  return nodes;
}

function escaped(text) {
  return text.replace(/[.*+?^${}()|[\]\\-]/g, "\\$&");
}
