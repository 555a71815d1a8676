/**
 * A graph as formulas, as people write them. In: a graph. Out: lines, a name for each value that is used more than once or that
 * the user named, then the results. The text is for reading: numbers have six digits and what is stretched stands bare.
 *
 *     z = x @ z.W + z.b
 *     ∂z = (softmax(z) - onehot(y)) / N
 *     ∂loss/∂z.W = xᵀ @ ∂z
 *
 * A loop is a block of what one turn does; `carry0'` is what the next turn has as `carry0`, `row0[t]` what is kept of each turn:
 *
 *     v1 = loop t in 0..3 from carry0 = 0
 *         carry0' = tanh(x[t] + carry0 @ U)
 *         row0[t] = carry0'
 *     y = v1.row0
 *
 * Invariants: each name is defined before it is used; no two values have one name.
 */
import type { Graph, Node, NodeOf, Origins, Output } from "../ir/node.ts";
import { topological } from "../graph/topological.ts";
import type { Source } from "../support/span.ts";
import { Writer } from "../support/text.ts";
import { drawnValues } from "./drawn.ts";
import { formOf, type NodeForm } from "./node-text.ts";
import { closedPiece, levels, linear, piece, within, written, type Written } from "./written.ts";

/** Longer formulas get a name of their own for parts. */
const longest = 120;

/** What is printed of a graph. */
export interface FormulaOptions {
  /** The model, whose name is left out of its parameters'. */
  readonly model: string;
  /** Tells the library's names from the user's; only the user's are kept. */
  readonly isLibrary?: (source: Source) => boolean;
  /** The results to print; all otherwise. */
  readonly outputs?: readonly Output[];
}

/** The results of a graph as formulas. */
export function printFormulas(graph: Graph, { model, isLibrary = () => false, outputs = graph.outputs }: FormulaOptions): string {
  const w = new Writer();
  const names = new Names(model);
  const lines = new Lines(names, graph.origins, isLibrary, outputs.map((o) => o.node));
  for (const o of outputs) {
    const name = o.kind === "gradient" ? `∂${o.of ?? "loss"}/∂${names.path(o.name)}` : o.name;
    const { text, before } = lines.define(o.node);
    for (const line of before.flat()) w.line(line);
    w.line(`${name} = ${text}`);
  }
  return w.text();
}

/** Names that are taken, and what paths are called. */
class Names {
  private readonly model: string;
  private readonly taken = new Set<string>();
  private count = 0;

  constructor(model: string) {
    this.model = model;
  }

  /** A parameter without its model. */
  path(path: string): string {
    return path.startsWith(`${this.model}.`) ? path.slice(this.model.length + 1) : path;
  }

  /** The wanted name, or one like it, or the next number. */
  fresh(wanted: string | undefined): string {
    if (wanted === undefined) return this.take(`v${++this.count}`);
    for (let k = 1; ; k++) {
      const name = k === 1 ? wanted : `${wanted}_${k}`;
      if (!this.taken.has(name)) return this.take(name);
    }
  }

  /** A name that nobody will use any more. */
  release(name: string): void {
    this.taken.delete(name);
  }

  take(name: string): string {
    this.taken.add(name);
    return name;
  }
}

/** Writes values, those with names before who uses them. */
class Lines {
  private readonly names: Names;
  private readonly origins: Origins;
  private readonly isLibrary: (source: Source) => boolean;
  private readonly forms = new Map<Node, NodeForm>();
  private readonly counted = new Set<Node>();
  private readonly uses = new Map<Node, number>();
  private readonly texts = new Map<Node, Written>();
  /** The user's names, each on the last node that bears it: what rewriting put in its place may bear it as well. */
  private readonly named = new Map<string, Node>();
  /** In a loop's body, what its leaves are outside. */
  private readonly leaves: (leaf: NodeOf<"leaf">) => Written | undefined;

  constructor(names: Names, origins: Origins, isLibrary: (source: Source) => boolean, roots: readonly Node[], leaves: (leaf: NodeOf<"leaf">) => Written | undefined = () => undefined) {
    this.names = names;
    this.leaves = leaves;
    this.origins = origins;
    this.isLibrary = isLibrary;
    for (const [node, path] of drawnValues(roots)) this.forms.set(node, { parts: [], write: () => written(closedPiece(`drawn(${names.path(path)})`)) });
    for (const root of roots) this.count(root);
    for (const node of this.forms.keys()) if (node.op === "leaf") names.take(names.path(node.attrs.path));
    for (const node of topological(roots)) {
      const name = this.forms.has(node) ? this.origins.get(node)?.name : undefined;
      if (name && !isLibrary(name.span.source)) this.named.set(name.text, node);
    }
  }

