// The reader's key: asked for when the service wants one, kept for this tab alone.

import { hasKey, setKey } from "./api.js";
import { h, icon } from "./dom.js";
import { dialog, toast } from "./ui.js";

let asking = null;

/** Ask for a key, once for all requests that wait for one. Gives it, or null. */
export function askForKey(rejected = false) {
  asking ??= ask(rejected).finally(() => {
    asking = null;
  });
  return asking;
}

async function ask(rejected) {
  if (rejected) setKey("");
  const input = h("input", {
    type: "password",
    id: "key",
    autocomplete: "off",
    spellcheck: "false",
    required: true,
    placeholder: "rl_…",
    "aria-describedby": "key-hint",
  });
  const key = await dialog(
    "Enter your key",
    (done) => [
      h(
        "div",
        { class: "dialog-body" },
        rejected ? h("p", { class: "error" }, "The key was refused: it is unknown or was revoked.") : null,
        h("label", { for: "key" }, "Key"),
        input,
        h("small", { id: "key-hint" }, "An operator makes one with ", h("code", {}, "ragloop keys"), ". It is kept until this tab is closed."),
      ),
      h(
        "div",
        { class: "actions end" },
        h("button", { type: "button", onclick: () => done(null) }, "Cancel"),
        h("button", { type: "submit", class: "main" }, "Use this key"),
      ),
    ],
    () => input.value.trim(),
  );
  if (key) setKey(key);
  dispatchEvent(new Event("ragloop:key"));
  return key;
}

/** Changes or forgets the key; seen only while there is one. */
export function keyButton() {
  const button = h(
    "button",
    {
      class: "quiet icon-only",
      title: "Forget the key",
      "aria-label": "Forget the key",
      onclick: () => {
        setKey("");
        toast("The key is forgotten.");
        dispatchEvent(new Event("ragloop:key"));
      },
    },
    icon("key"),
  );
  const show = () => {
    button.hidden = !hasKey();
  };
  addEventListener("ragloop:key", show);
  show();
  return button;
}
