// Runs before the first paint, so that the page never flashes in the other theme.
"use strict";
{
  let kept = null;
  try {
    kept = localStorage.getItem("ragloop.theme");
  } catch {
    // Storage may be forbidden: then the system's theme holds.
  }
  if (kept === "light" || kept === "dark") document.documentElement.dataset.theme = kept;
}
