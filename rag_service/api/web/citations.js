// The citations of an answer: what it rests on, each opening its page.

import { h } from "./dom.js";
import { pages } from "./format.js";
import { isOpen, openPage } from "./viewer.js";

/** A list with `add(citation)`; arrow keys go through it, and turn an open viewer along. */
export function citationList() {
  const list = h("ol", { class: "citations", "aria-label": "Citations", onkeydown: move });

  function move(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const all = [...list.querySelectorAll("button")];
    const next = all[all.indexOf(document.activeElement) + step];
    next?.focus();
    if (next && isOpen()) next.show({ keepFocus: true });
  }

  list.add = (citation) => {
    const number = list.children.length + 1;
    const button = h(
      "button",
      { type: "button", class: "citation", onclick: () => button.show() },
      h("span", { class: "citation-number" }, String(number)),
      h(
        "span",
        { class: "citation-words" },
        h("q", {}, citation.quote),
        h("cite", {}, place(citation)),
      ),
    );
    button.show = (how) => {
      for (const other of document.querySelectorAll(".citation[aria-current]")) other.removeAttribute("aria-current");
      button.setAttribute("aria-current", "true");
      openPage(citation, how);
      if (how?.keepFocus) button.focus({ preventScroll: true });
    };
    list.append(h("li", {}, button));
  };
  return list;
}

/** Document and page in words. */
export function place({ document: name, page, page_end: last }) {
  return `${name}, ${pages(page, last ?? page)}`;
}
