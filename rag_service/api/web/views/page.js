// One page of a filing by itself: what a copied link opens.

import { h } from "../dom.js";
import { pageView } from "../page-view.js";
import { empty } from "../ui.js";

export const title = "Page";

export async function render(root, { params }) {
  const document = params.get("document");
  const page = Number.parseInt(params.get("page") ?? "1", 10) || 1;
  if (!document) {
    root.append(empty("No page is named", "Open one from an answer or a search.", h("a", { class: "button main", href: "#/ask" }, "Ask")));
    return undefined;
  }
  const view = pageView({ document, page, quote: params.get("quote") ?? "" });
  root.append(h("h1", { class: "unseen" }, `${document}, page ${page}`), h("div", { class: "card page-card" }, view));
  return () => view.stop();
}
