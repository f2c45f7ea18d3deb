// A model's fingerprint, short.

import { h, icon } from "./dom.js";
import { copy } from "./ui.js";

/** The first letters; all of them on hover and focus, and for the clipboard. */
export function fingerprint(model) {
  return h(
    "span",
    { class: "fingerprint" },
    h(
      "button",
      { class: "link", "aria-label": `Copy the fingerprint ${model}`, onclick: () => copy(model, "The fingerprint is copied.") },
      h("code", {}, model.slice(0, 9)),
      icon("copy", 13),
    ),
    h("span", { class: "whole", role: "tooltip" }, model),
  );
}
