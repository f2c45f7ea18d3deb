// A model's fingerprint, short.

import { h, icon } from "./dom.js";
import { toast } from "./ui.js";

/** The first letters; all of them on hover and focus, and for the clipboard. */
export function fingerprint(model) {
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(model);
      toast("The fingerprint is copied.");
    } catch {
      // The clipboard is for pages that came safely: then it can be copied from here.
      toast(`The fingerprint is ${model}`);
    }
  };
  return h(
    "span",
    { class: "fingerprint" },
    h(
      "button",
      { class: "link", "aria-label": `Copy the fingerprint ${model}`, onclick: copy },
      h("code", {}, model.slice(0, 9)),
      icon("copy", 13),
    ),
    h("span", { class: "whole", role: "tooltip" }, model),
  );
}
