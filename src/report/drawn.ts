/**
 * Values that are made of draws alone and long to write: a gamma draw is forty lines of tries, and no derivative flows through it. In:
 * the roots of what is written. Out: the values that are written as `drawn(path)`, and the path that their draws have in common, numbered where it
 * is of several.
 *
 *     λ = sigmoid(log(gamma(α)) - log(gamma(α)))       sigmoid(drawn(λ))
 */
import { topological } from "../graph/topological.ts";
import type { Node } from "../ir/node.ts";

/** What takes no more operations is written out: a dropout's mask, a normal number. */
const short = 24;

/** By value what it is drawn for. */
export function drawnValues(roots: readonly Node[]): ReadonlyMap<Node, string> {
  const order = topological(roots);
  const alone = new Set<Node>();
  for (const node of order) if (node.op === "random" || node.op === "const" || node.op === "size" || node.op === "iota" || (node.inputs.length > 0 && node.inputs.every((x) => alone.has(x)))) alone.add(node);
  const wanted = new Set([...roots, ...order.filter((n) => !alone.has(n)).flatMap((n) => n.inputs)].filter((n) => alone.has(n)));
  const found = new Map<Node, string>();
  const counts = new Map<string, number>();
  const seen = new Set<Node>();
  for (const root of wanted) {
    if (!isLong(root)) continue;
    // What is done to one long value is written out, so that λ and 1 - λ are of one draw.
    let node = root;
    for (let long = longInputs(node); long.length === 1 && !seen.has(node); long = longInputs(node)) {
      seen.add(node);
      node = long[0] as Node;
    }
    if (seen.has(node)) continue;
    seen.add(node);
    const path = inCommon(topological([node]).flatMap((n) => (n.op === "random" ? [n.attrs.path] : [])));
    if (path === undefined) continue;
    const count = (counts.get(path) ?? 0) + 1;
    counts.set(path, count);
    found.set(node, count === 1 ? path : `${path}, ${count}`);
  }
  return found;
}

const longInputs = (node: Node): readonly Node[] => [...new Set(node.inputs)].filter(isLong);

/** Looks no further than it must. */
function isLong(node: Node): boolean {
  const seen = new Set([node]);
  for (const at of seen) {
    for (const x of at.inputs) seen.add(x);
    if (seen.size > short) return true;
  }
  return false;
}

/** The parts of the paths that all begin with; undefined where nothing is drawn. */
function inCommon(paths: readonly string[]): string | undefined {
  if (paths.length === 0) return undefined;
  const [first = [], ...others] = paths.map((p) => p.split("."));
  const end = first.findIndex((part, k) => others.some((o) => o[k] !== part));
  return (end < 0 ? first : first.slice(0, end)).join(".");
}
