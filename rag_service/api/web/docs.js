// The description of the API, from the service's own OpenAPI document.

import { h } from "./dom.js";

const METHODS = ["get", "post", "put", "patch", "delete"];

const main = document.getElementById("main");
try {
  const api = await (await fetch("/openapi.json")).json();
  main.append(...sections(api));
} catch {
  main.append(h("p", { class: "error" }, "The OpenAPI document cannot be read."));
}

function sections(api) {
  const byTag = new Map();
  for (const [path, operations] of Object.entries(api.paths)) {
    for (const method of METHODS.filter((name) => name in operations)) {
      const operation = operations[method];
      const tag = operation.tags?.[0] ?? "others";
      if (!byTag.has(tag)) byTag.set(tag, []);
      byTag.get(tag).push(route(api, method, path, operation));
    }
  }
  return [...byTag].map(([tag, routes]) =>
    h("section", { class: "docs-tag", "aria-label": tag }, h("h2", {}, tag), routes),
  );
}

function route(api, method, path, operation) {
  const scopes = (operation.security ?? []).flatMap((needed) => Object.values(needed).flat());
  const body = operation.requestBody?.content ?? {};
  return h(
    "details",
    { id: `${method}-${path}` },
    h("summary", {}, h("b", {}, method.toUpperCase()), h("code", {}, path)),
    h(
      "div",
      { class: "inside" },
      h("p", { class: "said" }, operation.description ?? operation.summary),
      scopes.length ? h("p", {}, h("small", {}, `Scope of the key: ${scopes.join(", ")}`)) : null,
      table("Parameters", (operation.parameters ?? []).map((one) => [
        h("code", {}, one.name), one.in, kind(api, one.schema), one.description ?? "",
      ])),
      Object.entries(body).map(([type, { schema }]) => table(`Body, ${type}`, fields(api, schema))),
      table("Responses", Object.entries(operation.responses).map(([status, response]) => [
        status, Object.keys(response.content ?? {}).join(", "), response.description ?? "",
      ])),
    ),
  );
}

function table(caption, rows) {
  if (!rows.length) return null;
  const [first, ...rest] = [...rows];
  const row = (cells) =>
    h("tr", {}, h("th", { scope: "row" }, cells[0]), cells.slice(1).map((cell) => h("td", {}, cell)));
  return h("table", {}, h("caption", { class: "unseen" }, caption), h("tbody", {},
    h("tr", {}, h("th", { colspan: first.length, scope: "colgroup" }, caption)), [first, ...rest].map(row)));
}

/** Rows of a body's fields; of an object within, its own after it. */
function fields(api, schema, prefix = "") {
  const found = resolved(api, schema);
  const needed = new Set(found.required ?? []);
  return Object.entries(found.properties ?? {}).flatMap(([name, one]) => {
    const said = [needed.has(name) ? "needed" : "", one.description ?? ""].filter(Boolean).join("; ");
    const inner = resolved(api, one);
    const row = [h("code", {}, prefix + name), kind(api, one), said];
    return inner.properties ? [row, ...fields(api, inner, `${prefix}${name}.`)] : [row];
  });
}

function kind(api, schema = {}) {
  if (schema.anyOf) return schema.anyOf.map((one) => kind(api, one)).join(" or ");
  const found = resolved(api, schema);
  if (found.const !== undefined) return JSON.stringify(found.const);
  if (found.enum) return found.enum.map((one) => JSON.stringify(one)).join(", ");
  if (found.type === "array") return `list of ${kind(api, found.items)}`;
  return found.type ?? "anything";
}

function resolved(api, schema = {}) {
  if (!schema.$ref) return schema;
  return schema.$ref.slice(2).split("/").reduce((found, key) => found[key], api);
}
