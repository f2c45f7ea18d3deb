// Releases: what is live, what could be, and the way there and back.

import { intervalBar } from "../chart.js";
import { h, icon } from "../dom.js";
import { ago, count, date, number } from "../format.js";
import { fingerprint } from "../fingerprint.js";
import { reasonList, verdict } from "../gate.js";
import { decisionOn, figuresOf, isAgainst, measured, searchedBy, setName, withInterval } from "../measured.js";
import { explained, problemNotice } from "../problem.js";
import { badge, confirm, dialog, empty, skeleton, toast } from "../ui.js";

export const title = "Releases";

const GROUPS = [
  ["live", "Live", "Answers every request that names no other release."],
  ["building", "Being built", "Its index is being written beside the live one."],
  ["candidate", "Candidates", "Complete, and not live: the gate has to say yes first."],
  ["retired", "Retired", "Live before. They can be brought back at once, without the gate."],
  ["failed", "Failed", "Not usable; they go by themselves when newer releases come."],
];
const KINDS = { live: "good", candidate: "info", building: "plain", retired: "plain", failed: "bad" };

export async function render(root, { api }) {
  const told = h("p", {}, "A release is one embedding model and the index that was built with it.");
  const back = h("button", { disabled: true, onclick: rollback }, icon("retry"), "Roll back");
  const list = h("div", { class: "releases" }, skeleton(6));
  root.append(h("header", { class: "view-head" }, h("div", {}, h("h1", {}, "Releases"), told), back), list);
  let releases = [];
  let points = [];
  let live = null;
  let previous = null;
  addEventListener("ragloop:changed", load);

  async function load() {
    try {
      const [found, runs] = await Promise.all([api.get("/v1/releases"), measured()]);
      ({ releases, previous } = found);
      live = releases.find((one) => one.release === found.live) ?? null;
      points = runs;
      show();
    } catch (error) {
      list.replaceChildren(problemNotice(error, load));
    }
  }

  function show() {
    back.disabled = !previous;
    back.lastChild.textContent = previous ? `Roll back to ${previous}` : "Roll back";
    back.title = previous ? "" : "There is no release before the live one";
    if (!releases.length) {
      list.replaceChildren(
        empty(
          "No release yet",
          "The first one is made when the first filing is added.",
          h("a", { class: "button main", href: "#/documents" }, "Add filings"),
        ),
      );
      return;
    }
    list.replaceChildren(...GROUPS.map(([state, label, about]) => group(state, label, about)).filter(Boolean));
  }

  function group(state, label, about) {
    const own = releases.filter((one) => one.state === state).reverse();
    if (!own.length) return null;
    return h(
      "section",
      { class: `release-group is-${state}`, "aria-labelledby": `group-${state}` },
      h("div", { class: "group-head" }, h("h2", { id: `group-${state}` }, label), h("small", {}, about)),
      h("div", { class: "release-cards" }, own.map(card)),
    );
  }

  function card(one) {
    const decision = decisionOn(points, one);
    return h(
      "article",
      { class: "card release", "aria-labelledby": `release-${one.release}`, dataset: { release: one.release } },
      h(
        "div",
        { class: "card-head" },
        h("h3", { id: `release-${one.release}` }, one.release),
        badge(one.state, KINDS[one.state]),
        one.release === previous ? badge("way back") : null,
        actions(one),
      ),
      one.note ? h("p", { class: "quiet-text note-line" }, one.note) : null,
      h(
        "div",
        { class: "release-body" },
        h(
          "dl",
          { class: "tiles" },
          fact(
            "Model",
            fingerprint(one.model),
            one.model_name ? h("span", { class: "model-name" }, one.model_name) : null,
          ),
          fact("Trained from", one.base ? fingerprint(one.base) : "not trained here"),
          fact("Passages", number(one.chunks)),
          fact(
            "Vectors",
            `${number(one.dims)} dimensions`,
            h(
              "span",
              { class: "model-name" },
              `${one.datatype}, ${one.algorithm === "flat" ? "exact search" : "HNSW"}`,
            ),
          ),
          fact("Made", h("time", { datetime: one.created, title: date(one.created) }, ago(one.created))),
          fact("In use by", one.users ? count(one.users, "process", "processes") : "nobody"),
        ),
        h(
          "div",
          { class: "release-figures" },
          figures(one),
          decision
            ? gate(decision)
            : h(
                "p",
                { class: "quiet-text" },
                one.state === "candidate" ? "The gate has not judged it yet." : "The gate never judged it.",
              ),
        ),
      ),
    );
  }

  function figures(one) {
    const own = figuresOf(points, one);
    if (!own.length) return h("p", { class: "quiet-text" }, "Not measured yet.");
    return h(
      "div",
      { class: "figure-list" },
      h(
        "p",
        {},
        h("strong", {}, "NDCG@10"),
        h("small", {}, ` ${count(own[0].questions, "question")}, ${setName(own[0])}`),
      ),
      own.map((point) =>
        h(
          "div",
          { class: "figure-line" },
          h("span", {}, searchedBy(point)),
          intervalBar(point),
          h("b", {}, withInterval(point)),
        ),
      ),
    );
  }

  function actions(one) {
    const label = { candidate: "Promote", retired: "Make live again" }[one.state];
    if (!label) return null;
    return h(
      "button",
      {
        class: one.state === "candidate" ? "main small" : "small",
        "aria-label": `${label}: ${one.release}`,
        onclick: (event) => promote(one, event.currentTarget),
      },
      label,
    );
  }

  async function promote(one, button) {
    const decision = decisionOn(points, one);
    const passed = isAgainst(decision, live) && decision.promoted;
    if (one.state === "candidate" && live && !passed) return refused(one, button);
    const agreed = await confirm(
      `Make ${one.release} live?`,
      [
        h(
          "p",
          {},
          live
            ? `It takes the place of ${live.release} in one step; no request is lost, and ${live.release} stays as the way back.`
            : "It will answer every request.",
        ),
        one.state === "retired"
          ? h("p", { class: "quiet-text" }, "It was live before, so that the gate is not asked again.")
          : null,
        one.state === "candidate" && passed ? gate(decision, true) : null,
      ],
      { action: "Make it live" },
    );
    if (agreed) await act(button, () => api.post(`/v1/releases/${one.release}/promote`, {}), one);
  }

  async function rollback() {
    const agreed = await confirm(
      `Roll back to ${previous}?`,
      `${live.release} leaves the live place and becomes retired; ${previous} answers again from the next request on. No request is lost.`,
      { action: "Roll back", danger: true },
    );
    if (agreed) await act(back, () => api.post("/v1/releases/rollback"), null);
  }

  async function act(button, send, one) {
    button.disabled = true;
    button.setAttribute("aria-busy", "true");
    try {
      const now = await send();
      toast(`${now.release} is live.`, "good");
      dispatchEvent(new Event("ragloop:changed"));
    } catch (error) {
      if (one && error.code === "gate_rejected") await refused(one, button);
      else toast(explained(error).join(": "), "bad");
    } finally {
      button.disabled = false;
      button.removeAttribute("aria-busy");
    }
  }

  async function judge(one) {
    try {
      await api.post("/v1/jobs", { kind: "judge", arguments: { release: one.release } });
      location.hash = "#/improve";
    } catch (error) {
      toast(explained(error).join(": "), "bad");
    }
  }

  /** What the gate holds against a candidate; going on is behind a second question. */
  async function refused(one, button) {
    const decision = decisionOn(points, one);
    const judged = isAgainst(decision, live);
    const reasons = judged
      ? reasonList(decision)
      : h(
          "p",
          {},
          `It has not been compared with ${live?.release ?? "a live release"}, which is live now. A job has the gate do so on the newest held-out questions; that takes as long as two evaluations.`,
        );
    const on = await dialog(
      judged ? `The gate refuses ${one.release}` : `The gate has not judged ${one.release}`,
      (done) => [
        h("div", { class: "dialog-body" }, reasons),
        h(
          "div",
          { class: "actions end" },
          h("button", { type: "submit" }, "Promote all the same…"),
          judged ? null : h("button", { type: "button", onclick: () => done("judge") }, "Have the gate judge it"),
          h(
            "button",
            { type: "button", class: "main", onclick: () => done(null) },
            `Leave ${live?.release ?? "it"} live`,
          ),
        ),
      ],
      () => true,
    );
    if (!on) return;
    if (on === "judge") {
      await judge(one);
      return;
    }
    const sure = h("input", { type: "checkbox", required: true, id: "sure" });
    const forced = await dialog(
      "Pass over the gate?",
      (done) => [
        h(
          "div",
          { class: "dialog-body" },
          h(
            "p",
            {},
            judged
              ? "What the gate found stays true, and answers may get worse:"
              : "Nothing proves that answers do not get worse: this release was never compared with the live one.",
          ),
          judged ? reasonList(decision) : null,
          h("label", { class: "check", for: "sure" }, sure, `Make ${one.release} live without the gate's yes`),
        ),
        h(
          "div",
          { class: "actions end" },
          h("button", { type: "button", onclick: () => done(null) }, "Cancel"),
          h("button", { type: "submit", class: "danger" }, "Pass over the gate"),
        ),
      ],
      () => true,
    );
    if (forced) await act(button, () => api.post(`/v1/releases/${one.release}/promote`, { force: true }), null);
  }

  await load();
  return () => removeEventListener("ragloop:changed", load);
}

/** The gate's word with its reasons behind it. */
function gate(decision, open = false) {
  return h(
    "details",
    { class: "gate", open },
    h("summary", {}, verdict(decision.promoted), h("span", {}, `against ${decision.before}, ${ago(decision.created)}`)),
    reasonList(decision),
  );
}

function fact(name, ...value) {
  return h("div", {}, h("dt", {}, name), h("dd", {}, value));
}
