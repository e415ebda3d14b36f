// Keeps the page of a run up to date: on an event it fetches the page's parts again and puts the new ones in place.
//   <div data-events="ADDRESS OF A STREAM" data-types="NAMES OF EVENTS"> with parts that have an id and data-live.
// Where the stream is refused, the page says that it is not live.

import { draw } from "./graph.js";

const PAUSE = 400; // between two fetches, in milliseconds: a quick run tells more than anybody reads
const host = document.querySelector("[data-events]");
const url = new URL(host.dataset.events, location.href);
let stream = null;
let isFetching = false;
let isStale = false;

function say(text, state) {
  const place = document.getElementById("run-liveness");
  if (place && place.textContent !== text) place.textContent = text;
  host.dataset.liveness = state;
}

function listen() {
  stream = new EventSource(url);
  stream.addEventListener("open", () => say("Live", "live"));
  stream.addEventListener("error", () => {
    if (stream.readyState === EventSource.CLOSED) say("Not live: reload to see what is new.", "off");
    else say("Connecting again…", "waiting");
  });
  for (const type of host.dataset.types.split(" ")) stream.addEventListener(type, heard);
}

function heard(event) {
  url.searchParams.set("after", event.lastEventId);
  refresh();
}

async function refresh() {
  isStale = true;
  if (isFetching) return;
  isFetching = true;
  try {
    while (isStale) {
      isStale = false;
      await swap();
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
  } catch {
    say("Not live: reload to see what is new.", "off");
  } finally {
    isFetching = false;
  }
}

async function swap() {
  const address = new URL(location.href);
  address.searchParams.set("live", "1");
  const answer = await fetch(address, { headers: { Accept: "text/html" } });
  if (!answer.ok || answer.redirected) throw new Error(answer.status);
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of fresh.querySelectorAll("[data-live]")) replace(document.getElementById(part.id), part);
  for (const graph of document.querySelectorAll(".kneo-graph[data-source]")) draw(graph);
  if (document.querySelector("#run-now[data-ended]")) {
    stream.close();
    say("This run has ended.", "ended");
  }
}

/** Put the new part in the place of the old one, unless they are the same; what had the focus or was open stays so. */
function replace(old, part) {
  const token = old?.querySelector("[name=csrfmiddlewaretoken]")?.value;
  if (token) part.querySelectorAll("[name=csrfmiddlewaretoken]").forEach((each) => each.setAttribute("value", token));
  if (!old || old.outerHTML === part.outerHTML) return;
  const focused = old.contains(document.activeElement) ? [...old.querySelectorAll("a, button, summary")].indexOf(document.activeElement) : -1;
  const scrolled = [...old.querySelectorAll(".kneo-scroll")].map((each) => (isAtEnd(each) ? each.scrollHeight * 2 : each.scrollTop));
  const added = document.importNode(part, true);
  old.replaceWith(added);
  added.querySelectorAll(".kneo-scroll").forEach((each, index) => { each.scrollTop = scrolled[index] ?? 0; });
  added.querySelectorAll("a, button, summary")[focused]?.focus({ preventScroll: true });
}

function isAtEnd(box) {
  return box.scrollTop + box.clientHeight >= box.scrollHeight - 4;
}

document.querySelector(".kneo-gantt")?.scrollTo(0, Number.MAX_SAFE_INTEGER); // to what goes on now

// A page that nobody looks at holds no connection: the server has few, and so has the browser.
document.addEventListener("visibilitychange", () => {
  if (host.dataset.liveness === "ended") return;
  if (document.hidden) stream.close();
  else if (stream.readyState === EventSource.CLOSED) listen();
});
listen();
