// One page of a filing as a picture, with the lines of a quote marked on it.

import * as api from "./api.js";
import { h, icon } from "./dom.js";
import { pages } from "./format.js";
import { problemNotice, sentence } from "./problem.js";
import { address } from "./router.js";
import { copy, skeleton } from "./ui.js";

const ZOOMS = [1, 1.4, 2, 2.8];
const WIDTHS = [1000, 1400, 2000, 2000];

/**
 * An element that shows `{document, page, page_end, quote}`; more buttons may stand in its head.
 *
 * It has `stop()`, which lets go of the picture, and `turn(step)` to the pages beside.
 */
export function pageView({ document: name, page, page_end: last = page, quote = "" }, ...more) {
  let at = page;
  let zoom = 0;
  let total = 0;
  let loading = null;
  let picture = "";

  const place = h("span", { class: "page-place" });
  const told = h("p", { class: "page-told", role: "status" });
  const sheet = h("div", { class: "sheet" });
  const scroll = h("div", { class: "sheet-frame", tabindex: "0", role: "region", "aria-label": "Page" }, sheet);
  const back = button("left", "Previous page", () => turn(-1));
  const on = button("right", "Next page", () => turn(1));
  const smaller = button("minus", "Smaller", () => resize(-1));
  const larger = button("plus", "Larger", () => resize(1));
  const root = h(
    "div",
    { class: "page-view", onkeydown: keys },
    h(
      "div",
      { class: "page-head" },
      h("h2", { id: "viewer-title", title: name }, name),
      h("div", { class: "page-tools" }, back, place, on, h("span", { class: "gap" }), smaller, larger, button("link", "Copy a link to this page", link), more),
    ),
    quote && h("blockquote", { class: "page-quote" }, quote),
    told,
    scroll,
  );

  async function show() {
    loading?.abort();
    loading = new AbortController();
    const { signal } = loading;
    place.textContent = total ? `${at} / ${total}` : pages(at, at);
    back.disabled = at <= 1;
    on.disabled = total > 0 && at >= total;
    smaller.disabled = zoom === 0;
    larger.disabled = zoom === ZOOMS.length - 1;
    const path = `/v1/documents/${encodeURIComponent(name)}/pages/${at}`;
    sheet.setAttribute("aria-busy", "true");
    if (!sheet.querySelector("img")) sheet.replaceChildren(skeleton(14, "Drawing the page"));
    try {
      const marked = api.get(`${path}/marks?quote=${encodeURIComponent(quote || name)}`, { signal });
      // Both fail where there is no picture; what the picture's request says is what is told.
      marked.catch(() => undefined);
      const drawn = await api.blob(`${path}?width=${WIDTHS[zoom]}`, { signal });
      const marks = await marked;
      if (signal.aborted) return;
      total = marks.pages;
      place.textContent = `${at} / ${total}`;
      on.disabled = at >= total;
      await draw(drawn, quote ? marks.boxes : []);
      tell(marks.boxes.length);
    } catch (error) {
      if (error.name === "AbortError") return;
      const { text } = error.document ?? {};
      told.textContent = text ? `${sentence(error.message)} This is what was read of the page.` : "";
      sheet.replaceChildren(text ? h("pre", { class: "page-text" }, text) : problemNotice(error, show));
    } finally {
      if (!signal.aborted) sheet.removeAttribute("aria-busy");
    }
  }

  async function draw(drawn, boxes) {
    letGo();
    picture = URL.createObjectURL(drawn);
    const image = h("img", { src: picture, alt: `${name}, page ${at}` });
    await image.decode();
    const marks = boxes.map(([x0, y0, x1, y1]) =>
      h("span", {
        class: "page-mark",
        style: { left: percent(x0), top: percent(y0), width: percent(x1 - x0), height: percent(y1 - y0) },
      }),
    );
    sheet.style.setProperty("width", percent(ZOOMS[zoom]));
    sheet.replaceChildren(image, ...marks);
    if (marks.length) bringIntoView(marks[0]);
    else scroll.scrollTo(0, 0);
  }

  /** By hand: scrollIntoView would move the whole page on narrow screens, too. */
  function bringIntoView(mark) {
    const top = mark.offsetTop - scroll.clientHeight / 3;
    scroll.scrollTo(Math.max(0, mark.offsetLeft - 24), Math.max(0, top));
  }

  function tell(marked) {
    if (!quote) told.textContent = "";
    else if (marked) told.textContent = `Marked on this page: ${marked === 1 ? "1 line" : `${marked} lines`}`;
    else if (at >= page && at <= last) told.textContent = "The quote could not be placed on this page.";
    else told.textContent = `The quote stands on ${pages(page, last)}.`;
  }

  function turn(step) {
    const next = at + step;
    if (next < 1 || (total && next > total)) return;
    at = next;
    show();
  }

  function resize(step) {
    zoom = Math.min(ZOOMS.length - 1, Math.max(0, zoom + step));
    show();
  }

  function keys(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const wide = scroll.scrollWidth > scroll.clientWidth + 1;
    const act = {
      ArrowLeft: !wide && (() => turn(-1)),
      ArrowRight: !wide && (() => turn(1)),
      PageUp: event.target !== scroll && (() => turn(-1)),
      PageDown: event.target !== scroll && (() => turn(1)),
      "+": () => resize(1),
      "-": () => resize(-1),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  function link() {
    const to = new URL(address("page", { document: name, page: at, quote }), location.href);
    copy(to.href, "A link to this page is copied.");
  }

  function letGo() {
    if (picture) URL.revokeObjectURL(picture);
    picture = "";
  }

  root.stop = () => {
    loading?.abort();
    letGo();
  };
  root.turn = turn;
  show();
  return root;
}

function button(name, label, onclick) {
  return h("button", { type: "button", class: "quiet icon-only", title: label, "aria-label": label, onclick }, icon(name));
}

function percent(share) {
  return `${(100 * share).toFixed(3)}%`;
}
