// What a question is restricted to: company, fiscal year, document, of those that are indexed.

import { h } from "./dom.js";
import { select } from "./ui.js";

/**
 * Three selects that narrow one another. `state` is `{company, year, document}`, changed in place;
 * `onchange` is told.
 */
export function filterBar(documents, state, onchange = () => undefined) {
  const root = h("div", { class: "scope-bar", role: "group", "aria-label": "Restrict to" });

  function show() {
    const ofCompany = documents.filter((one) => !state.company || one.company === state.company);
    const ofYear = ofCompany.filter((one) => !state.year || String(one.fiscal_year) === state.year);
    const companies = distinct(documents.map((one) => one.company));
    const years = distinct(ofCompany.map((one) => one.fiscal_year)).map(String).reverse();
    root.replaceChildren(
      choice("company", "Company", "All companies", companies),
      choice("year", "Fiscal year", "All years", years),
      choice("document", "Document", "All documents", distinct(ofYear.map((one) => one.document))),
    );
  }

  function choice(name, label, none, values) {
    if (state[name] && !values.includes(state[name])) state[name] = "";
    const box = select([["", none], ...values.map((value) => [value, value])], state[name], {
      "aria-label": label,
      dataset: { filter: name },
      onchange: () => {
        state[name] = box.value;
        show();
        root.querySelector(`[data-filter="${name}"]`).focus();
        onchange();
      },
    });
    box.classList.toggle("set", Boolean(state[name]));
    return box;
  }

  root.show = show;
  show();
  return root;
}

/** The state that an address has. */
export function filterState(params) {
  return { company: params.get("company") ?? "", year: params.get("year") ?? "", document: params.get("document") ?? "" };
}

/** What a request is sent. */
export function filtersBody({ company, year, document }) {
  return { company, fiscal_year: Number(year) || 0, document };
}

function distinct(values) {
  return [...new Set(values.filter(Boolean))].sort();
}
