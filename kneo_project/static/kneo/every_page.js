// What unfold's pages lack for those who use no mouse, or no screen.
"use strict";

const NATIVE = "a[href], button, input, select, textarea, summary";
const NAMES = { dock_to_right: "Show or hide the sidebar", close: "Close" };

// Icons are words in a font of symbols: without this, a screen reader would say "play_circle Runs". An icon that stands
// alone is the name of its button, unless it has a better one.
function nameIcon(icon) {
  const word = icon.textContent.trim();
  const place = icon.closest("a, button") ?? icon.parentElement;
  if (icon.matches("[x-on\\:click]") && NAMES[word]) icon.setAttribute("aria-label", NAMES[word]);
  else if (place.textContent.trim() !== word) icon.setAttribute("aria-hidden", "true");
}

// What can be clicked can be reached with Tab and pressed with Enter or Space.
function makePressable(place) {
  place.tabIndex = 0;
  place.setAttribute("role", "button");
  place.addEventListener("keydown", (event) => {
    if (event.target !== place || !["Enter", " "].includes(event.key)) return;
    event.preventDefault();
    place.click();
  });
}

// The search of pages (Ctrl+K) fades in, and is given the focus when it is there: what is typed at once would be lost, or
// be taken for other keys of the page. This runs after what opens it, for the same press.
function focusOnSearch(event) {
  const search = document.querySelector('[x-data="searchCommand()"]');
  if (event.key !== "k" || !(event.ctrlKey || event.metaKey) || !search || !Alpine.$data(search).openCommandResults) return;
  search.style.removeProperty("display");
  search.querySelector("input").focus();
}

document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll(".material-symbols-outlined").forEach(nameIcon);
  document.querySelectorAll(`[x-on\\:click]:not(${NATIVE})`).forEach(makePressable);
  window.addEventListener("keydown", focusOnSearch);
});
