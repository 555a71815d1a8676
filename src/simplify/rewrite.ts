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
import type { Node, NodeOf, OpName } from "../ir/node.ts";
import { sameType, printType } from "../ir/types.ts";
import { InternalError } from "../support/diagnostic.ts";
import { makeBody } from "../graph/body.ts";
import type { Rule } from "./rule.ts";

/** What fired: per rule, and per node that a rule replaced. */
export interface Ledger {
  readonly hits: ReadonlyMap<string, number>;
  readonly replaced: ReadonlyMap<Node, { readonly rule: string; readonly by: Node }>;
}

export interface Rewritten {
  readonly roots: readonly Node[];
  /** What each node met on the way became. */
  readonly became: ReadonlyMap<Node, Node>;
  readonly ledger: Ledger;
}

/** Firings allowed for each node of the input, and a floor for small graphs. */
const capPerNode = 64;
const capFloor = 4096;

/** Brings the roots into the normal form of the rules. */
export function rewrite(e: Emit, roots: readonly Node[], rules: readonly Rule[], onReplace?: (from: Node, to: Node, rule: Rule) => void): Rewritten {
  const byOp = new Map<OpName, Rule[]>();
  for (const rule of rules) for (const op of rule.ops) byOp.set(op, [...(byOp.get(op) ?? []), rule]);
  const normal = new Map<Node, Node>();
  const hits = new Map<string, number>();
  const replaced = new Map<Node, { rule: string; by: Node }>();
  let fired = 0;

  const step = (node: Node): Node | undefined => {
    for (const rule of byOp.get(node.op) ?? []) {
      const by = rule.apply(node, e);
      if (!by || by === node) continue;
      if (!sameType(by.type, node.type)) {
        throw new InternalError("rewrite", `rule ${rule.name} turned ${node.op} (node ${node.id}) of type ${printType(node.type)} into ${printType(by.type)}`);
      }
      hits.set(rule.name, (hits.get(rule.name) ?? 0) + 1);
      replaced.set(node, { rule: rule.name, by });
      onReplace?.(node, by, rule);
      if (++fired > capFloor + capPerNode * normal.size) {
        throw new InternalError("rewrite", `no end in sight after ${fired} firings; the last was ${rule.name} at ${node.op} (node ${node.id})`);
      }
      return by;
    }
    return undefined;
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
      const waiting = frame.node.inputs.filter((x) => !normal.has(x));
      if (waiting.length > 0) {
        for (let i = waiting.length - 1; i >= 0; i--) stack.push({ node: waiting[i] as Node, to: undefined });
        continue;
      }
      const inputs = frame.node.inputs.map((x) => normal.get(x) as Node);
      // Made even when nothing changed: the roots may come from another builder.
      const made = withNormalBody(e.make(frame.node.op, frame.node.attrs, inputs));
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

  const withNormalBody = (node: Node): Node => {
    if (node.op !== "loop") return node;
    const body = node.attrs.body.results;
    for (const result of body) bring(result);
    const results = body.map((r) => normal.get(r) as Node);
    return results.every((r, i) => r === body[i]) ? node : remade(e, node, results);
  };

  for (const root of roots) bring(root);
  return { roots: roots.map((r) => normal.get(r) as Node), became: normal, ledger: { hits, replaced } };
}

function remade(e: Emit, loop: NodeOf<"loop"> & Node, results: readonly Node[]): Node {
  return e.make("loop", { ...loop.attrs, body: makeBody(results) }, loop.inputs);
}
