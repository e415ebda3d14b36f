// Where nodes and edges go: the Eclipse Layout Kernel decides, in a worker of its own.

import "../vendor/elkjs/elk-api.js";

const FONT = 13;
const WIDEST = 220;
const NARROWEST = 96;
const NODE_HEIGHT = 46;
const START_SIZE = 16;
const OPTIONS = {
  "elk.algorithm": "layered",
  "elk.direction": "RIGHT",
  "elk.hierarchyHandling": "INCLUDE_CHILDREN",
  "elk.json.shapeCoords": "ROOT",
  "elk.json.edgeCoords": "ROOT",
  "elk.edgeRouting": "ORTHOGONAL",
  "elk.padding": "[top=16,left=16,bottom=16,right=16]",
  "elk.spacing.nodeNode": "24",
  "elk.spacing.componentComponent": "24",
  "elk.layered.spacing.nodeNodeBetweenLayers": "44",
  "elk.layered.spacing.edgeNodeBetweenLayers": "18",
  "elk.layered.nodePlacement.strategy": "NETWORK_SIMPLEX",
  "elk.layered.considerModelOrder.strategy": "NODES_AND_EDGES",
  "elk.layered.cycleBreaking.strategy": "MODEL_ORDER",
};
// Long chains go on in a further row, like text.
const IN_ROWS = { "elk.layered.wrapping.strategy": "MULTI_EDGE", "elk.layered.wrapping.additionalEdgeSpacing": "28" };
const DOWN = { "elk.direction": "DOWN", "elk.layered.spacing.nodeNodeBetweenLayers": "32" };
const NARROW_ROOM = 640;
const MOST_TRIES = 3;
const LEAST_RATIO = 0.3;
const IN_GROUP = { "elk.padding": "[top=40,left=16,bottom=16,right=16]" };

let elk = null;
const ruler = document.createElement("canvas").getContext("2d");

/** Return the width of a text in pixels, as the graph writes it. */
export function textWidth(text, size = FONT) {
  ruler.font = `600 ${size}px system-ui, sans-serif`;
  return ruler.measureText(text).width;
}

/**
 * Return the graph's nodes with x, y, width and height, its edges with their points, and its own width and height.
 *
 * It goes from left to right where there is room (in pixels) for that at the least scale, else down or in rows.
 */
export async function layOut(graph, room, height, leastScale) {
  if (room < NARROW_ROOM) return place(graph, DOWN);
  let placed = await place(graph, {});
  let ratio = room / height;
  // How long the rows become is not known before: the ratio is a wish.
  for (let tries = 0; tries < MOST_TRIES && placed.width * leastScale > room; tries += 1) {
    placed = await place(graph, { ...IN_ROWS, "elk.aspectRatio": String(Math.max(LEAST_RATIO, ratio)) });
    ratio *= (0.95 * room) / (placed.width * leastScale);
  }
  return placed;
}

async function place(graph, options) {
  elk ??= new window.ELK({ workerUrl: new URL("../vendor/elkjs/elk-worker.min.js", import.meta.url).href });
  const root = { id: "root", layoutOptions: { ...OPTIONS, ...options }, children: [] };
  const boxes = new Map(graph.nodes.map((node) => [node.id, box(node)]));
  for (const node of graph.nodes) {
    const parent = boxes.get(node.parent);
    if (parent) parent.layoutOptions = IN_GROUP;
    ((parent ?? root).children ??= []).push(boxes.get(node.id));
  }
  root.edges = graph.edges
    .map((edge, index) => ({ ...ends(edge), id: `edge ${index}`, labels: label(edge) }))
    .filter((edge) => boxes.has(edge.sources[0]) && boxes.has(edge.targets[0]));
  const placed = await elk.layout(root);
  return {
    width: placed.width,
    height: placed.height,
    nodes: new Map([...nodesIn(placed)].map((node) => [node.id, node])),
    edges: new Map(placed.edges.map((edge) => [Number(edge.id.slice(5)), edge])),
  };
}

function box(node) {
  if (node.kind === "start") return { id: node.id, width: START_SIZE, height: START_SIZE };
  const widest = Math.max(textWidth(node.label) + 44, textWidth(node.kind ?? "", 11) + 90);
  return { id: node.id, width: Math.min(WIDEST, Math.max(NARROWEST, widest)), height: NODE_HEIGHT };
}

function ends(edge) {
  return { sources: [edge.source], targets: [edge.target] };
}

function label(edge) {
  return edge.label ? [{ text: edge.label, width: Math.min(140, textWidth(edge.label, 11) + 8), height: 16 }] : [];
}

function* nodesIn(parent) {
  for (const child of parent.children ?? []) {
    yield child;
    yield* nodesIn(child);
  }
}
