/**
 * The pass that takes derivatives. In: a graph with the forms `derive` (grad, jvp, hvp) and `custom`, and marks.
 * Out: a graph without them. Nodes are rebuilt in the order of evaluation, so a form inside a value that is itself
 * differentiated is gone before its turn: higher orders need nothing of their own. A mark stands until the end, for
 * differentiation is with respect to that very node; then it becomes what it wraps. So does a value with a rule of its own.
 *
 *     derive grad (sum(a * a), a)        ->  a + a, of a's type
 *     jvp(y, x, v)                       =   d/du <grad(<y, u>, x), v>: the gradient is linear in u, so u is gone again
 *     hvp(y, x, v)                       =   grad(<grad(y, x), w>, x) with w replaced by v: v is held still
 *
 * A node that the value does not reach has the gradient zero; `reaches` tells, so that a check can say so earlier.
 */
import type { Graph, Node, NodeOf } from "../ir/node.ts";
import { table as ops } from "../ops/table.ts";
import type { OpTable } from "../ops/op.ts";
import { InternalError, UserError } from "../support/diagnostic.ts";
import type { Pass } from "../support/trace.ts";
import { makeBody } from "../graph/body.ts";
import { Builder } from "../graph/builder.ts";
import { verifyGraph } from "../graph/verify-graph.ts";
import { rebuild, rootsOf, topological, withRoots } from "../graph/walk.ts";
import { accumulate } from "./accumulate.ts";
import { derivation, keepOrigins } from "./derivation.ts";
import type { Derivation } from "./derivation.ts";
import { tidyLoops } from "./tidy-loops.ts";

/** Erases derivative forms and marks, by the derivative table of the op records. */
export const differentiate: Pass<Graph, Graph> = differentiateBy(ops);

/** The pass over a derivative table of one's own: the tests give it broken rules. */
export function differentiateBy(table: OpTable): Pass<Graph, Graph> {
  const erasers = new WeakMap<Builder, Eraser>();
  return {
    name: "differentiate",
    doc: "Replaces derivative forms by the graphs of the derivatives, innermost first, then erases marks.",
    run: (graph) => {
      const builder = Builder.of(graph);
      const eraser = erasers.get(builder) ?? new Eraser(builder, table);
      erasers.set(builder, eraser);
      return withRoots(graph, builder, tidyLoops(builder, eraser.erase(rootsOf(graph))));
    },
    verify: (graph) => verifyGraph(graph, { forms: false }),
  };
}

/** Makes nodes of one builder again without derivative forms and marks; what several graphs share is made once. */
class Eraser {
  private readonly builder: Builder;
  private readonly d: Derivation;
  /** Without forms; and from there without marks. */
  private readonly became = new Map<Node, Node>();
  private readonly plain = new Map<Node, Node>();
  /** The gradients of a value by the nodes asked for so far. */
  private readonly gradients = new Map<Node, Map<Node, Node>>();

  constructor(builder: Builder, table: OpTable) {
    this.builder = builder;
    this.d = derivation(builder, table);
  }

  erase(roots: readonly Node[]): readonly Node[] {
    const without = this.withoutForms(roots);
    if (!(["mark", "custom", "loop"] as const).some((op) => this.builder.hasMade(op))) return without;
    return rebuild(this.builder, without, (node, inputs) => (node.op === "mark" || node.op === "custom" ? inputs[0] : undefined), { bodies: true, around: keepOrigins(this.builder), became: this.plain });
  }

  private withoutForms(roots: readonly Node[]): readonly Node[] {
    const order = topological(roots, this.became);
    for (const node of order) {
      const inputs = node.inputs.map((x) => this.get(x));
      if (node.op === "derive") {
        const made = this.derivative(node, order);
        this.d.stems(made, this.builder.originOf(node));
        this.became.set(node, made);
        continue;
      }
      // Bodies first: inside one a node has an origin of its own.
      const results = node.op === "loop" ? this.withoutForms(node.attrs.body.results) : [];
      const settled = inputs.every((x, i) => x === node.inputs[i]) && (node.op !== "loop" || results.every((r, i) => r === node.attrs.body.results[i]));
      this.became.set(node, settled ? node : this.d.from(this.builder.originOf(node), () =>
        node.op === "loop" ? this.builder.make("loop", { ...node.attrs, body: makeBody(results) }, inputs) : this.builder.again(node, inputs)));
    }
    return roots.map((r) => this.get(r));
  }

