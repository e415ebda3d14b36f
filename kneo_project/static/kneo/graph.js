// Draws graphs: <div class="kneo-graph" data-source="ID"> with {{ graph|json_script:"ID" }}, which is
//   {nodes: [{id, label, kind, parent?, status?, count?, current?, href?}],
//    edges: [{source, target, label?, taken?, conditional?}]}
// A drawn one says so: data-state="drawn" and data-nodes. The same is told as a list, for keyboards and screen readers.

import Panzoom from "./vendor/panzoom/panzoom.es.js";
import { drawn, element, heads } from "./graph/drawing.js";
import { layOut } from "./graph/layout.js";

const GOOD_SCALE = 0.75; // what is smaller is hard to read
const LEAST_SCALE = 0.6; // and cannot be read
const HIGHEST = 0.7; // of the window
const LOWEST_PIXELS = 160;
const KEYS = { "+": "in", "-": "out", 0: "fit", ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] };

const CONTROLS = {
  in: ["Zoom in", "M8 3v10M3 8h10"],
  out: ["Zoom out", "M3 8h10"],
  fit: ["Fit", "M3 6V3h3M10 3h3v3M13 10v3h-3M6 13H3v-3"],
  full: ["Full screen", "M9.5 6.5 13 3M10 3h3v3M6.5 9.5 3 13M6 13H3v-3"],
};

/** Draw what the source of `host` says now. Where nothing but looks has changed, everything stays where it is. */
export async function draw(host) {
  const graph = JSON.parse(document.getElementById(host.dataset.source).textContent);
  const shape = JSON.stringify([graph.nodes.map((n) => [n.id, n.label, n.parent]), graph.edges.map((e) => [e.source, e.target, e.label])]);
  const board = (host.kneoBoard ??= makeBoard(host));
  if (board.shape !== shape) {
    board.layout = await layOut(graph, host.clientWidth, window.innerHeight * HIGHEST, GOOD_SCALE);
    board.shape = shape;
    board.isNew = true;
  }
  board.current = graph.nodes.find((node) => node.current)?.id;
  board.stage.replaceChildren(...drawn(graph, board.layout));
  board.list.replaceChildren(...listed(graph));
  if (board.isNew) frame(board);
  board.isNew = false;
  board.frame.setAttribute("aria-label", `Graph of ${graph.nodes.length} nodes, told as a list below. Plus and minus zoom, 0 fits, arrows move.`);
  Object.assign(host.dataset, { nodes: graph.nodes.length, state: "drawn" });
}

function makeBoard(host) {
  const stage = element("g");
  const svg = element("svg", { "aria-hidden": "true", class: "kneo-board" }, heads(), stage);
  const list = document.createElement("ul");
  const details = document.createElement("details");
  details.className = "kneo-graph-list";
  details.append(Object.assign(document.createElement("summary"), { textContent: "As a list" }), list);
  const frameOf = Object.assign(document.createElement("div"), { className: "kneo-graph-frame", tabIndex: 0 });
  frameOf.setAttribute("role", "group");
  frameOf.append(svg);
  host.replaceChildren(frameOf, details);
  const zoom = Panzoom(stage, { canvas: true, minScale: 0.1, maxScale: 3, touchAction: "pan-y", cursor: "grab", step: 0.25 });
  const board = { host, stage, svg, list, frame: frameOf, zoom };
  const bar = Object.assign(document.createElement("div"), { className: "kneo-graph-bar" });
  for (const [what, [title, sign]] of Object.entries(CONTROLS)) {
    const button = Object.assign(document.createElement("button"), { type: "button", title });
    button.setAttribute("aria-label", title);
    button.append(element("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" }, element("path", { d: sign })));
    button.addEventListener("click", () => act(board, what));
    bar.append(button);
  }
  frameOf.append(bar);
  listen(board);
  return board;
}

function listen(board) {
  let from = null;
  board.svg.addEventListener("wheel", (event) => (event.ctrlKey || event.metaKey) && board.zoom.zoomWithWheel(event), { passive: false });
  board.svg.addEventListener("pointerdown", (event) => { from = [event.clientX, event.clientY]; }, { capture: true });
  board.svg.addEventListener("click", (event) => { // a drag that ends on a node is no click on it
    if (from && Math.hypot(event.clientX - from[0], event.clientY - from[1]) > 4) event.preventDefault();
  }, { capture: true });
  board.frame.addEventListener("keydown", (event) => {
    const what = KEYS[event.key];
    if (what === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    if (Array.isArray(what)) board.zoom.pan(...what, { relative: true });
    else act(board, what);
  });
  document.addEventListener("fullscreenchange", () => board.layout && frame(board));
}

function act(board, what) {
  if (what === "in") board.zoom.zoomIn();
  if (what === "out") board.zoom.zoomOut();
  if (what === "fit") frame(board, 0.1, 0.1);
  if (what === "full") document.fullscreenElement ? document.exitFullscreen() : board.frame.requestFullscreen();
}

/** Show all of it, or as much as can be read, with the current node in view. */
function frame(board, least = LEAST_SCALE, good = GOOD_SCALE) {
  const { width, height } = board.layout;
  const isFull = document.fullscreenElement === board.frame;
  const room = board.frame.clientWidth;
  const highest = window.innerHeight * HIGHEST;
  const byWidth = Math.max(least, Math.min(1, room / width));
  const wanted = Math.max(LOWEST_PIXELS, Math.min(highest, height * byWidth));
  board.svg.style.height = isFull ? "100%" : `${wanted}px`;
  const high = isFull ? board.frame.clientHeight : wanted;
  const scale = Math.min(byWidth, Math.max(good, high / height));
  const node = board.layout.nodes.get(board.current);
  const middle = node ? [node.x + node.width / 2, node.y + node.height / 2] : [0, 0];
  board.zoom.zoom(scale, { force: true });
  board.zoom.pan(offset(middle[0], width, room / scale), offset(middle[1], height, high / scale), { force: true });
}

/** Return how far to move so that `middle` is in view: centred if all fits, and never beyond an end. */
function offset(middle, size, room) {
  return size <= room ? (room - size) / 2 : Math.min(0, Math.max(room - size, room / 2 - middle));
}

function listed(graph) {
  const names = new Map(graph.nodes.map((node) => [node.id, node.label]));
  return graph.nodes.filter((node) => node.kind !== "start").map((node) => {
    const item = document.createElement("li");
    const name = document.createElement(node.href ? "a" : "span");
    if (node.href) name.href = node.href;
    name.textContent = node.label;
    const onward = graph.edges.filter((edge) => edge.source === node.id)
      .map((edge) => `${names.get(edge.target)}${edge.label ? ` (${edge.label})` : ""}${edge.taken ? " ✓" : ""}`);
    const facts = [node.kind, node.status, node.count > 1 && `${node.count} times`, node.current && "here now"];
    item.append(name, `: ${facts.filter(Boolean).join(", ")}${onward.length ? `; leads to ${onward.join(", ")}` : ""}`);
    return item;
  });
}

// One that is hidden yet, in a section that is not open, is drawn when there is room for it.
const seen = new ResizeObserver((entries) => {
  for (const { target, contentRect } of entries) {
    if (contentRect.width === 0) continue;
    seen.unobserve(target);
    draw(target);
  }
});
for (const host of document.querySelectorAll(".kneo-graph[data-source]")) seen.observe(host);
