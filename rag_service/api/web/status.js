// What is live and whether the service can serve, told in the header and kept up to date.

import * as api from "./api.js";
import { h } from "./dom.js";

const EVERY_MS = 30_000;

/** The live release and a word on readiness. `ragloop:changed` on the window asks anew at once. */
export function status() {
  const release = h("a", { class: "live", href: "#/releases", title: "The live release" });
  const word = h("span", { class: "ready-word" }, "Connecting");
  const ready = h("span", { class: "ready", role: "status" }, h("span", { class: "dot", "aria-hidden": "true" }), word);

  let probe = "/readyz";

  function say(state, text, why = text) {
    ready.dataset.state = state;
    if (word.textContent !== text) word.textContent = text;
    ready.title = why;
  }

  async function look() {
    try {
      const { checks } = await api.get(probe, { quiet: true });
      if (checks) say("good", "Ready", Object.keys(checks).join(", "));
      else say("good", "Connected", "The service runs; what it depends on is told to operators");
    } catch (error) {
      if ([401, 403].includes(error.status) && probe === "/readyz") {
        probe = "/healthz";
        return look();
      }
      const checks = Object.entries(error.document?.checks ?? {}).filter(([, state]) => state !== "ok");
      if (error.status === 0) say("bad", "Unreachable", "The service cannot be reached");
      else say("warn", "Not ready", checks.map(([name, state]) => `${name}: ${state}`).join("; "));
      return undefined;
    }
    try {
      const { live } = await api.get("/v1/releases", { quiet: true });
      release.textContent = live ?? "no release";
      release.setAttribute("aria-label", live ? `Live release ${live}` : "No release is live");
    } catch (error) {
      release.textContent = error.status === 401 ? "no key" : "";
    }
    return undefined;
  }

  addEventListener("ragloop:changed", look);
  addEventListener("ragloop:key", () => {
    probe = "/readyz";
    look();
  });
  document.addEventListener("visibilitychange", () => document.hidden || look());
  setInterval(() => document.hidden || look(), EVERY_MS);
  look();
  return h("div", { class: "standing" }, ready, release);
}
