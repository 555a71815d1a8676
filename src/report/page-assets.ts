/** The style and the script of report pages, inlined so that a page needs nothing from anywhere. */

/** Light and dark. */
export const style = `
:root { color-scheme: light dark; --ink: #1c2330; --soft: #5b6472; --paper: #fff; --line: #d5dae2; --forward: #eef4ff; --gradient: #fff1e8; --update: #eefaf0; --hot: #d9480f; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ef; --soft: #9aa4b2; --paper: #14181f; --line: #333b47; --forward: #1b2740; --gradient: #3a2518; --update: #17301f; --hot: #ff922b; } }
* { box-sizing: border-box; }
body { margin: 0; font: 15px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
header, footer { padding: 12px 24px; border-bottom: 1px solid var(--line); display: flex; gap: 24px; align-items: baseline; }
footer { border: 0; color: var(--soft); }
h1 { font-size: 20px; margin: 0; } h2 { font-size: 17px; margin: 16px 0 8px; } h3 { font-size: 15px; }
a { color: inherit; }
main { display: grid; grid-template-columns: minmax(320px, 30%) 1fr; }
.source { position: sticky; top: 0; align-self: start; max-height: 100vh; overflow: auto; padding: 0 12px 24px 24px; border-right: 1px solid var(--line); }
.source ol { margin: 0; padding-left: 2.2em; font-size: 13px; color: var(--soft); }
.source code { white-space: pre-wrap; color: var(--ink); }
.source li.hot { background: color-mix(in srgb, var(--hot) 22%, transparent); }
.entries { padding: 0 24px; min-width: 0; }
.entry { overflow-x: auto; padding-bottom: 24px; border-bottom: 1px solid var(--line); }
.graph { position: relative; }
.graph > b { position: absolute; top: 0; color: var(--soft); font-weight: 600; }
.graph svg { position: absolute; inset: 0; overflow: visible; }
.graph path { fill: none; stroke: var(--soft); stroke-width: 1; opacity: .35; }
.graph path.hot { stroke: var(--hot); stroke-width: 1.8; opacity: 1; }
.node { position: absolute; width: ${300}px; height: ${60}px; padding: 3px 8px; border: 1px solid var(--line); border-radius: 6px; overflow: hidden; cursor: default; }
.node.forward { background: var(--forward); } .node.gradient { background: var(--gradient); } .node.update { background: var(--update); }
.node.leaf { border-style: dashed; }
.node:hover, .node:focus, .node.hot { border-color: var(--hot); outline: none; overflow: visible; z-index: 2; width: auto; min-width: ${300}px; }
.formula { display: flex; align-items: center; height: 36px; white-space: nowrap; }
.type { display: block; font-size: 11px; color: var(--soft); white-space: nowrap; }
.type i { margin-left: 8px; color: var(--hot); }
details { margin: 6px 0; } summary span { color: var(--soft); }
pre { overflow-x: auto; border: 1px solid var(--line); border-radius: 6px; padding: 10px; font-size: 12px; }
@media (max-width: 900px) { main { grid-template-columns: 1fr; } .source { position: static; max-height: none; border: 0; } }
`;

/** Marks source lines and edges of the node under the pointer, and nodes of the line under it. */
export const script = `
const hot = (element, on) => element.classList.toggle("hot", on);
for (const node of document.querySelectorAll(".node")) {
  const lines = node.dataset.lines.split(" ").filter(Boolean).map((l) => document.getElementById("L" + l));
  const edges = node.parentElement.querySelectorAll('path[data-from="' + node.dataset.id + '"], path[data-to="' + node.dataset.id + '"]');
  const mark = (on) => { lines.forEach((l) => l && hot(l, on)); edges.forEach((e) => hot(e, on)); };
  for (const [event, on] of [["mouseenter", true], ["focus", true], ["mouseleave", false], ["blur", false]]) node.addEventListener(event, () => mark(on));
}
for (const line of document.querySelectorAll(".source li")) {
  const nodes = [...document.querySelectorAll(".node")].filter((n) => n.dataset.lines.split(" ").includes(line.dataset.line));
  line.addEventListener("mouseenter", () => nodes.forEach((n) => hot(n, true)));
  line.addEventListener("mouseleave", () => nodes.forEach((n) => hot(n, false)));
}
`;
