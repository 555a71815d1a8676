/**
 * How values depend on the examples of a batch. In: nodes in order of evaluation and the symbol that counts examples. Out: for
 * each node an axis along which row n is made from row n of the inputs alone, whatever the other rows are; `same` where no
 * example has a say; nothing where examples are mixed.
 *
 *     logits = x W + b               axis 0 of f32[N, 3]
 *     W, the number of examples      same
 *     mean(logits), logits @ logits' mixed
 *
 * What follows from the rows of one axis alone can be made some examples at a time.
 */
import type { AccessMap } from "../ir/access.ts";
import * as dims from "../ir/dims.ts";
import type { Dim } from "../ir/dims.ts";
import type { Node, NodeOf } from "../ir/node.ts";
import { table } from "../ops/table.ts";
import { topological } from "./topological.ts";

/** The axis of the examples, `same` for all of them, or mixed. */
export type Dependence = number | "same" | "mixed";

/** What each node of the order is made from; the order holds all that they need. */
export function byExample(order: readonly Node[], batch: string): ReadonlyMap<Node, Dependence> {
  return new Walk(batch).over(order, ({ attrs: { kind, type } }) => (kind === "input" ? (axisOf(type.shape, batch) ?? "mixed") : "same"));
}

/** True where the examples are added up, each made from its own row: what is so added over some of them adds up to the whole. */
export function addsExamples(node: Node, of: (x: Node) => Dependence): boolean {
  const rows = node.inputs.map(of);
  if (rows.includes("mixed") || rows.every((d) => d === "same")) return false;
  if (node.op === "reduce") return node.attrs.kind === "sum" && node.attrs.axes.some((axis) => axis === rows[0]);
  if (node.op === "contract") {
    const labels = labelsOf(node, rows);
    return labels.size === 1 && [...labels].every((l) => !node.attrs.out.includes(l));
  }
  if (node.op === "scatter_sum") return rows[1] !== "same" && rows[0] === rows[1] && Number(rows[1]) >= node.attrs.batch;
  return false;
}

/** The one axis that counts examples, `same` where none does; undefined where a size depends on their number in another way. */
function axisOf(shape: readonly Dim[], batch: string): Dependence | undefined {
  const axes = shape.flatMap((d, axis) => (dims.symbolsOf(d).includes(batch) ? [axis] : []));
  const [only] = axes;
  if (only === undefined) return "same";
  return axes.length === 1 && dims.equal(shape[only] as Dim, dims.sym(batch)) ? only : undefined;
}

/** The labels of a contraction that stand for the examples. */
function labelsOf({ attrs: { a, b } }: NodeOf<"contract">, rows: readonly Dependence[]): ReadonlySet<number> {
  return new Set(([a, b] as const).flatMap((labels, k) => {
    const axis = rows[k];
    return typeof axis === "number" ? [labels[axis] as number] : [];
  }));
}

type OfLeaf = (leaf: NodeOf<"leaf">) => Dependence;

class Walk {
  private readonly batch: string;
  private inLoops = 0;

  constructor(batch: string) {
    this.batch = batch;
  }

  over(order: readonly Node[], ofLeaf: OfLeaf): ReadonlyMap<Node, Dependence> {
    const found = new Map<Node, Dependence>();
    const results = new Map<Node, readonly Dependence[]>();
    for (const node of order) {
      if (node.op === "pick") {
        found.set(node, results.get(node.inputs[0] as Node)?.[node.attrs.index] ?? "mixed");
        continue;
      }
      const inputs = node.inputs.map((x) => found.get(x) ?? "mixed");
      if (node.op === "loop") {
        results.set(node, inputs.includes("mixed") ? [] : this.loop(node, inputs));
        found.set(node, "mixed");
        continue;
      }
      found.set(node, node.op === "leaf" ? ofLeaf(node) : this.one(node, inputs));
    }
    return found;
  }

  private one(node: Exclude<Node, NodeOf<"leaf"> | NodeOf<"loop"> | NodeOf<"pick">>, inputs: readonly Dependence[]): Dependence {
    const axis = axisOf(node.type.shape, this.batch);
    if (axis === undefined || inputs.includes("mixed")) return "mixed";
    if (typeof axis !== "number") return inputs.every((d) => d === "same") && !(this.inLoops > 0 && this.counts(node)) ? "same" : "mixed";
    return this.keeps(node, axis, inputs) ? axis : "mixed";
  }

