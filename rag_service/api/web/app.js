// The page's frame: navigation, and the view that the address names.

import * as api from "./api.js";
import { announce, h, icon } from "./dom.js";
import { askForKey, keyButton } from "./key.js";
import { problemNotice } from "./problem.js";
import { current } from "./router.js";
import { status } from "./status.js";
import { themeSwitch } from "./theme-switch.js";
import { skeleton } from "./ui.js";

const VIEWS = {
  ask: ["Ask", () => import("./views/ask.js")],
  search: ["Search", () => import("./views/search.js")],
  documents: ["Documents", () => import("./views/documents.js")],
  compare: ["Compare", () => import("./views/compare.js")],
  releases: ["Releases", () => import("./views/releases.js")],
  improve: ["Improve", () => import("./views/improve.js")],
  page: ["", () => import("./views/page.js")],
};

const main = document.getElementById("main");
const nav = document.getElementById("nav");
let leave = null;
let turn = 0;

async function show() {
  const { name, params } = current();
  const mine = (turn += 1);
  leave?.();
  leave = null;
  for (const link of nav.children) {
    if (link.dataset.view === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const root = h("div", { class: `view view-${name}` }, skeleton(4));
  main.replaceChildren(root);
  try {
    const [label, load] = VIEWS[name] ?? VIEWS.ask;
    const view = await load();
    if (mine !== turn) return;
    const title = view.title ?? label;
    document.title = `${title} · Ragloop`;
    if (mine > 1) {
      main.focus({ preventScroll: true });
      scrollTo(0, 0);
      announce(title);
    }
    root.replaceChildren();
    const left = await view.render(root, { api, params });
    if (mine === turn) leave = left ?? null;
    else left?.();
  } catch (error) {
    if (mine === turn) root.replaceChildren(problemNotice(error, show));
  }
}

nav.append(
  ...Object.entries(VIEWS).filter(([, [label]]) => label).map(([name, [label]]) =>
    h("a", { href: `#/${name}`, dataset: { view: name } }, icon(name), h("span", {}, label)),
  ),
);
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
// `/` goes to the question of whatever view has one, unless something is being typed.
addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select, [contenteditable], dialog:modal")) return;
  const question = main.querySelector("[data-question]");
  if (!question) return;
  event.preventDefault();
  question.focus();
  question.select();
});
api.onUnauthenticated(askForKey);
document.getElementById("status").append(status(), keyButton(), themeSwitch());
addEventListener("hashchange", show);
show();
