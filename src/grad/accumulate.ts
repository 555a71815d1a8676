/**
 * Reverse accumulation. In: values with their adjoints (seeds), and the nodes differentiated by. Out: the adjoint
 * of each such node, as more graph. Nodes are visited against the direction of evaluation; each rule of the table
 * is asked once, with the whole adjoint of its node, and its answer is held to the contract.
 *
 *     accumulate(d, [{ node: y, adjoint: one }], [x])      // y = x * x:  { x -> x + x }
 *
 * Invariants: a rule gives one entry per input, a node of the input's type or `noPath`; an integer or bool input has
 * no path; an adjoint that is missing from the result is exactly zero (no path leads to that node).
 */
import type { Emit } from "../ir/emit.ts";
import type { Node } from "../ir/node.ts";
import { printType, sameType } from "../ir/types.ts";
import { noPath } from "../ops/op.ts";
import type { Adjoint } from "../ops/op.ts";
import { InternalError, UserError } from "../support/diagnostic.ts";
import { topological } from "../graph/walk.ts";
import { activeNodes } from "./activity.ts";
import type { Derivation, Seed } from "./derivation.ts";
import { customGradient } from "./custom.ts";
import { finiteNodes } from "./finite-nodes.ts";
import { asChoice } from "./kept-where.ts";
import { loopGradient } from "./loop.ts";

/** The adjoints of `wrt`. A node without an entry has the adjoint zero: no seed depends on it. */
export function accumulate(d: Derivation, seeds: readonly Seed[], wrt: readonly Node[]): ReadonlyMap<Node, Node> {
  const order = topological(seeds.map((s) => s.node));
  const active = activeNodes(order, wrt);
  const adjoints = new Map<Node, Node>();
  const ofResults = new Map<Node, (Node | undefined)[]>();
  // Asked for of few nodes, mostly of none.
  let finite: ReadonlySet<Node> | undefined;
  const isSteep = (node: Node): boolean => {
    finite ??= finiteNodes(order);
    return !finite.has(node);
  };

  const add = (to: Node, adjoint: Node): void => {
    if (!active.has(to)) return;
    const sofar = adjoints.get(to);
    adjoints.set(to, sofar ? d.e.add(sofar, adjoint) : adjoint);
  };

  for (const { node, adjoint } of seeds) add(node, adjoint);
  for (let at = order.length - 1; at >= 0; at--) {
    const node = order[at] as Node;
    if (!active.has(node)) continue;
    if (node.op === "loop") {
      const results = ofResults.get(node);
      if (!results) continue;
      const isActive = node.inputs.map((x) => active.has(x) && x.type.dtype === "f32");
      const given = d.under(node, "gradient of loop", () => loopGradient(d, node, results, isActive, (inner, by) => accumulate(d, inner, by)));
      given.forEach((a, i) => a && add(node.inputs[i] as Node, a));
      continue;
    }
    const whole = adjoints.get(node);
    if (!whole || !node.inputs.some((x) => active.has(x))) continue;
    const g = d.table[node.op].class === "elementwise" ? asChoice(d, node, whole, () => isSteep(node)) : whole;
    if (node.op === "pick") {
      const loop = node.inputs[0] as Node;
      const results = ofResults.get(loop) ?? [];
      const sofar = results[node.attrs.index];
      results[node.attrs.index] = sofar ? d.e.add(sofar, g) : g;
      ofResults.set(loop, results);
      continue;
    }
    d.call(whole, node);
    const given = node.op === "custom" ? customGradient(d, node, g) : answer(d, node, g);
    given.forEach((a, i) => {
      const input = node.inputs[i] as Node;
      if (a === noPath || !active.has(input)) return;
      d.under(node, reasonFor(node, i), () => add(input, a));
    });
  }
  return adjoints;
}

/** Asks the table and holds the rule to its contract. */
function answer(d: Derivation, node: Node, g: Node): readonly Adjoint[] {
  const record = d.table[node.op];
  const rule = record.grad as { readonly none: string } | ((e: Emit, n: Node, adjoint: Node) => readonly Adjoint[]);
  if (typeof rule !== "function") throw refused(d, node, rule.none);
  const given = rule(d.e, node, g);
  if (!Array.isArray(given) || given.length !== node.inputs.length) {
    throw broken(node, `gave ${Array.isArray(given) ? given.length : "no"} entries for ${node.inputs.length} inputs`);
  }
  node.inputs.forEach((x, i) => {
    const a = given[i] as Adjoint | undefined;
    if (a === undefined) throw broken(node, `left the adjoint of input ${i} undefined; no path must be said`);
    if (a === noPath) return;
    if (x.type.dtype !== "f32") throw broken(node, `gave an adjoint to input ${i}, which is ${printType(x.type)} and has no path`);
    if (!sameType(a.type, x.type)) throw broken(node, `gave input ${i} an adjoint of type ${printType(a.type)} where the input is ${printType(x.type)}`);
    d.note(a, [node, g], reasonFor(node, i));
  });
  return given;
}

function reasonFor(node: Node, input: number): string {
  return `gradient of ${node.op} with respect to input ${input}`;
}

function broken(node: Node, what: string): InternalError {
  return new InternalError("differentiate", `the gradient rule of ${node.op} (node ${node.id}) ${what}`);
}

function refused(d: Derivation, node: Node, why: string): UserError {
  const span = d.originOf(node)?.spans[0];
  return new UserError({
    code: "E0380",
    message: `${node.op} has no derivative: ${why}`,
    ...(span ? { span, label: "the gradient passes through here" } : {}),
  });
}