  /** Asks how many examples there are; that is known beforehand outside of loops, whose bodies see nothing from outside. */
  private counts(node: Node): boolean {
    return node.op === "size" && dims.symbolsOf(node.attrs.dim).includes(this.batch);
  }

  /** Whether row n along `axis` of a node is made from rows n; inputs are rows or the same for all. */
  private keeps(node: Node, axis: number, inputs: readonly Dependence[]): boolean {
    const [x, y] = inputs;
    switch (node.op) {
      case "const":
        return true;
      case "iota":
        return this.inLoops === 0;
      case "random":
        // The words of an example are those of its number, where the first axis counts examples.
        return axis === 0;
      case "view":
        return keepsRows(node.attrs.map, axis, x ?? "mixed", this.batch);
      case "reshape":
        return typeof x === "number" && dims.equal(dims.product(node.type.shape.slice(0, axis)), dims.product((node.inputs[0] as Node).type.shape.slice(0, x)));
      case "reduce":
        return typeof x === "number" && !node.attrs.axes.includes(x);
      case "argmax":
        return x !== node.attrs.axis;
      case "cumsum":
      case "argsort":
      case "concat":
        return axis !== node.attrs.axis;
      case "contract":
        return [...labelsOf(node, inputs)].every((l) => l === node.attrs.out[axis]);
      case "gather": {
        const { batch } = node.attrs;
        const index = (node.inputs[1] as Node).type.shape.length;
        if (typeof x !== "number") return y === axis && axis >= batch;
        return x < batch ? y === x && axis === x : x > batch && y === "same" && axis === index + x - batch - 1;
      }
      case "scatter_sum": {
        const { batch } = node.attrs;
        if (typeof x !== "number") return false;
        return x < batch ? y === x && axis === x : y === "same" && x >= (node.inputs[1] as Node).type.shape.length;
      }
      case "cholesky":
        return axis < node.type.shape.length - 2;
      case "triangular_solve":
        return axis < node.type.shape.length - 2 ? x === axis && y === axis : x === "same" && axis === node.type.shape.length - 1;
      default:
        return table[node.op].class === "elementwise" && inputs.every((d) => d === axis);
    }
  }

  /** What each result of a loop is: a carry is rows where every turn leaves it so. */
  private loop(node: NodeOf<"loop">, inputs: readonly Dependence[]): readonly Dependence[] {
    const { body, carries, slices } = node.attrs;
    const order = topological(body.results);
    const carried = inputs.slice(0, carries);
    this.inLoops++;
    try {
      for (;;) {
        const found = this.over(order, ({ attrs }) => {
          const at = Number(attrs.path);
          if (attrs.kind === "carry") return carried[at] ?? "mixed";
          if (attrs.kind === "capture") return inputs[carries + slices + at] ?? "mixed";
          if (attrs.kind !== "slice") return "same";
          const sliced = inputs[carries + at] ?? "mixed";
          return typeof sliced === "number" ? (sliced > 0 ? sliced - 1 : "mixed") : sliced;
        });
        const results = body.results.map((r) => found.get(r) ?? "mixed");
        const changed = carried.some((d, k) => d !== "mixed" && d !== results[k]);
        if (!changed) return results.map((d, k) => (k < carries ? (carried[k] ?? "mixed") : typeof d === "number" ? d + 1 : d));
        for (const [k, d] of carried.entries()) if (d !== results[k]) carried[k] = "mixed";
      }
    } finally {
      this.inLoops--;
    }
  }
}

/** Whether row n of the view looks at row n, or at what is the same for all. */
function keepsRows({ index, guards }: AccessMap, axis: number, of: Dependence, batch: string): boolean {
  const counted = (c: Dim): boolean => dims.symbolsOf(c).includes(batch);
  if (guards.some((g) => (g.value.k[axis] ?? 0) !== 0 || counted(g.value.c))) return false;
  return index.every(({ numerator, divisor }, a) => {
    if (a !== of) return (numerator.k[axis] ?? 0) === 0 && !counted(numerator.c);
    return divisor === 1 && numerator.c === 0 && numerator.k.every((k, i) => k === (i === axis ? 1 : 0));
  });
}
