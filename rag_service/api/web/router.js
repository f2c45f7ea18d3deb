// The state of the page stands behind the `#` of its address: `#/search?q=revenue&year=2023`.

/** The view and the parameters that the address names. */
export function current() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?", 2);
  return { name: path || "ask", params: new URLSearchParams(query) };
}

/** The address of a view; empty parameters are left out. */
export function address(name, params = {}) {
  const kept = Object.entries(params).filter(([, value]) => value || value === 0);
  const query = new URLSearchParams(kept).toString();
  return `#/${name}${query ? `?${query}` : ""}`;
}

/**
 * Keep a view's state in the address without showing the view anew; `more` with this entry of the
 * browser's history alone, which a reload leaves and a copied address does not have.
 */
export function remember(params, more = null) {
  history.replaceState(more, "", address(current().name, params));
}

/** What `remember` kept as `more`. */
export function remembered() {
  return history.state ?? {};
}
