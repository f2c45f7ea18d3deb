// The parts that every view is made of.

import { h, icon } from "./dom.js";

/** A state in a word: `kind` is good, warn, bad, info or plain. */
export function badge(text, kind = "plain", attrs = {}) {
  return h("span", { class: `badge ${kind}`, ...attrs }, text);
}

/** What stands where there is nothing yet; `actions` are links or buttons. */
export function empty(title, text, ...actions) {
  return h(
    "div",
    { class: "empty" },
    h("h2", {}, title),
    h("p", {}, text),
    actions.length ? h("div", { class: "actions" }, actions) : null,
  );
}

/** Lines that stand for text that is being fetched. */
export function skeleton(lines = 3, label = "Loading") {
  return h(
    "div",
    { class: "skeleton", role: "status", "aria-label": label },
    Array.from({ length: lines }, () => h("span", { "aria-hidden": "true" })),
  );
}

/** A bar from 0 to `total`; of no known length while `total` is 0. Has `set(done, total, text)`. */
export function progressBar(label) {
  const bar = h("div", { class: "progress-fill" });
  const root = h("div", { class: "progress", role: "progressbar", "aria-label": label }, bar);
  root.set = (done, total, text = "") => {
    const share = total ? Math.min(100, (100 * done) / total) : 0;
    root.classList.toggle("unknown", !total);
    bar.style.setProperty("width", total ? `${share}%` : "");
    root.setAttribute("aria-valuetext", text || (total ? `${Math.round(share)} %` : "working"));
    if (total) root.setAttribute("aria-valuenow", String(Math.round(share)));
    else root.removeAttribute("aria-valuenow");
  };
  root.set(0, 0);
  return root;
}

/** A short message at the edge of the page, read aloud; bad ones stay until they are closed. */
export function toast(text, kind = "info") {
  const close = h(
    "button",
    { class: "quiet icon-only", "aria-label": "Close the message", onclick: () => box.remove() },
    icon("close"),
  );
  const box = h("div", { class: `toast ${kind}` }, h("span", {}, text), close);
  document.getElementById("toasts").append(box);
  if (kind !== "bad") setTimeout(() => box.remove(), 5000);
  return box;
}

/** Copy text, and say so; `said` is told when it is done. */
export async function copy(text, said) {
  try {
    await navigator.clipboard.writeText(text);
    toast(said);
  } catch {
    toast("Not copied: browsers allow that over HTTPS or on this machine alone.", "bad");
  }
}

/**
 * Asks before something is done that cannot be undone. Gives whether the reader agreed.
 *
 * `body` is text or elements; `danger` colours the button.
 */
export function confirm(title, body, { action = "Continue", danger = false } = {}) {
  return dialog(title, (done) => [
    h("div", { class: "dialog-body" }, typeof body === "string" ? h("p", {}, body) : body),
    h(
      "div",
      { class: "actions end" },
      h("button", { type: "button", onclick: () => done(false) }, "Cancel"),
      h("button", { type: "submit", class: danger ? "danger" : "main" }, action),
    ),
  ], () => true).then(Boolean);
}

/**
 * A modal dialog with a form. `content(done)` gives its children, `result(form)` what a submit
 * answers. Gives null when it is closed otherwise; the focus goes back where it was.
 */
export function dialog(title, content, result) {
  return new Promise((resolve) => {
    let answer = null;
    const done = (value) => {
      answer = value;
      box.close();
    };
    const form = h(
      "form",
      {
        method: "dialog",
        onsubmit: (event) => {
          event.preventDefault();
          done(result(form));
        },
      },
      h("h2", { id: "dialog-title" }, title),
      content(done),
    );
    const box = h(
      "dialog",
      {
        class: "dialog",
        "aria-labelledby": "dialog-title",
        onclose: () => {
          box.remove();
          resolve(answer);
        },
      },
      form,
    );
    document.body.append(box);
    box.showModal();
  });
}

/** A table in a frame that scrolls by itself where it is too wide. */
export function table(caption, head, rows) {
  return h(
    "div",
    { class: "table-frame", tabindex: "0", role: "region", "aria-label": caption },
    h(
      "table",
      {},
      h("caption", { class: "unseen" }, caption),
      h("thead", {}, h("tr", {}, head.map((cell) => (cell instanceof Node ? cell : h("th", { scope: "col" }, cell))))),
      h("tbody", {}, rows),
    ),
  );
}

/** A label over a field. */
export function field(label, control, hint = "") {
  control.id ||= `field-${(fields += 1)}`;
  return h(
    "div",
    { class: "field" },
    h("label", { for: control.id }, label),
    control,
    hint ? h("small", {}, hint) : null,
  );
}

let fields = 0;

/** A select of `[value, text]` pairs. */
export function select(options, value = "", attrs = {}) {
  const box = h("select", attrs, options.map(([of, text]) => h("option", { value: of }, text)));
  box.value = value;
  if (box.selectedIndex < 0) box.selectedIndex = 0;
  return box;
}