  /** The text of a result, and the lines that must stand before. */
  define(root: Node): { readonly text: string; readonly before: readonly string[][] } {
    const before: string[][] = [];
    for (const node of this.texts.has(root) ? [] : this.order(root)) {
      const form = this.form(node);
      const parts = form.parts.map((p) => this.texts.get(p) as Written);
      const loop = node.op === "loop" ? this.loop(node, parts) : undefined;
      const formula = node.op === "leaf" ? (this.leaves(node) ?? written(closedPiece(this.names.path(node.attrs.path)))) : (loop?.head ?? form.write(parts));
      const name = node === root && !this.uses.has(node) ? undefined : this.nameFor(node, formula);
      if (name === undefined) {
        this.texts.set(node, formula);
        continue;
      }
      before.push([`${name} = ${piece(formula).text}`, ...(loop?.body ?? [])]);
      this.texts.set(node, written(closedPiece(name)));
    }
    return { text: piece(this.texts.get(root) as Written).text, before };
  }

  /** A loop over these values: what it begins with, and one turn, indented. */
  private loop(loop: NodeOf<"loop"> & Node, parts: readonly Written[]): { readonly head: Written; readonly body: readonly string[] } {
    const { body, carries, slices, trip, reverse } = loop.attrs;
    const turn = this.names.fresh("t");
    const inner = new Lines(this.names, this.origins, this.isLibrary, body.results, ({ attrs: { kind, path } }) => {
      const at = Number(path);
      if (kind === "carry") return written(closedPiece(`carry${path}`));
      if (kind === "iteration") return written(closedPiece(turn));
      if (kind === "slice") return linear(parts[carries + at] as Written, (of) => closedPiece(`${within(of, levels.closed)}[${turn}]`));
      return kind === "capture" ? parts[carries + slices + at] : undefined;
    });
    const known = new Map<Node, string>();
    const lines = body.results.flatMap((result, k) => {
      const label = k < carries ? `carry${k}'` : `row${k - carries}[${turn}]`;
      const again = known.get(result);
      if (again !== undefined) return [`${label} = ${again}`];
      known.set(result, label);
      const { text, before } = inner.define(result);
      return [...before.flat(), `${label} = ${text}`];
    });
    this.names.release(turn);
    const from = parts.slice(0, carries).map((p, k) => `carry${k} = ${piece(p).text}`);
    const head = `loop ${turn} in 0..${trip}${reverse ? ", last first," : ""}${from.length === 0 ? "" : ` from ${from.join(", ")}`}`;
    return { head: written(closedPiece(head)), body: lines.map((line) => `    ${line}`) };
  }

  /** A name for what is used more than once, too long, or the user's own. */
  private nameFor(node: Node, formula: Written): string | undefined {
    const text = piece(formula).text;
    const cheap = node.op === "leaf" || node.op === "const" || node.op === "size" || node.op === "iota" || (node.op === "cast" && node.inputs[0]?.op === "size") || /^-?[\p{L}\p{N}_.∂]+ᵀ?$/u.test(text);
    if (cheap) return undefined;
    const wanted = this.wantedName(node);
    if (node.op === "loop" || wanted !== undefined || (this.uses.get(node) ?? 0) > 1 || text.length > longest) return this.names.fresh(wanted);
    return undefined;
  }

  /** What the user calls it. */
  private wantedName(node: Node): string | undefined {
    const name = this.origins.get(node)?.name?.text;
    return name !== undefined && this.named.get(name) === node ? name : undefined;
  }

  private form(node: Node): NodeForm {
    const known = this.forms.get(node) ?? formOf(node);
    this.forms.set(node, known);
    return known;
  }

  /** Counts who uses whom, as formulas show it. */
  private count(root: Node): void {
    const open = [root];
    for (let node = open.pop(); node; node = open.pop()) {
      if (this.counted.has(node)) continue;
      this.counted.add(node);
      for (const part of this.form(node).parts) {
        this.uses.set(part, (this.uses.get(part) ?? 0) + 1);
        open.push(part);
      }
    }
  }

  /** What is not written yet, parts first. */
  private order(root: Node): readonly Node[] {
    const order: Node[] = [];
    const done = new Set<Node>();
    const stack: { readonly node: Node; next: number }[] = [{ node: root, next: 0 }];
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const part = this.form(top.node).parts[top.next++];
      if (part === undefined) {
        stack.pop();
        if (!done.has(top.node)) order.push(top.node);
        done.add(top.node);
      } else if (!done.has(part) && !this.texts.has(part)) {
        stack.push({ node: part, next: 0 });
      }
    }
    return order;
  }
}
