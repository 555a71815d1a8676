/**
 * Products of one tensor with several parameters are one product with all of them, where the parameters lie equally far apart in the store. In:
 * a graph without loops. Out: the same values, bit by bit; the results lie one after the other, and their readers read them there.
 *
 *     x Wq, x Wk, x Wv              ->     P[g] = x W[g] with W the three side by side; q is P[0], k is P[1], v is P[2]
 *     x Wq + bq, x Wk + bk, …       ->     P[g] = x W[g] + b[g]: what follows each of them alike goes along
 *
 * Names, shapes and saved files of parameters are the store's, which stays as it is. Products stay alone where parameters have other shapes,
 * do not lie equally far apart, lie together with others already, or where one product would have to store what is now used as it is made.
 */
import type { Builder } from "../graph/builder.ts";
import type { Survey } from "../graph/survey.ts";
import { rebuildGraph } from "../graph/walk.ts";
import * as access from "../ir/access.ts";
import type { AccessMap } from "../ir/access.ts";
import type { Graph, Node, NodeOf, OpAttrs, OpName } from "../ir/node.ts";
import { printShape, sameShape, sameType } from "../ir/types.ts";
import { table } from "../ops/table.ts";
import { isStored } from "./node-facts.ts";
import { elementsOf, isProduct } from "./cost.ts";
import { prices } from "./prices.ts";
import { storedStride } from "./side-by-side.ts";
import { storedTogether, type Joined, type JoinOptions } from "./sums-of-products.ts";

type Product = NodeOf<"contract"> & Node;

/** Products that become one. */
interface Shared {
  /** In the order of their parameters in the store. */
  readonly products: readonly Product[];
  /** The operand that is a parameter. */
  readonly side: 0 | 1;
  /** What follows each of them alike, step by step: those nodes in the same order. */
  readonly steps: readonly (readonly Node[])[];
}

/** Operations that go along with a product, at most. */
const mostSteps = 8;

/** The graph with such products joined; undefined where there are none. */
export function sharedFactors(graph: Graph, survey: Survey, builder: Builder, options: JoinOptions): Joined | undefined {
  const { found, alone } = new Search(survey, options).run();
  const why = new Map<Node, string>();
  if (found.length === 0 && alone.size === 0) return undefined;
  const became = new Map<Node, Node>();
  const stacks = new Set<Node>();
  const now = (x: Node): Node => became.get(x) ?? x;
  const of = new Map<Node, { readonly shared: Shared; readonly at: number }>();
  const heads = new Map<Node, Shared>();
  for (const shared of found) {
    for (const product of shared.products) heads.set(product, shared);
    (shared.steps.at(-1) ?? shared.products).forEach((node, at) => of.set(node, { shared, at }));
  }
  const made = new Map<Shared, Node>();
  const joined = rebuildGraph(graph, builder, (node) => {
    const head = heads.get(node);
    if (head && !made.has(head)) {
      const whole = together(builder, head, now, stacks);
      made.set(head, whole.result);
      why.set(whole.product, `${head.products.length} products of one tensor: their parameters lie equally far apart`);
    }
    const place = of.get(node);
    const whole = place && made.get(place.shared);
    return whole && builder.view(whole, sliceOf(node.type.shape, place.at));
  }, { became });
  for (const [node, reason] of alone) why.set(now(node), reason);
  return { graph: joined, became, stacks, why };
}

/** One part of what has an axis more in front. */
function sliceOf(shape: AccessMap["shape"], at: number): AccessMap {
  return { shape, index: [access.whole(access.constant(at, shape.length)), ...shape.map((_, a) => access.whole(access.unit(a, shape.length)))], guards: [] };
}

/** The map that does to each part what `map` does to one. */
function lifted(map: AccessMap, count: number): AccessMap {
  const rank = map.shape.length + 1;
  return { shape: [count, ...map.shape], index: [access.whole(access.unit(0, rank)), ...map.index.map((c) => ({ ...c, numerator: { ...c.numerator, k: [0, ...c.numerator.k] } }))], guards: map.guards.map((g) => ({ ...g, value: { ...g.value, k: [0, ...g.value.k] } })) };
}

