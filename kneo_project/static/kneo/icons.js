// Icons are words in a font of symbols: without this, a screen reader would say "play_circle Runs".
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  for (const icon of document.querySelectorAll(".material-symbols-outlined")) icon.setAttribute("aria-hidden", "true");
});
