/**
 * The rewrite driver. In: roots, rules, where nodes are made. Out: the roots in normal form, and a ledger of which
 * rule fired how often and where. Work is done inputs first: a node is made over inputs in normal form, then the rules
 * for its op are tried in the order of the table; what a rule answers is brought into normal form in turn.
 *
 *     rewrite(e, [e.add(x, e.like(x, 0))], rules)     // { roots: [x], ledger: { hits: { "add-zero": 1 } } }
 *
 * Invariants: deterministic in the order of roots and rules; iterative, so depth costs no stack; bodies of loops are
 * rewritten too; a `mark` is opaque, so no rule reaches across one. Each rule lowers the measure documented in
 * `table.ts`; should one not, the cap turns the endless loop into an InternalError naming it.
 */
import type { Emit } from "../ir/emit.ts";
import type { Body, Node, NodeOf, OpName } from "../ir/node.ts";
import { sameType, printType } from "../ir/types.ts";
import { InternalError } from "../support/diagnostic.ts";
import { makeBody } from "../graph/body.ts";
import { topological } from "../graph/walk.ts";
import type { Rule } from "./rule.ts";

/** What fired: per rule, and per node that a rule replaced. */
export interface Ledger {
  readonly hits: ReadonlyMap<string, number>;
  readonly replaced: ReadonlyMap<Node, { readonly rule: string; readonly by: Node }>;
}

/** The roots in normal form, and how they got there. */
export interface Rewritten {
  readonly roots: readonly Node[];
  /** What each node met on the way became. */
  readonly became: ReadonlyMap<Node, Node>;
  readonly ledger: Ledger;
}

/** Firings allowed for each node of the input, and a floor for small graphs. */
const capPerNode = 64;
const capFloor = 4096;

/** Runs around whatever is made in place of a node: where origins are carried over. */
export type Around = (from: Node, make: () => Node | undefined) => Node | undefined;

/** Brings the roots into the normal form of the rules. */
export function rewrite(e: Emit, roots: readonly Node[], rules: readonly Rule[], around: Around = (_, make) => make()): Rewritten {
  const byOp = new Map<OpName, Rule[]>();
  for (const rule of rules) for (const op of rule.ops) byOp.set(op, [...(byOp.get(op) ?? []), rule]);
  const normal = new Map<Node, Node>();
  const hits = new Map<string, number>();
  const replaced = new Map<Node, { rule: string; by: Node }>();
  let fired = 0;
  let cap = capFloor + capPerNode * topological(roots).length;

  /** What the first rule that fits makes of the node. */
  const first = (node: Node, fitting: readonly Rule[]): Node | undefined => {
    for (const rule of fitting) {
      const by = rule.apply(node, e);
      if (!by || by === node) continue;
      if (!sameType(by.type, node.type)) {
        throw new InternalError("rewrite", `rule ${rule.name} turned ${node.op} (node ${node.id}) of type ${printType(node.type)} into ${printType(by.type)}`);
      }
      hits.set(rule.name, (hits.get(rule.name) ?? 0) + 1);
      replaced.set(node, { rule: rule.name, by });
      if (++fired > cap) {
        const last = [...replaced].slice(-6).map(([n, r]) => `${r.rule} at ${n.op} (node ${n.id})`);
        throw new InternalError("rewrite", `no end in sight after ${fired} firings; the last were ${last.join(", ")}`);
      }
      return by;
    }
    return undefined;
  };

  const step = (node: Node): Node | undefined => {
    const fitting = byOp.get(node.op);
    return fitting && around(node, () => first(node, fitting));
  };

  const bring = (root: Node): void => {
    // A frame waits for its inputs, then for what its node became.
    const stack: { node: Node; to: Node | undefined }[] = [{ node: root, to: undefined }];
    while (stack.length > 0) {
      const frame = stack[stack.length - 1] as { node: Node; to: Node | undefined };
      if (normal.has(frame.node)) {
        stack.pop();
        continue;
      }
      if (frame.to) {
        const end = normal.get(frame.to);
        if (!end) throw new InternalError("rewrite", `node ${frame.node.id} became a node that never came to rest`);
        normal.set(frame.node, end);
        stack.pop();
        continue;
      }
      const { node } = frame;
      const above = stack.length;
      for (let i = node.inputs.length - 1; i >= 0; i--) if (!normal.has(node.inputs[i] as Node)) stack.push({ node: node.inputs[i] as Node, to: undefined });
      if (stack.length > above) continue;
      const inputs = node.inputs.map((x) => normal.get(x) as Node);
      // Leaves are made even when nothing changed, since the roots may come from another builder; what has inputs in
      // normal form is of this one. Bodies of loops are brought into normal form in `again`.
      const settled = node.inputs.length > 0 && node.op !== "loop" && inputs.every((x, i) => x === node.inputs[i]);
      const made = settled ? node : again(node, inputs);
      const next = made !== frame.node ? made : step(made);
      if (!next) {
        normal.set(frame.node, frame.node);
        stack.pop();
        continue;
      }
      frame.to = next;
      if (!normal.has(next)) stack.push({ node: next, to: undefined });
    }
  };

  const again = (node: Node, inputs: readonly Node[]): Node => {
    const body = node.op === "loop" ? normalBody(node) : undefined;
    const make = (): Node => (node.op === "loop" && body ? e.make("loop", { ...node.attrs, body }, inputs) : e.make(node.op, node.attrs, inputs));
    return around(node, make) ?? make();
  };

  const normalBody = (loop: NodeOf<"loop">): Body => {
    const { results } = loop.attrs.body;
    cap += capPerNode * topological(results).length;
    for (const result of results) bring(result);
    return makeBody(results.map((r) => normal.get(r) as Node));
  };

  for (const root of roots) bring(root);
  return { roots: roots.map((r) => normal.get(r) as Node), became: normal, ledger: { hits, replaced } };
}
