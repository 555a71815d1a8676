/**
 * Which nodes a derivative can flow through. In: nodes in topological order and the nodes differentiated by.
 * Out: the nodes whose value depends on those differentiably. A path ends at `stop` and at anything that is not
 * f32 (an index, a condition), so `argmax(x) == y` depends on x and yet no derivative flows.
 *
 *     a = leaf; b = exp(a); c = stop(b)         // by a: a and b are active, c is not
 */
import type { Body, Node, NodeOf } from "../ir/node.ts";
import { topological } from "../graph/walk.ts";

/** The nodes of `order` through which a derivative by `sources` flows, the sources included. */
export function activeNodes(order: readonly Node[], sources: Iterable<Node>): ReadonlySet<Node> {
  const active = new Set<Node>(sources);
  for (const node of order) if (!active.has(node) && flows(node, active)) active.add(node);
  return active;
}

/** True when `value` depends on `wrt` along a path that carries a derivative. */
export function reaches(value: Node, wrt: Node): boolean {
  return value === wrt || activeNodes(topological([value]), [wrt]).has(value);
}

/** For each result of the loop, whether it depends differentiably on an input for which `isActive` holds. */
export function activeResults(loop: NodeOf<"loop">, isActive: (input: number) => boolean): readonly boolean[] {
  const { body, carries } = loop.attrs;
  const order = topological(body.results);
  const leaves = bodyLeaves(order);
  const carryActive = Array.from({ length: carries }, (_, k) => isActive(k));
  for (;;) {
    const sources = leaves.filter((leaf) => {
      const input = inputOfLeaf(loop, leaf);
      return leaf.type.dtype === "f32" && input !== undefined && (input < carries ? carryActive[input] : isActive(input));
    });
    const active = activeNodes(order, sources);
    const results = body.results.map((r, i) => active.has(r) || (i < carries && carryActive[i] === true));
    const grown = carryActive.some((was, k) => !was && results[k]);
    if (!grown) return results;
    for (let k = 0; k < carries; k++) carryActive[k] = results[k] ?? false;
  }
}

/** The leaves of a body that stand for an input of its loop. */
export function bodyLeaves(order: readonly Node[]): NodeOf<"leaf">[] {
  return order.filter((n): n is NodeOf<"leaf"> => n.op === "leaf" && n.attrs.kind !== "iteration" && n.attrs.kind !== "rule");
}

/** The position among the loop's inputs that a leaf of its body stands for; undefined for leaves of another kind. */
export function inputOfLeaf(loop: { readonly attrs: { readonly carries: number; readonly slices: number; readonly body: Body } }, leaf: NodeOf<"leaf">): number | undefined {
  const { carries, slices } = loop.attrs;
  const position = Number(leaf.attrs.path);
  if (leaf.attrs.kind === "carry") return position;
  if (leaf.attrs.kind === "slice") return carries + position;
  if (leaf.attrs.kind === "capture") return carries + slices + position;
  return undefined;
}

function flows(node: Node, active: ReadonlySet<Node>): boolean {
  if (node.op === "stop") return false;
  if (node.op === "loop") return activeResults(node, (i) => active.has(node.inputs[i] as Node)).some((r) => r);
  if (node.type.dtype !== "f32") return false;
  if (node.op === "pick") {
    const loop = node.inputs[0];
    if (loop?.op !== "loop" || !active.has(loop)) return false;
    return activeResults(loop, (i) => active.has(loop.inputs[i] as Node))[node.attrs.index] ?? false;
  }
  return pathInputs(node).some((x) => active.has(x));
}

/** The inputs that a derivative flows to: of a value with a rule of its own, the arguments that the rule speaks of. */
function pathInputs(node: Node): readonly Node[] {
  return node.op === "custom" ? node.inputs.filter((_, i) => i >= 3 && i % 2 === 1) : node.inputs;
}