  private get(node: Node | undefined): Node {
    return this.became.get(node as Node) as Node;
  }

  private derivative(form: NodeOf<"derive">, order: readonly Node[]): Node {
    const [value, wrt, along] = form.inputs.map((x) => this.get(x)) as [Node, Node, Node];
    if (form.attrs.kind === "grad") return this.gradient(value, wrt, order);
    return form.attrs.kind === "jvp" ? jvp(this.d, value, wrt, along) : hvp(this.d, value, wrt, along);
  }

  /** The gradient of a value by one node; all that `order` asks of it so far are taken in one sweep. */
  private gradient(value: Node, wrt: Node, order: readonly Node[]): Node {
    const known = this.gradients.get(value) ?? new Map<Node, Node>();
    this.gradients.set(value, known);
    const found = known.get(wrt);
    if (found) return found;
    const asked = order.filter((n) => n.op === "derive" && n.attrs.kind === "grad" && this.became.get(n.inputs[0] as Node) === value);
    const wrts = new Set(asked.flatMap((n) => this.became.get(n.inputs[1] as Node) ?? []));
    for (const [by, gradient] of gradientsOf(this.d, value, [...wrts])) known.set(by, gradient);
    return known.get(wrt) as Node;
  }
}

/** The gradient of a scalar by each of `wrts`; zeros where none is reached. */
function gradientsOf(d: Derivation, value: Node, wrts: readonly Node[]): ReadonlyMap<Node, Node> {
  const adjoints = accumulate(d, [{ node: value, adjoint: d.e.like(value, 1) }], wrts);
  return new Map(wrts.map((wrt) => [wrt, adjoints.get(wrt) ?? d.e.like(wrt, 0)]));
}

/** The derivative of `value` along `tangent`, by transposing the gradient twice. */
function jvp(d: Derivation, value: Node, wrt: Node, tangent: Node): Node {
  const u = d.e.leaf({ kind: "input", path: d.fresh(), type: value.type });
  const gradient = accumulate(d, [{ node: value, adjoint: u }], [wrt]).get(wrt);
  const along = gradient && accumulate(d, [{ node: gradient, adjoint: tangent }], [u]).get(u);
  if (!along) return d.e.like(value, 0);
  gone(d, value, u, along);
  return along;
}

/** The Hessian of a scalar times `vector`: the gradient of the gradient along it, the vector held still. */
function hvp(d: Derivation, value: Node, wrt: Node, vector: Node): Node {
  const w = d.e.leaf({ kind: "input", path: d.fresh(), type: wrt.type });
  const gradient = accumulate(d, [{ node: value, adjoint: d.e.like(value, 1) }], [wrt]).get(wrt);
  if (!gradient) return d.e.like(wrt, 0);
  const product = accumulate(d, [{ node: gradient, adjoint: w }], [wrt]).get(wrt);
  return product ? d.replace(product, new Map([[w, vector]])) : d.e.like(wrt, 0);
}

/** A gradient rule that is not linear in its adjoint leaves the adjoint behind: an error of the user whose rule it is, else ours. */
function gone(d: Derivation, value: Node, u: Node, result: Node): void {
  const [at] = topological([result]).filter((n) => n.inputs.includes(u));
  if (!at) return;
  const own = ownRule([value]);
  if (!own) throw new InternalError("differentiate", `the adjoint is left in a forward derivative, at ${at.op} (node ${at.id}): a gradient rule is not linear in it`);
  const span = d.originOf(own)?.spans[0];
  throw new UserError({
    code: "E0325", message: `\`jvp\` needs a gradient rule that is linear in what arrives, and that of \`${own.attrs.name}\` is not`,
    ...(span && { span, label: "its rule is asked for here" }), hint: "`grad` and `hvp` take any rule",
  });
}

/** A value with a rule of its own among what the roots are made of, loop bodies included. */
function ownRule(roots: readonly Node[]): NodeOf<"custom"> & Node | undefined {
  const open: (readonly Node[])[] = [roots];
  for (let some = open.pop(); some; some = open.pop()) {
    for (const node of topological(some)) {
      if (node.op === "custom") return node;
      if (node.op === "loop") open.push(node.attrs.body.results);
    }
  }
  return undefined;
}
