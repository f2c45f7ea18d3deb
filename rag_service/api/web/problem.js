// What went wrong, in plain words, and what to do about it.

import { h } from "./dom.js";

/** A title and what to do, for an error of api.js. */
export function explained(error) {
  const after = error.retryAfter ? ` in ${error.retryAfter} s` : " in a moment";
  switch (error.status) {
    case 0:
      return ["The service cannot be reached", "Check that it runs and that you are connected, then try again."];
    case 401:
      return ["A key is needed", "Try again to enter one, or ask an operator for a key."];
    case 403:
      return ["Your key does not allow this", `${sentence(error.message)} Ask an operator for a key with that right.`];
    case 404:
      return ["Not found", sentence(error.message)];
    case 409:
      return ["Not possible now", sentence(error.message)];
    case 413:
      return ["Too large", sentence(error.message)];
    case 422:
      return ["This cannot be done as asked", sentence(error.message)];
    case 429:
      return ["Too many requests", `Try again${after}.`];
    case 503:
      return ["The service cannot do this now", `${sentence(error.message)} Try again${after}.`];
    case 504:
      return ["It took too long", `${sentence(error.message)} Try again, or ask more narrowly.`];
    default:
      return ["Something went wrong", sentence(error.message)];
  }
}

/** The error as a notice that is read aloud; `retry` adds a button. */
export function problemNotice(error, retry = null) {
  const [title, advice] = explained(error);
  return h(
    "div",
    { class: "notice bad", role: "alert" },
    h("div", {}, h("strong", {}, title), h("p", {}, advice)),
    retry && h("button", { type: "button", onclick: retry }, "Try again"),
  );
}

export function sentence(text) {
  const whole = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(whole) ? whole : `${whole}.`;
}
