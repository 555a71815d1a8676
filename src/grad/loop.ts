/**
 * The gradient of a loop: a loop in the other direction over what the first one saved. In: a loop and the adjoints of
 * its results. Out: the adjoints of its inputs.
 *
 *     forward     h[t+1] = f(h[t], x[t], c)          stacks h[t]
 *     reversed    a[t]   = f_h' a[t+1]               for h0
 *                 stacks   f_x' a[t+1]               for x
 *                 s      = s + f_c' a[t+1]           for c
 *
 * The forward loop is made again with its carries stacked (`tidyLoops` later merges the two); everything else the
 * reversed body needs is computed again from them. The reversed loop is an ordinary loop, so it has a gradient too.
 */
import type { Node, NodeOf } from "../ir/node.ts";
import { tensor } from "../ir/types.ts";
import type { TensorType } from "../ir/types.ts";
import { makeBody } from "../graph/body.ts";
import { replaceNodes, topological } from "../graph/walk.ts";
import { activeNodes, bodyLeaves, inputOfLeaf } from "./activity.ts";
import { closeLoop } from "./close-loop.ts";
import type { LoopCarry, LoopInput } from "./close-loop.ts";
import type { Derivation, Seed, Sweep } from "./derivation.ts";

/** One entry per input of the loop; undefined where the adjoint is zero or not asked for. `sweep` differentiates the body. */
export function loopGradient(
  d: Derivation,
  loop: NodeOf<"loop"> & Node,
  adjoints: readonly (Node | undefined)[],
  asked: readonly boolean[],
  sweep: Sweep,
): readonly (Node | undefined)[] {
  const { e } = d;
  const { body, carries, slices, trip } = loop.attrs;
  const order = topological(body.results);
  const leaves = new Map<number, NodeOf<"leaf"> & Node>();
  for (const leaf of bodyLeaves(order)) leaves.set(inputOfLeaf(loop, leaf) ?? -1, leaf);
  const carried = carriesWithAdjoint(loop, order, adjoints, asked, leaves);

  // The forward body over the reversed loop's leaves: what was carried is read from what was saved.
  const own = new Map<Node, Node>();
  const saved: { readonly leaf: Node; readonly stack: Node }[] = [];
  const sliced: LoopInput[] = [];
  const captured: LoopInput[] = [];
  for (const [input, leaf] of leaves) {
    const value = loop.inputs[input] as Node;
    if (input < carries) {
      const stand = e.leaf({ kind: "slice", path: `saved ${input}`, type: leaf.type });
      own.set(leaf, stand);
      saved.push({ leaf: stand, stack: leaf });
    } else if (input < carries + slices) {
      const stand = e.leaf({ kind: "slice", path: `slice ${input}`, type: leaf.type });
      own.set(leaf, stand);
      sliced.push({ leaf: stand, input: value });
    } else {
      const stand = e.leaf({ kind: "capture", path: `capture ${input}`, type: leaf.type });
      own.set(leaf, stand);
      captured.push({ leaf: stand, input: value });
    }
  }
  const values = replaceNodes(e, body.results, own);

  // Adjoints enter with the carries of the reversed loop and with its slices.
  const seeds: Seed[] = [];
  const incoming = new Map<number, Node>();
  values.forEach((value, r) => {
    if (r < carries) {
      if (!carried[r]) return;
      const leaf = e.leaf({ kind: "carry", path: `adjoint ${r}`, type: value.type });
      incoming.set(r, leaf);
      seeds.push({ node: value, adjoint: leaf });
      return;
    }
    const stack = adjoints[r];
    if (!stack) return;
    const leaf = e.leaf({ kind: "slice", path: `adjoint ${r}`, type: value.type });
    sliced.push({ leaf, input: stack });
    seeds.push({ node: value, adjoint: leaf });
  });
  const wanted = [...leaves].filter(([input, leaf]) => leaf.type.dtype === "f32" && (input < carries ? carried[input] : asked[input]));
  const flowing = sweep(seeds, wanted.map(([, leaf]) => own.get(leaf) as Node));
  const adjointOf = (input: number): Node | undefined => {
    const leaf = leaves.get(input);
    return leaf && flowing.get(own.get(leaf) as Node);
  };

  // The reversed loop's results, and where each adjoint is found among them.
  const newCarries: LoopCarry[] = [];
  const stacks: Node[] = [];
  const found = new Map<number, { readonly stack: boolean; readonly at: number }>();
  for (const [r, leaf] of incoming) {
    found.set(r, { stack: false, at: newCarries.length });
    newCarries.push({ leaf, init: adjoints[r] ?? zero(d, leaf.type), next: adjointOf(r) ?? zero(d, leaf.type) });
  }
  for (const [input, leaf] of wanted) {
    const adjoint = adjointOf(input);
    if (!adjoint || input < carries) continue;
    if (input < carries + slices) {
      found.set(input, { stack: true, at: stacks.length });
      stacks.push(adjoint);
    } else {
      const sum = e.leaf({ kind: "carry", path: `sum ${input}`, type: leaf.type });
      found.set(input, { stack: false, at: newCarries.length });
      newCarries.push({ leaf: sum, init: zero(d, leaf.type), next: e.add(sum, adjoint) });
    }
  }
  if (found.size === 0) return loop.inputs.map(() => undefined);

  const needed = new Set(topological([...newCarries.map((c) => c.next), ...stacks]));
  const kept = saved.filter((s) => needed.has(s.leaf));
  const forward = kept.length === 0 ? loop : widen(d, loop, kept.map((s) => s.stack));
  const first = body.results.length;
  const reversed = closeLoop(e, {
    trip,
    reverse: !loop.attrs.reverse,
    carries: newCarries,
    slices: [...kept.map((s, k) => ({ leaf: s.leaf, input: e.pick(forward, first + k) })), ...sliced],
    captures: captured,
    stacks,
  });
  return loop.inputs.map((_, input) => {
    const place = found.get(input);
    return place && e.pick(reversed, place.stack ? newCarries.length + place.at : place.at);
  });
}

