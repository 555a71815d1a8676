/**
 * One HTML page that explains a program: its source, the forward and the gradient graph with a formula for each node,
 * and the WGSL of each kernel. Self-contained: no script, style or font is fetched.
 *
 *     const html = await page({ title, source, version, entries: [{ name: "step", graph, kernels, became, texts, peakBytes }] });
 */
import type { Kernel } from "../ir/kernel.ts";
import type { Graph, Node } from "../ir/node.ts";
import type { Source } from "../support/span.ts";
import { Writer } from "../support/text.ts";
import { describeNodes, inTextOrder, type NodeView, type SourceLine } from "./describe-nodes.ts";
import { layOut } from "./layout.ts";
import { script, style } from "./page-assets.ts";

export interface EntryReport {
  readonly name: string;
  readonly graph: Graph;
  readonly kernels: readonly Kernel[];
  /** The node of a kernel that each node of the graph became. */
  readonly became: ReadonlyMap<Node, Node>;
  /** WGSL of each kernel. */
  readonly texts: readonly string[];
  readonly peakBytes: number;
}

export interface PageInput {
  readonly title: string;
  readonly source: Source;
  /** Files that it uses. */
  readonly uses?: readonly Source[];
  readonly version: string;
  readonly entries: readonly EntryReport[];
}

/** Text as HTML. */
export function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;").replaceAll("'", "&#39;");
}

/** A line in ids and attributes: `12`, and `2.12` in the second used file. */
function keyOf({ file, line }: SourceLine): string {
  return file === 0 ? String(line) : `${file}.${line}`;
}

const boxWidth = 300;
const boxHeight = 60;
const gapX = 70;
const gapY = 12;

/** The page as HTML text. */
export async function page(input: PageInput): Promise<string> {
  const { default: temml } = await import("temml");
  const math = (latex: string): string => temml.renderToString(latex, { throwOnError: false, trust: false });
  const w = new Writer("");
  w.line("<!doctype html>").line('<html lang="en"><head><meta charset="utf-8">');
  w.line('<meta name="viewport" content="width=device-width, initial-scale=1">');
  w.line(`<title>${escapeHtml(input.title)} · nabla</title>`).line(`<style>${style}</style></head><body>`);
  w.line(`<header><h1>${escapeHtml(input.title)}</h1><nav>${input.entries.map((e) => `<a href="#${e.name}">${e.name}</a>`).join(" ")}</nav></header>`);
  const sources = [input.source, ...(input.uses ?? [])];
  w.line('<main><section class="source">');
  for (const [file, source] of sources.entries()) {
    w.line(`<h2>${file === 0 ? "Source" : escapeHtml(source.path)}</h2><ol>`);
    for (const [k, line] of source.text.replace(/\r?\n$/, "").split(/\r?\n/).entries()) {
      const key = keyOf({ file, line: k + 1 });
      w.line(`<li id="L${key}" data-line="${key}"><code>${escapeHtml(line) || " "}</code></li>`);
    }
    w.line("</ol>");
  }
  w.line("</section><div class=\"entries\">");
  for (const entry of input.entries) writeEntry(w, entry, sources, math);
  w.line(`</div></main><footer>nabla ${escapeHtml(input.version)}. Point at a node to see its source lines, at a line to see its nodes.</footer>`);
  w.line(`<script>${script}</script></body></html>`);
  return w.text();
}

