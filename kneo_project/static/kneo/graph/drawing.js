// A laid out graph as SVG. Colours are the style sheet's: an element says only what it is.

import { textWidth } from "./layout.js";

const SVG = "http://www.w3.org/2000/svg";
const CORNER = 6;

/** Return an SVG element with attributes and children. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== null) made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

/** Return the drawn edges and nodes of a graph that was laid out; groups lie below what is in them. */
export function drawn(graph, layout) {
  const groups = new Set(graph.nodes.map((node) => node.parent).filter(Boolean));
  const paint = (node) => drawNode(node, layout.nodes.get(node.id), groups.has(node.id));
  return [
    ...graph.nodes.filter((node) => groups.has(node.id)).map(paint),
    ...graph.edges.flatMap((edge, index) => drawEdge(edge, layout.edges.get(index))),
    ...graph.nodes.filter((node) => !groups.has(node.id)).map(paint),
  ];
}

/** Return an arrow's head, once with each look of edges. */
export function heads() {
  return element("defs", {}, ...["plain", "taken"].map((look) =>
    element("marker", {
      id: `kneo-head-${look}`, class: `kneo-head kneo-head-${look}`, viewBox: "0 0 8 8", refX: 7, refY: 4,
      markerWidth: 7, markerHeight: 7, orient: "auto-start-reverse", markerUnits: "userSpaceOnUse",
    }, element("path", { d: "M0 0 8 4 0 8z" }))));
}

function drawNode(node, place, isGroup) {
  const { x, y, width, height } = place;
  const link = node.href ? element("a", { href: node.href, tabindex: -1 }) : element("g");
  link.dataset.node = node.id;
  const looks = ["kneo-node", `kneo-kind-${node.kind ?? "step"}`, node.status && `kneo-is-${node.status}`];
  if (isGroup) looks.push("kneo-group");
  if (node.current) looks.push("kneo-current");
  link.setAttribute("class", looks.filter(Boolean).join(" "));
  link.setAttribute("transform", `translate(${x} ${y})`);
  link.append(element("title", {}, [node.label, node.kind, node.status, node.count > 1 && `${node.count} times`]
    .filter(Boolean).join(" · ")));
  if (node.kind === "start") {
    link.append(element("circle", { cx: width / 2, cy: height / 2, r: width / 2 - 2 }));
    return link;
  }
  link.append(element("rect", { class: "kneo-box", width, height, rx: CORNER }));
  if (!isGroup) link.append(element("rect", { class: "kneo-stripe", width: 5, height: height - 12, x: 6, y: 6, rx: 2.5 }));
  const left = isGroup ? 12 : 20;
  link.append(element("text", { class: "kneo-name", x: left, y: 20 }, cut(node.label, width - left - 12)));
  const under = [node.kind, node.status].filter(Boolean).join(" · ");
  if (!isGroup) link.append(element("text", { class: "kneo-under", x: left, y: 36 }, cut(under, width - left - 8, 11)));
  if (node.count > 1) link.append(...badge(`×${node.count}`, width));
  return link;
}

function badge(text, right) {
  const width = textWidth(text, 11) + 12;
  return [
    element("rect", { class: "kneo-count", x: right - width + 6, y: -9, width, height: 18, rx: 9 }),
    element("text", { class: "kneo-count-text", x: right - width / 2 + 6, y: 4, "text-anchor": "middle" }, text),
  ];
}

function drawEdge(edge, placed) {
  if (!placed?.sections) return [];
  const look = edge.taken ? "taken" : "plain";
  const looks = `kneo-edge kneo-edge-${look}${edge.conditional ? " kneo-conditional" : ""}`;
  const lines = placed.sections.map((part) => element("path", {
    class: looks, d: rounded([part.startPoint, ...(part.bendPoints ?? []), part.endPoint]),
    "marker-end": `url(#kneo-head-${look})`,
  }));
  const labels = (placed.labels ?? []).map((label) => element("text", {
    class: "kneo-edge-label", x: label.x + label.width / 2, y: label.y + 12, "text-anchor": "middle",
  }, cut(label.text, label.width, 11), element("title", {}, label.text)));
  return [...lines, ...labels];
}

/** Return a path through the points, round at its corners. */
function rounded(points) {
  const at = (point) => `${point.x} ${point.y}`;
  const corners = points.slice(1, -1).map((corner, index) => {
    const [before, after] = [towards(corner, points[index]), towards(corner, points[index + 2])];
    return `L${at(before)} Q${at(corner)} ${at(after)}`;
  });
  return [`M${at(points[0])}`, ...corners, `L${at(points.at(-1))}`].join(" ");
}

function towards(from, to) {
  const length = Math.hypot(to.x - from.x, to.y - from.y) || 1;
  const part = Math.min(CORNER, length / 2) / length;
  return { x: from.x + (to.x - from.x) * part, y: from.y + (to.y - from.y) * part };
}

function cut(text, width, size) {
  let shown = text;
  while (shown.length > 1 && textWidth(shown === text ? text : `${shown}…`, size) > width) shown = shown.slice(0, -1);
  return shown === text ? text : `${shown.trimEnd()}…`;
}
