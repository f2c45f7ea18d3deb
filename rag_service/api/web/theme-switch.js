// Light, dark, or as the system is; theme.js applies the kept choice before the first paint.

import { h, icon } from "./dom.js";

const KEY = "ragloop.theme";
const ORDER = ["system", "light", "dark"];

/** A button that goes round the three. */
export function themeSwitch() {
  const button = h("button", { class: "quiet icon-only", id: "theme", onclick: turn });
  let theme = document.documentElement.dataset.theme ?? "system";

  function turn() {
    theme = ORDER[(ORDER.indexOf(theme) + 1) % ORDER.length];
    if (theme === "system") {
      delete document.documentElement.dataset.theme;
      localStorage.removeItem(KEY);
    } else {
      document.documentElement.dataset.theme = theme;
      localStorage.setItem(KEY, theme);
    }
    show();
  }

  function show() {
    button.replaceChildren(icon(theme));
    const label = `Theme: ${theme}. Change it`;
    button.setAttribute("aria-label", label);
    button.title = label;
  }

  show();
  return button;
}
