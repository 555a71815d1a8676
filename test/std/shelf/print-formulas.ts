/**
 * A graph as formulas, to be read and reviewed: what is used once stands in the formula of its user, what is used more often has a
 * name. In: a graph. Out: lines, one per name and output.
 *
 *     a = p - y                            names in the order of evaluation
 *     d p = where(a > 0, dy, 0)[i1]        a view shows which element of its operand each place reads
 */
import { printAttributes } from "../../../src/graph/attributes.ts";
import { topological } from "../../../src/graph/topological.ts";
import { rootsOf } from "../../../src/graph/walk.ts";
import * as dims from "../../../src/ir/dims.ts";
import type { Graph, Node } from "../../../src/ir/node.ts";

/** A formula and how tightly its outermost operator binds. */
interface Text {
  readonly text: string;
  readonly level: number;
}

const [comparison, addition, product, prefix, power, closed] = [1, 2, 3, 4, 5, 6];
const longest = 140;

/** The outputs of a graph as formulas. */
export function printFormulas(graph: Graph): string {
  const order = topological(rootsOf(graph));
  const uses = new Map<Node, number>();
  for (const node of order) for (const input of node.inputs) uses.set(input, (uses.get(input) ?? 0) + 1);
  const texts = new Map<Node, Text>();
  const lines: string[] = [];
  const taken = new Set(order.flatMap((n) => (n.op === "leaf" ? [n.attrs.path.replace(/^M\./, "")] : [])));
  let names = 0;
  for (const node of order) {
    const formula = formulaOf(node, node.inputs.map((x) => texts.get(x) as Text));
    const plain = node.op === "leaf" || node.op === "random" || node.op === "const" || node.op === "size" || node.op === "iota" || (node.op === "cast" && node.inputs[0]?.op === "size");
    if (plain || ((uses.get(node) ?? 0) <= 1 && formula.text.length <= longest)) {
      texts.set(node, formula);
      continue;
    }
    while (taken.has(nameOf(names))) names++;
    const name = nameOf(names++);
    lines.push(`${name} = ${formula.text}`);
    texts.set(node, { text: name, level: closed });
  }
  for (const { name, node } of graph.outputs) lines.push(`d ${name} = ${texts.get(node)?.text}`);
  return lines.map((l) => `  ${l}\n`).join("");
}

/** a, b, …, z, a1, b1, … */
const nameOf = (k: number): string => `${String.fromCharCode(97 + (k % 26))}${k < 26 ? "" : Math.floor(k / 26)}`;

function formulaOf(node: Node, args: readonly Text[]): Text {
  const arg = (k: number, level: number): string => {
    const { text, level: own } = args[k] ?? { text: "?", level: closed };
    return own < level ? `(${text})` : text;
  };
  const call = (name: string): Text => ({ text: `${name}(${args.map((a) => a.text).join(", ")})`, level: closed });
  switch (node.op) {
    case "const":
      return typeof node.attrs.data === "number" ? { text: String(node.attrs.data), level: node.attrs.data < 0 ? prefix : closed } : { text: `[${node.attrs.data.join(", ")}]`, level: closed };
    case "leaf":
      return { text: node.attrs.path.replace(/^M\./, ""), level: closed };
    case "random":
      // The random words of a draw, by its path: the first of each pair, or the second with a prime.
      return { text: `${node.attrs.path.replace(/^M\./, "")}${node.attrs.word === 1 ? "'" : ""}`, level: closed };
    case "size":
      return { text: dims.print(node.attrs.dim), level: closed };
    case "neg":
      return { text: `-${arg(0, prefix)}`, level: prefix };
    case "add": {
      const second = arg(1, product);
      return { text: second.startsWith("-") ? `${arg(0, addition)} - ${second.slice(1)}` : `${arg(0, addition)} + ${second}`, level: addition };
    }
    case "mul":
      return { text: `${arg(0, product)} * ${arg(1, prefix)}`, level: product };
    case "div":
      return { text: `${arg(0, product)} / ${arg(1, prefix)}`, level: product };
    case "pow":
      return { text: `${arg(0, closed)}^${node.attrs.exponent < 0 ? `(${node.attrs.exponent})` : node.attrs.exponent}`, level: power };
    case "compare":
      return { text: `${arg(0, addition)} ${node.attrs.relation} ${arg(1, addition)}`, level: comparison };
    case "select":
      return call("where");
    case "cast":
      return node.inputs[0]?.op === "size" ? (args[0] as Text) : call(node.attrs.to);
    case "view":
      return { text: `${arg(0, closed)}${viewText(printAttributes(node))}`, level: closed };
    case "reduce":
      return call(`${node.attrs.kind}${axesText(node.attrs.axes, node.inputs[0]?.type.shape.length ?? 0)}`);
    case "logic":
      return { text: `(${arg(0, comparison)} ${node.attrs.kind} ${arg(1, comparison)})`, level: closed };
    case "contract":
      return call(`contract{${printAttributes(node)}}`);
    case "loop":
      return call(`loop{${printAttributes(node)} ${node.attrs.body.text.replace(/\s*\n\s*/g, "; ")}}`);
    default: {
      const attributes = printAttributes(node);
      return call(attributes === "" ? node.op : `${node.op}{${attributes}}`);
    }
  }
}

/** `{[N, 4] <- [i1]}` is `[i1]`: the shape is that of what surrounds it. Guards stay. */
function viewText(attributes: string): string {
  const short = /^\{\[[^\]]*\] <- (\[[^\]]*\])\}$/.exec(attributes);
  return short?.[1] ?? attributes;
}

/** The axes that vanish; none are named where all do. */
const axesText = (axes: readonly number[], rank: number): string => (axes.length === rank ? "" : `[${axes.join(",")}]`);
