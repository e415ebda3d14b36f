// Keys for the inbox: j and k go through the list, a and r go to the buttons of a task, ? shows the keys.
// Everything else is the browser's: Enter follows the link, or presses the button, that has the focus.

const list = document.querySelector('[data-inbox="list"]');
const help = document.querySelector('[data-inbox="help"]');
const opener = document.querySelector('[data-inbox="keys"]');

function isTyping(target) {
  return target.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]") !== null;
}

function links() {
  return [...document.querySelectorAll("#result_list .field-question a")];
}

function move(by) {
  const all = links();
  const row = document.activeElement?.closest("#result_list tr");
  const here = all.findIndex((link) => row?.contains(link));
  const next = here < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(here + by, 0), all.length - 1);
  all[next]?.focus();
}

function focusOn(key) {
  document.querySelector(`[data-key="${key}"]`)?.focus();
}

const ON_LIST = { j: () => move(1), k: () => move(-1) };
const ON_TASK = { a: () => focusOn("a"), r: () => focusOn("r") };

function press(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || help.open || isTyping(event.target)) return;
  const act = event.key === "?" ? () => help.showModal() : (list ? ON_LIST : ON_TASK)[event.key];
  if (!act) return;
  event.preventDefault();
  event.stopPropagation(); // the site has a list of its own for ?
  act();
}

// The page that asks before a rejection has no keys.
if (help) {
  document.addEventListener("keydown", press);
  opener.hidden = false;
  opener.addEventListener("click", () => help.showModal());
}