/** The same loop with further values of its body stacked after its results. */
function widen(d: Derivation, loop: NodeOf<"loop">, stacks: readonly Node[]): NodeOf<"loop"> & Node {
  const body = makeBody([...loop.attrs.body.results, ...stacks]);
  return d.e.make("loop", { ...loop.attrs, body }, loop.inputs);
}

/**
 * For each carry whether its adjoint can be other than zero: it depends on what is asked for, and a result with an
 * adjoint depends on it, in this turn or a later one.
 */
function carriesWithAdjoint(
  loop: NodeOf<"loop">,
  order: readonly Node[],
  adjoints: readonly (Node | undefined)[],
  asked: readonly boolean[],
  leaves: ReadonlyMap<number, Node>,
): readonly boolean[] {
  const { body, carries } = loop.attrs;
  const depends = dependentCarries(loop, order, asked, leaves);
  const reached = body.results.map((_, r) => adjoints[r] !== undefined);
  for (;;) {
    let grown = false;
    for (let k = 0; k < carries; k++) {
      const leaf = leaves.get(k);
      if (reached[k] || !leaf || leaf.type.dtype !== "f32") continue;
      const active = activeNodes(order, [leaf]);
      if (body.results.some((result, r) => reached[r] && active.has(result))) {
        reached[k] = true;
        grown = true;
      }
    }
    if (!grown) return Array.from({ length: carries }, (_, k) => (reached[k] ?? false) && (depends[k] ?? false));
  }
}

function dependentCarries(loop: NodeOf<"loop">, order: readonly Node[], asked: readonly boolean[], leaves: ReadonlyMap<number, Node>): readonly boolean[] {
  const { body, carries } = loop.attrs;
  const depends = Array.from({ length: carries }, (_, k) => asked[k] ?? false);
  for (;;) {
    const sources = [...leaves].filter(([i, leaf]) => leaf.type.dtype === "f32" && (i < carries ? depends[i] : asked[i])).map(([, leaf]) => leaf);
    const active = activeNodes(order, sources);
    let grown = false;
    for (let k = 0; k < carries; k++) {
      if (!depends[k] && active.has(body.results[k] as Node)) {
        depends[k] = true;
        grown = true;
      }
    }
    if (!grown) return depends;
  }
}

function zero(d: Derivation, type: TensorType): Node {
  return d.e.const(tensor("f32", type.shape), 0);
}
