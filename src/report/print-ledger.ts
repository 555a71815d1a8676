/**
 * What rewriting did, for people: which rule turned what into what, and at which line. In: the ledger of a pass over a graph.
 * Out: lines in the order in which rules fired, equal ones told once.
 *
 *     normalise: 2 rewrites by 1 rule
 *       3:10  pow-square   x^2 = x x        (x @ W - y)^2  →  (x @ W - y)²
 */
import { placesOf, type TextContext } from "../graph/places-of.ts";
import type { Graph, Node } from "../ir/node.ts";
import type { Ledger } from "../simplify/rewrite.ts";
import type { Rule } from "../simplify/rule.ts";
import { positionOf, type Source } from "../support/span.ts";
import { Writer } from "../support/text.ts";
import { formOf } from "./node-text.ts";
import { closedPiece, piece, written, type Written } from "./written.ts";

/** How far down a formula of the ledger is written out; below stands an ellipsis. */
const deepest = 4;
const longest = 60;

/** The ledger of one pass. `rules` give the equations; lines are those of `source`, of the library the call's. */
export function printLedger(pass: string, graph: Graph, ledger: Ledger, rules: readonly Rule[], source: Source, text: TextContext): string {
  const w = new Writer();
  const docs = new Map(rules.map((r) => [r.name, r.doc]));
  const counted = new Map<string, { readonly rule: string; readonly place: string; readonly change: string; times: number }>();
  for (const [node, { rule, by }] of ledger.replaced) {
    const place = placeOf(graph, node, source, text);
    const [before, after] = [short(node), short(by)];
    const change = before === after ? `${after}  (written alike)` : `${before}  →  ${after}`;
    const key = `${rule} ${place} ${change}`;
    const known = counted.get(key) ?? { rule, place, change, times: 0 };
    known.times++;
    counted.set(key, known);
  }
  const fired = new Set([...counted.values()].map((c) => c.rule));
  const total = [...ledger.hits.values()].reduce((sum, n) => sum + n, 0);
  w.line(`${pass}: ${total} rewrites by ${fired.size} rules`);
  w.indent(() => {
    for (const { rule, place, change, times } of counted.values()) w.line(`${place.padEnd(7)} ${rule.padEnd(24)} ${change}${times > 1 ? `  (${times} times)` : ""}`);
  });
  w.line("where");
  w.indent(() => {
    for (const rule of [...fired].sort()) w.line(`${rule.padEnd(24)} ${docs.get(rule) ?? ""}`);
  });
  return w.text();
}

/** Line and column in the file, where the node stems from it. */
function placeOf(graph: Graph, node: Node, source: Source, text: TextContext): string {
  const span = placesOf(graph, node, text).find((p) => p.span.source.path === source.path)?.span;
  if (!span) return "";
  const { line, column } = positionOf(source, span.start);
  return `${line}:${column}`;
}

/** A node's formula, cut where it is deep or long. */
function short(node: Node): string {
  const write = (n: Node, depth: number): Written => {
    if (n.op === "leaf") return written(closedPiece(n.attrs.path.split(".").slice(-1)[0] ?? "x"));
    if (depth === 0 && n.inputs.length > 0) return written(closedPiece("…"));
    const form = formOf(n);
    return form.write(form.parts.map((p) => write(p, depth - 1)));
  };
  const { text } = piece(write(node, deepest));
  return text.length > longest ? `${text.slice(0, longest - 1)}…` : text;
}