/** The product of all, and what follows it. */
function together(e: Builder, { products, side, steps }: Shared, now: (node: Node) => Node, stacks: Set<Node>): { readonly product: Node; readonly result: Node } {
  const [first] = products as readonly [Product];
  const count = products.length;
  const stack = (nodes: readonly Node[]): Node => {
    const [one] = nodes as readonly [Node];
    const whole = e.concat(nodes.map((x) => e.broadcast(now(x), [1, ...one.type.shape], one.type.shape.map((_, a) => a + 1))), 0);
    stacks.add(whole);
    return whole;
  };
  const { a, b, out } = first.attrs;
  const part = Math.max(...a, ...b) + 1;
  const x = now(first.inputs[1 - side] as Node);
  const parameters = stack(products.map((p) => p.inputs[side] as Node));
  const product = side === 1 ? e.contract(x, parameters, a, [part, ...b], [part, ...out]) : e.contract(parameters, x, [part, ...a], b, [part, ...out]);
  let result: Node = product;
  let before: readonly Node[] = products;
  for (const step of steps) {
    const [one] = step as readonly [Node];
    const inputs = one.inputs.map((operand, at) => {
      if (step.every((s, k) => s.inputs[at] === before[k])) return result;
      const operands = step.map((s) => s.inputs[at] as Node);
      if (operand.op === "const") return e.const({ ...operand.type, shape: [count, ...operand.type.shape] }, operand.attrs.data);
      if (operand.op === "view") return e.view(stack(operands.map((o) => o.inputs[0] as Node)), lifted(operand.attrs.map, count));
      return stack(operands);
    });
    result = e.make(one.op, one.attrs as OpAttrs[OpName], inputs);
    before = step;
  }
  return { product, result };
}

class Search {
  private readonly options: JoinOptions;
  private readonly graph: Survey;
  /** For each parameter that lies together with others: which. */
  private readonly claimed: Map<Node, string>;

  constructor(graph: Survey, options: JoinOptions) {
    this.options = options;
    this.graph = graph;
    this.claimed = storedTogether(graph.order);
  }

  run(): { readonly found: readonly Shared[]; readonly alone: ReadonlyMap<Node, string> } {
    const found: Shared[] = [];
    const alone = new Map<Node, string>();
    for (const { products, side } of this.candidates())
      for (const run of this.runs(products, side)) {
        const parameters = run.map((p) => p.inputs[side] as Node);
        const other = products.find((p) => !sameType((p.inputs[side] as Node).type, (parameters[0] as Node).type))?.inputs[side];
        const reason = run.length > 1 && this.mayLie(parameters) ? undefined
          : other && run.length === 1 ? `parameters of shapes ${printShape((parameters[0] as Node).type.shape)} and ${printShape(other.type.shape)}`
            : "parameters that do not lie equally far apart, or lie with others";
        const shared = reason === undefined ? { products: run, side, steps: this.stepsAfter(run) } : undefined;
        const dear = shared && this.tooDear(shared);
        if (!shared || dear !== undefined) for (const p of run) alone.set(p, `alone, beside ${products.length - 1} more of the same tensor: ${dear ?? reason ?? ""}`);
        else {
          for (const nodes of [parameters, ...this.storedIn(shared)]) this.claim(nodes);
          found.push(shared);
        }
      }
    return { found, alone };
  }

  /** Products of one form, of one tensor with different parameters. */
  private candidates(): readonly { readonly products: readonly Product[]; readonly side: 0 | 1 }[] {
    const groups = new Map<string, { readonly products: Product[]; readonly side: 0 | 1 }>();
    for (const node of this.graph.order) {
      if (node.op !== "contract" || !isProduct(node) || this.options.keep.has(node)) continue;
      const [x, y] = node.inputs as readonly [Node, Node];
      const side = isParameter(y) ? 1 : 0;
      const parameter = side === 1 ? y : x;
      if (!isParameter(parameter)) continue;
      const { a, b, out } = node.attrs;
      const key = [(side === 1 ? x : y).id, side, a, b, out].join(" ");
      const known = groups.get(key);
      if (known) known.products.push(node);
      else groups.set(key, { products: [node], side });
    }
    return [...groups.values()].filter(({ products }) => products.length > 1);
  }

  /** Those whose parameters have one shape and follow each other at one distance. */
  private runs(products: readonly Product[], side: 0 | 1): readonly (readonly Product[])[] {
    const parameterOf = (p: Product): Node => p.inputs[side] as Node;
    const found: Product[][] = [];
    for (const p of products.toSorted((x, y) => this.at(parameterOf(x)) - this.at(parameterOf(y)))) {
      const run = found.at(-1);
      const fits = run && sameType(parameterOf(run[0] as Product).type, parameterOf(p).type) && (run.length === 1 || storedStride([...run, p].map(parameterOf), this.options.at) !== undefined);
      if (fits) run.push(p);
      else found.push([p]);
    }
    return found;
  }

