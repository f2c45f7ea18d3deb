// Elements from data. Text is always a text node: what a filing says is never read as HTML.

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element: `h("button", {class: "main", onclick: go, "aria-label": "Ask"}, "Ask")`.
 *
 * `on…` are listeners, `style` an object of CSS properties, `dataset` an object, `true` an empty
 * attribute; null, undefined and false leave an attribute or a child out. Children may be nested
 * arrays.
 */
export function h(tag, attrs = {}, ...children) {
  return fill(document.createElement(tag), attrs, children);
}

/** The same in SVG. */
export function svg(tag, attrs = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attrs, children);
}

function fill(node, attrs, children) {
  for (const [name, value] of Object.entries(attrs ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "dataset") Object.assign(node.dataset, value);
    else if (name === "style") {
      // One by one through the CSSOM: a style attribute is refused by the content security policy.
      for (const [property, said] of Object.entries(value)) node.style.setProperty(property, said);
    } else if (name === "value" || name === "checked" || name === "disabled") node[name] = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child != null && child !== false));
  return node;
}

const ICONS = {
  ask: "M2.5 3.5h11v7.5h-6l-3 2.5v-2.5h-2z",
  search: "M7 2.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9M10.3 10.3l3.4 3.4",
  compare: "M2.5 3h4.2v10H2.5zM9.3 3h4.2v10H9.3z",
  documents: "M4 1.8h5.5L12.5 5v9.2H4zM9.3 2v3.2h3M6.2 8.2h4M6.2 10.8h4",
  releases: "M8 1.8 13.5 5 8 8.2 2.5 5zM2.5 8 8 11.2 13.5 8M2.5 11 8 14.2 13.5 11",
  improve: "M2 13.5h12M3 11l3.2-3.6 2.6 2L13 4M10 3.6h3.2v3.2",
  light: "M8 5.2a2.8 2.8 0 1 1 0 5.6 2.8 2.8 0 0 1 0-5.6M8 1.2v1.6M8 13.2v1.6M1.2 8h1.6M13.2 8h1.6M3.2 3.2l1.1 1.1M11.7 11.7l1.1 1.1M12.8 3.2l-1.1 1.1M4.3 11.7l-1.1 1.1",
  dark: "M13.4 9.6A5.8 5.8 0 0 1 6.4 2.6a5.8 5.8 0 1 0 7 7z",
  system: "M2 3h12v8H2zM6 13.8h4M8 11v2.8",
  close: "M3.5 3.5l9 9M12.5 3.5l-9 9",
  left: "M10 3 5 8l5 5",
  right: "M6 3l5 5-5 5",
  up: "M8 13V3.5M4 7.2 8 3.2l4 4",
  down: "M8 3v9.5M4 8.8l4 4 4-4",
  plus: "M8 3v10M3 8h10",
  minus: "M3 8h10",
  open: "M9.5 2.5h4v4M13.2 2.8 7.5 8.5M11.5 9.5v4h-9v-9h4",
  link: "M6.3 9.7l3.4-3.4M7.2 4.9l1.6-1.6a2.7 2.7 0 0 1 3.9 3.9l-1.6 1.6M8.8 11.1l-1.6 1.6a2.7 2.7 0 0 1-3.9-3.9l1.6-1.6",
  copy: "M5.5 5.5h8v8h-8zM3.8 10.5H2.5v-8h8v1.3",
  good: "M5 14V7.2l3-5.4c1.3 0 1.8.9 1.6 2L9.2 6h3.6c.8 0 1.3.7 1.1 1.5l-1.2 5.2c-.2.8-.8 1.3-1.6 1.3zM2 7.2h3V14H2z",
  bad: "M5 2v6.8l3 5.4c1.3 0 1.8-.9 1.6-2L9.2 10h3.6c.8 0 1.3-.7 1.1-1.5l-1.2-5.2C12.5 2.5 11.9 2 11.1 2zM2 2h3v6.8H2z",
  check: "M3 8.5 6.5 12 13 4.5",
  key: "M10.5 2.5a3 3 0 1 1-2.6 4.5L2.5 12.3v1.2H5v-1.7h1.6v-1.6h1.2l.8-.9M11 5.2h.1",
  retry: "M13 8a5 5 0 1 1-1.6-3.7M13.3 2v3h-3",
  trash: "M3 4.5h10M6.2 4.3V2.5h3.6v1.8M4.3 4.7l.6 9h6.2l.6-9",
  upload: "M8 10.5V2.8M4.6 6 8 2.6 11.4 6M2.8 10.2v3h10.4v-3",
};

/** A drawing of 16 by 16 for a label beside it: hidden from screen readers. */
export function icon(name, size = 16) {
  return svg(
    "svg",
    { class: "icon", viewBox: "0 0 16 16", width: size, height: size, "aria-hidden": "true" },
    svg("path", { d: ICONS[name] }),
  );
}

/** The focus goes to a field where that opens no keyboard over the screen. */
export function invite(field) {
  if (matchMedia("(hover: hover)").matches) field.focus({ preventScroll: true });
}

/** Says `text` to a screen reader without showing it. */
export function announce(text) {
  document.getElementById("announcer").textContent = text;
}