function writeEntry(w: Writer, entry: EntryReport, sources: readonly Source[], math: (latex: string) => string): void {
  const views = describeNodes(entry.graph, entry.kernels, sources, entry.became);
  w.line(`<section class="entry" id="${entry.name}"><h2>${entry.name}</h2>`);
  const count = (side: string): number => views.filter((v) => v.side === side).length;
  w.line(`<p>${count("forward")} forward nodes, ${count("gradient")} of gradients, ${count("update")} of updates; ${entry.kernels.length} kernels, ${entry.peakBytes} bytes of temporaries.</p>`);
  writeGraph(w, entry.name, views, math);
  w.line("<h3>Kernels</h3>");
  entry.kernels.forEach((kernel, k) => {
    const lines = new Map(views.filter((v) => v.kernel === kernel.name).flatMap((v) => v.lines).map((l) => [keyOf(l), l] as const));
    const where = ({ file, line }: SourceLine): string => (file === 0 ? String(line) : `${escapeHtml(sources[file]?.path ?? "")}:${line}`);
    const from = [...lines.values()].sort(inTextOrder).map((l) => `<a href="#L${keyOf(l)}">${where(l)}</a>`).join(", ");
    w.line(`<details id="${entry.name}-k${k}"><summary><code>${escapeHtml(kernel.name)}</code> <span>${escapeHtml(kernel.family)}${from === "" ? "" : `, from line ${from}`}</span></summary>`);
    w.line(`<pre><code>${escapeHtml(entry.texts[k] ?? "")}</code></pre></details>`);
  });
  w.line("</section>");
}

/** Boxes are HTML over one SVG of edges; a box knows its lines, so the script needs no data of its own. */
function writeGraph(w: Writer, entry: string, views: readonly NodeView[], math: (latex: string) => string): void {
  const cells = layOut(views);
  const x = (column: number): number => column * (boxWidth + gapX);
  const y = (row: number): number => 28 + row * (boxHeight + gapY);
  const rows = Math.max(0, ...cells.map((c) => c.row)) + 1;
  const columns = Math.max(0, ...cells.map((c) => c.column)) + 1;
  const [width, height] = [x(columns) - gapX + 4, y(rows)];
  w.line(`<div class="graph" style="width:${width}px;height:${height}px">`);
  ["forward", "gradient", "update"].slice(0, columns).forEach((title, column) => {
    w.line(`<b style="left:${x(column)}px">${title}</b>`);
  });
  w.line(`<svg width="${width}" height="${height}" aria-hidden="true">`);
  for (const v of views)
    for (const u of v.uses) {
      const [from, to] = [cells[u], cells[v.id]];
      if (from && to) w.line(`<path data-from="${u}" data-to="${v.id}" d="${edge(x(from.column), y(from.row), x(to.column), y(to.row))}"/>`);
    }
  w.line("</svg>");
  for (const v of views) {
    const cell = cells[v.id];
    if (!cell) continue;
    const roles = v.roles.map((r) => `<i>${escapeHtml(r)}</i>`).join("");
    const title = [v.reason, v.kernel === undefined ? undefined : `kernel ${v.kernel}`].filter((t) => t !== undefined).join("; ");
    w.line(`<div class="node ${v.side} ${v.node.op}" tabindex="0" id="${entry}-n${v.id}" data-id="${v.id}" data-lines="${v.lines.map(keyOf).join(" ")}" title="${escapeHtml(title)}" style="left:${x(cell.column)}px;top:${y(cell.row)}px">`);
    w.line(`<span class="formula">${math(v.latex)}</span><span class="type">${escapeHtml(v.type)}${roles}</span></div>`);
  }
  w.line("</div>");
}

/** From the bottom of a box to the top of one below it, else from side to side. */
function edge(fromX: number, fromY: number, toX: number, toY: number): string {
  if (fromX === toX && toY > fromY) {
    const [x, bend] = [fromX + 18, Math.min(60, (toY - fromY - boxHeight) / 2)];
    const out = toY - fromY > 2 * (boxHeight + gapY) ? 34 : 0;
    return `M${x} ${fromY + boxHeight} C${x - out} ${fromY + boxHeight + bend} ${x - out} ${toY - bend} ${x} ${toY}`;
  }
  const right = toX > fromX;
  const [x1, x2] = [right ? fromX + boxWidth : fromX, right ? toX : toX + boxWidth];
  const [y1, y2] = [fromY + boxHeight / 2, toY + boxHeight / 2];
  const middle = (x1 + x2) / 2;
  return `M${x1} ${y1} C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}`;
}