  private at(parameter: Node): number {
    return (parameter.op === "leaf" && this.options.at(parameter.attrs.path)) || 0;
  }

  /** Whether stored tensors, in this order, are at one distance from each other, and are free to be read together. */
  private mayLie(nodes: readonly Node[]): boolean {
    const stride = storedStride(nodes, this.options.at);
    const key = keyOf(nodes);
    return stride !== undefined && stride * nodes.length <= this.options.most && stride >= elementsOf(nodes[0] as Node, this.options.capacity) && nodes.every((n) => (this.claimed.get(n) ?? key) === key);
  }

  private claim(nodes: readonly Node[]): void {
    for (const n of nodes) this.claimed.set(n, keyOf(nodes));
  }

  private isOnlyHere(node: Node): boolean {
    return this.graph.readers(node).length === 1 && !this.graph.roots.has(node) && !this.options.keep.has(node);
  }

  /** Elementwise operations that follow each product alike, with constants and parameters that lie as the products' do. */
  private stepsAfter(products: readonly Node[]): readonly (readonly Node[])[] {
    const steps: (readonly Node[])[] = [];
    let before = products;
    while (steps.length < mostSteps && before.every((n) => this.isOnlyHere(n))) {
      const step = before.map((n) => this.graph.readers(n)[0] as Node);
      if (new Set(step).size < step.length || !this.isAlike(step, before)) break;
      steps.push(step);
      before = step;
    }
    return steps;
  }

  private isAlike(step: readonly Node[], before: readonly Node[]): boolean {
    const [one] = step as readonly [Node];
    if (!isElementwise(one) || step.some((s) => s.op !== one.op || JSON.stringify(s.attrs) !== JSON.stringify(one.attrs) || !sameType(s.type, one.type) || this.options.keep.has(s))) return false;
    return one.inputs.every((operand, at) => {
      const operands = step.map((s) => s.inputs[at] as Node);
      if (operands.every((o, k) => o === before[k])) return true;
      if (operand.op === "const" && typeof operand.attrs.data === "number") return operands.every((o) => o === operand);
      const stored = this.parametersOf(operands);
      return stored !== undefined && new Set(stored).size === stored.length && this.mayLie(stored);
    });
  }

  /** The parameters that operands of one step are, or are views of by one map. */
  private parametersOf(operands: readonly Node[]): readonly Node[] | undefined {
    const [one] = operands as readonly [Node];
    const stored = operands.map((o) => (o.op === "view" ? (o.inputs[0] as Node) : o));
    const alike = operands.every((o) => o.op === one.op && (o.op !== "view" || JSON.stringify(o.attrs) === JSON.stringify(one.attrs)));
    return alike && stored.every((s) => isParameter(s) && sameType(s.type, (stored[0] as Node).type)) ? stored : undefined;
  }

  private storedIn({ steps }: Shared): readonly (readonly Node[])[] {
    return steps.flatMap((step) => step[0]?.inputs.flatMap((_, at) => {
      const stored = this.parametersOf(step.map((s) => s.inputs[at] as Node));
      return stored ? [stored] : [];
    }) ?? []);
  }

  /** Results that are now used as they are made would be stored and read: more than the dispatches that are saved. */
  private tooDear({ products, steps }: Shared): string | undefined {
    const { access: price, lanes, groups, dispatch } = prices[this.options.device];
    const last = steps.at(-1) ?? products;
    const stored = last.filter((n) => this.graph.readers(n).some((r) => isElementwise(r) && sameShape(r.type.shape, n.type.shape)));
    const elements = stored.reduce((sum, n) => sum + elementsOf(n, this.options.capacity), 0);
    return (2 * elements * price) / (lanes * groups) > (products.length - 1) * dispatch ? `what follows differs, and ${elements} results would be stored for it` : undefined;
  }
}

const isElementwise = (node: Node): boolean => table[node.op].class === "elementwise";

const isParameter = (node: Node): boolean => isStored(node) && node.op === "leaf" && node.attrs.kind === "param";

const keyOf = (nodes: readonly Node[]): string => nodes.map((n) => n.id).join();
