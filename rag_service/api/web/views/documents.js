// The filings that are indexed: added, looked through, removed.

import { h, icon } from "../dom.js";
import { count, date, number } from "../format.js";
import { isOver } from "../jobs.js";
import { explained, problemNotice } from "../problem.js";
import { remember } from "../router.js";
import { confirm, empty, field, select, skeleton, toast } from "../ui.js";
import { adopt, send, uploads } from "../uploads.js";
import { closePage, openPage } from "../viewer.js";

export const title = "Documents";

const TYPES = ".pdf,.htm,.html,.txt";
const COLUMNS = [
  ["company", "Company and file", compareText],
  ["form", "Form", compareText],
  ["fiscal_year", "Fiscal year", compareNumber],
  ["period_end", "Period end", compareText],
  ["pages", "Pages", compareNumber],
  ["chunks", "Passages", compareNumber],
  ["ingested_at", "Added", compareText],
];
const NUMBERS = new Set(["pages", "chunks"]);

export async function render(root, { api, params }) {
  const listed = h("section", { class: "stack", "aria-label": "Indexed filings" }, skeleton(6));
  const told = h("p", {}, "Looking…");
  const pick = h("input", {
    type: "file",
    multiple: true,
    accept: TYPES,
    class: "unseen",
    tabindex: "-1",
    "aria-hidden": "true",
    onchange: chosen,
  });
  const add = () => pick.click();
  root.append(
    h(
      "header",
      { class: "view-head" },
      h("div", {}, h("h1", {}, "Documents"), told),
      h("button", { class: "main", onclick: add }, icon("upload"), "Add filings"),
    ),
    pick,
    h(
      "div",
      { class: "drop" },
      icon("upload", 20),
      h("p", {}, "Drop 10-K filings here, or ", h("button", { class: "link", onclick: add }, "choose files"), "."),
      h("small", {}, "PDF, HTML or text. They are read and indexed on this machine; searches go on meanwhile."),
    ),
    uploads(),
    listed,
  );
  const undrop = dropTarget(root, send);
  addEventListener("ragloop:changed", load);

  let documents = [];
  const state = {
    find: params.get("find") ?? "",
    form: params.get("form") ?? "",
    year: params.get("year") ?? "",
    by: COLUMNS.some(([name]) => name === params.get("by")) ? params.get("by") : "company",
    down: params.get("down") === "1",
  };

  function chosen() {
    send([...pick.files]);
    pick.value = "";
  }

  async function load() {
    try {
      ({ documents } = await api.get("/v1/documents"));
      const chunks = documents.reduce((sum, one) => sum + one.chunks, 0);
      told.textContent = documents.length
        ? `${count(documents.length, "filing")}, ${count(chunks, "passage")}`
        : "Nothing is indexed yet.";
      show();
    } catch (error) {
      told.textContent = "";
      listed.replaceChildren(problemNotice(error, load));
    }
  }

  function show() {
    if (!documents.length) {
      listed.replaceChildren(
        empty(
          "No filings yet",
          "Add annual reports as PDF or HTML, and ask about them as soon as they are indexed.",
          h("button", { class: "main", onclick: add }, icon("upload"), "Add filings"),
        ),
      );
      return;
    }
    const body = h("tbody");
    const shown = h("p", { class: "quiet-text shown", role: "status" });
    const heads = COLUMNS.map(([name, label]) => heading(name, label));
    listed.replaceChildren(
      filters(refresh),
      shown,
      h(
        "div",
        { class: "table-frame cards-when-narrow" },
        h(
          "table",
          {},
          h("caption", { class: "unseen" }, "Indexed filings"),
          h("thead", {}, h("tr", {}, heads, h("th", { scope: "col" }, h("span", { class: "unseen" }, "Actions")))),
          body,
        ),
      ),
    );
    refresh();

    function heading(name, label) {
      const sort = () => {
        state.down = state.by === name ? !state.down : false;
        state.by = name;
        refresh();
      };
      return h(
        "th",
        { scope: "col", class: NUMBERS.has(name) ? "number" : null, dataset: { by: name } },
        h("button", { class: "sort", onclick: sort }, label),
      );
    }

    function refresh() {
      const found = sorted(documents.filter(matches), state);
      body.replaceChildren(...found.map(row));
      shown.textContent =
        found.length === documents.length ? "" : `${number(found.length)} of ${count(documents.length, "filing")}`;
      if (!found.length)
        body.append(h("tr", {}, h("td", { colspan: COLUMNS.length + 1, class: "none" }, "No filing matches.")));
      for (const head of heads) {
        const order = state.down ? "descending" : "ascending";
        head.setAttribute("aria-sort", head.dataset.by === state.by ? order : "none");
      }
      remember({ ...state, by: state.by === "company" ? "" : state.by, down: state.down ? "1" : "" });
    }
  }

  function filters(refresh) {
    const set = (name) => (event) => {
      state[name] = event.target.value;
      refresh();
    };
    const any = (name) => [...new Set(documents.map((one) => String(one[name] || "")))].filter(Boolean).sort();
    const options = (all, values) => [["", all], ...values.map((value) => [value, value])];
    return h(
      "div",
      { class: "filters", role: "search", "aria-label": "Filter the filings" },
      field(
        "Find",
        h("input", { type: "search", value: state.find, placeholder: "Company or file name", oninput: set("find") }),
      ),
      field("Form", select(options("Any form", any("form")), state.form, { onchange: set("form") })),
      field(
        "Fiscal year",
        select(options("Any year", any("fiscal_year").reverse()), state.year, { onchange: set("year") }),
      ),
    );
  }

  function matches(one) {
    const words = state.find.toLowerCase().split(/\s+/);
    const text = `${one.company} ${one.ticker} ${one.document}`.toLowerCase();
    return (
      words.every((word) => text.includes(word)) &&
      (!state.form || one.form === state.form) &&
      (!state.year || String(one.fiscal_year) === state.year)
    );
  }

  function row(one) {
    const name = one.document;
    const cell = (label, value, kind = null) => h("td", { class: kind, dataset: { label } }, value || "–");
    return h(
      "tr",
      { dataset: { document: name } },
      h("th", { scope: "row" }, h("strong", {}, one.company || "Company not stated"), h("code", {}, name)),
      cell("Form", one.form),
      cell("Fiscal year", String(one.fiscal_year || "")),
      cell("Period end", one.period_end),
      cell("Pages", number(one.pages), "number"),
      cell("Passages", number(one.chunks), "number"),
      cell("Added", date(one.ingested_at)),
      h(
        "td",
        { class: "row-actions" },
        h(
          "button",
          { class: "small", "aria-label": `Open ${name}`, onclick: () => openPage({ document: name, page: 1 }) },
          "Open",
        ),
        h(
          "button",
          { class: "quiet icon-only", "aria-label": `Remove ${name}`, title: "Remove", onclick: () => remove(one) },
          icon("trash"),
        ),
      ),
    );
  }

  async function remove(one) {
    const agreed = await confirm(
      "Remove this filing?",
      [
        h("p", {}, h("strong", {}, one.document), one.company ? `, ${one.company}` : null),
        h(
          "p",
          {},
          `Its ${count(one.chunks, "passage")} leave the index at once, and the file that was kept of it is deleted. Answers no longer draw on it.`,
        ),
      ],
      { action: "Remove", danger: true },
    );
    if (!agreed) return;
    try {
      await api.del(`/v1/documents/${encodeURIComponent(one.document)}`);
      toast(`${one.document} is removed.`, "good");
      dispatchEvent(new Event("ragloop:changed"));
      listed.querySelector("input")?.focus();
    } catch (error) {
      toast(explained(error).join(": "), "bad");
    }
  }

  await load();
  // What is being read since before this page was opened goes on here, too.
  api.get("/v1/jobs").then(
    ({ jobs }) => adopt(jobs.filter((job) => job.kind === "ingest" && !isOver(job))),
    () => undefined, // a key for reading alone does not see jobs
  );
  return () => {
    undrop();
    closePage();
    removeEventListener("ragloop:changed", load);
  };
}

function sorted(documents, { by, down }) {
  const compare = COLUMNS.find(([name]) => name === by)[2];
  const sign = down ? -1 : 1;
  return [...documents].sort((a, b) => sign * compare(a[by], b[by]) || compareText(a.document, b.document));
}

function compareText(a, b) {
  return String(a).localeCompare(String(b), "en", { numeric: true, sensitivity: "base" });
}

function compareNumber(a, b) {
  return a - b;
}

/** Files that are dropped anywhere on the page go to `take`. Gives what ends that. */
function dropTarget(root, take) {
  const holds = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  let depth = 0;
  const mark = () => root.classList.toggle("dropping", depth > 0);
  const listeners = {
    dragenter: () => (depth += 1),
    dragleave: () => (depth -= 1),
    dragover: (event) => (event.dataTransfer.dropEffect = "copy"),
    drop: (event) => {
      depth = 0;
      take([...event.dataTransfer.files]);
    },
  };
  const stop = new AbortController();
  for (const [name, act] of Object.entries(listeners)) {
    const listen = (event) => {
      if (!holds(event)) return;
      event.preventDefault();
      act(event);
      mark();
    };
    addEventListener(name, listen, { signal: stop.signal });
  }
  return () => stop.abort();
}
