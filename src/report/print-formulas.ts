/**
 * A graph as formulas, as people write them. In: a graph. Out: lines, a name for each value that is used more than once or that
 * the user named, then the results. The text is for reading: numbers have six digits and what is stretched stands bare.
 *
 *     z = x @ z.W + z.b
 *     ∂z = (softmax(z) - onehot(y)) / N
 *     ∂loss/∂z.W = xᵀ @ ∂z
 *
 * Invariants: each name is defined before it is used; no two values have one name.
 */
import type { Graph, Node, NodeOf, Origins, Output } from "../ir/node.ts";
import { topological } from "../graph/topological.ts";
import type { Source } from "../support/span.ts";
import { Writer } from "../support/text.ts";
import { formOf, type NodeForm } from "./node-text.ts";
import { closedPiece, piece, written, type Written } from "./written.ts";

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
  private readonly uses = new Map<Node, number>();
  private readonly texts = new Map<Node, Written>();
  /** The user's names, each on the last node that bears it: what rewriting put in its place may bear it as well. */
  private readonly named = new Map<string, Node>();

  constructor(names: Names, origins: Origins, isLibrary: (source: Source) => boolean, roots: readonly Node[]) {
    this.names = names;
    this.origins = origins;
    this.isLibrary = isLibrary;
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
      const formula = node.op === "leaf" ? written(closedPiece(this.leafName(node))) : form.write(form.parts.map((p) => this.texts.get(p) as Written));
      const name = node === root && !this.uses.has(node) ? undefined : this.nameFor(node, formula);
      if (name === undefined) {
        this.texts.set(node, formula);
        continue;
      }
      const body = node.op === "loop" ? this.loopLines(node) : [];
      before.push([`${name} = ${piece(formula).text}`, ...body]);
      this.texts.set(node, written(closedPiece(name)));
    }
    return { text: piece(this.texts.get(root) as Written).text, before };
  }

  private leafName(leaf: NodeOf<"leaf">): string {
    const { kind, path } = leaf.attrs;
    return kind === "carry" || kind === "slice" || kind === "capture" || kind === "iteration" ? `${kind}${path}` : this.names.path(path);
  }

  /** One turn of a loop, indented. */
  private loopLines(loop: NodeOf<"loop"> & Node): string[] {
    const inner = new Lines(new Names(""), this.origins, this.isLibrary, loop.attrs.body.results);
    return loop.attrs.body.results.flatMap((result, k) => {
      const { text, before } = inner.define(result);
      return [...before.flat(), `result ${k} = ${text}`].map((line) => `    ${line}`);
    });
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
      if (this.forms.has(node)) continue;
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
