// Icons are words in a font of symbols: without this, a screen reader would say "play_circle Runs". An icon that stands
// alone is the name of its button.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  for (const icon of document.querySelectorAll(".material-symbols-outlined")) {
    const place = icon.closest("a, button") ?? icon.parentElement;
    if (place.textContent.trim() !== icon.textContent.trim()) icon.setAttribute("aria-hidden", "true");
  }
});
