// The page viewer: beside what is read where there is room, else over it.

import { h, icon } from "./dom.js";
import { pageView } from "./page-view.js";

const WIDE = matchMedia("(min-width: 68rem)");
const box = document.getElementById("viewer");

let shown = null;
let before = null;

/** Show `{document, page, page_end, quote}`; the focus comes back here when it is closed. */
export function openPage(at, { keepFocus = false } = {}) {
  shown?.stop();
  if (!box.open) before = document.activeElement;
  const close = h(
    "button",
    { type: "button", class: "quiet icon-only", title: "Close (Escape)", "aria-label": "Close the page", onclick: closePage },
    icon("close"),
  );
  shown = pageView(at, close);
  box.replaceChildren(shown);
  if (!box.open) {
    document.body.classList.add("viewing");
    if (WIDE.matches) box.show();
    else box.showModal();
  }
  if (keepFocus) before?.focus({ preventScroll: true });
  else close.focus({ preventScroll: true });
}

export function closePage() {
  if (box.open) box.close();
}

export function isOpen() {
  return box.open;
}

box.addEventListener("close", () => {
  document.body.classList.remove("viewing");
  shown?.stop();
  shown = null;
  box.replaceChildren();
  if (before?.isConnected) before.focus({ preventScroll: true });
});
// A modal one closes on Escape by itself; one that stands beside the text does not.
addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.defaultPrevented || document.querySelector("dialog.dialog[open]")) return;
  if (box.open && !box.matches(":modal")) closePage();
});
WIDE.addEventListener("change", closePage);
