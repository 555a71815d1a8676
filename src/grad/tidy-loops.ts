/**
 * Loops made to do no more than is read. In: roots. Out: the same values, where loops that run the same turns over
 * the same inputs are one loop with all their stacks, and results that nobody picks are gone, with the carries,
 * slices and captures that only they needed.
 *
 *     pick 0 of loop(h)  and  pick 1 of loop(h, stack h)     ->  pick 0, 1 of loop(h, stack h)
 *
 * A gradient needs the forward loop again with its carries stacked: this is where the two become one.
 */
import type { Node, NodeOf } from "../ir/node.ts";
import { makeBody } from "../graph/body.ts";
import type { Builder } from "../graph/builder.ts";
import { rebuild, topological } from "../graph/walk.ts";
import { bodyLeaves, inputOfLeaf } from "./activity.ts";
import { closeLoop } from "./close-loop.ts";
import { keepOrigins } from "./derivation.ts";

type Loop = NodeOf<"loop"> & Node;

/** Merges and prunes the loops that the roots need, until nothing is left to do. */
export function tidyLoops(e: Builder, roots: readonly Node[]): readonly Node[] {
  if (!e.hasMade("loop")) return roots;
  let tidy = roots;
  for (;;) {
    const order = topological(tidy);
    const loops = order.filter((n): n is Loop => n.op === "loop");
    if (loops.length === 0) return tidy;
    const wide = widest(e, loops);
    const picked = picksOf(order);
    // A loop that was merged keeps nothing of its own: its picks count for the one it became.
    const read = new Map<Node, Set<number>>();
    for (const loop of loops) {
      const target = wide.get(loop);
      const into = target ? target.loop : loop;
      const set = read.get(into) ?? new Set<number>();
      for (const i of picked.get(loop) ?? []) set.add(target ? (target.position[i] as number) : i);
      read.set(into, set);
    }
    let changed = false;
    const next = rebuild(e, tidy, (node, inputs) => {
      if (node.op !== "pick") return undefined;
      const original = node.inputs[0] as Loop;
      const target = wide.get(original);
      const loop = target ? target.loop : original;
      const index = target ? (target.position[node.attrs.index] as number) : node.attrs.index;
      const slim = prune(e, loop, inputs[0] as Loop, read.get(loop) ?? new Set());
      if (!slim && !target) return undefined;
      changed = true;
      if (slim) return e.pick(slim.loop, slim.position.get(index) as number);
      return e.pick(e.make("loop", loop.attrs, (inputs[0] as Loop).inputs), index);
    }, { around: keepOrigins(e) });
    tidy = next;
    if (!changed) return tidy;
  }
}

/** For each loop that has a twin: the loop with the stacks of all, and where its own results stand in it. */
function widest(e: Builder, loops: readonly Loop[]): ReadonlyMap<Node, { readonly loop: Loop; readonly position: readonly number[] }> {
  const groups = new Map<string, Loop[]>();
  for (const loop of loops) {
    const { trip, carries, slices, reverse, body } = loop.attrs;
    const turns = body.results.slice(0, carries).map((r) => r.id);
    const key = JSON.stringify([trip, carries, slices, reverse, turns, loop.inputs.map((x) => x.id)]);
    groups.set(key, [...(groups.get(key) ?? []), loop]);
  }
  const wide = new Map<Node, { loop: Loop; position: readonly number[] }>();
  for (const twins of groups.values()) {
    const [first] = twins;
    if (!first || twins.length < 2) continue;
    const { carries } = first.attrs;
    const stacks = [...new Set(twins.flatMap((l) => l.attrs.body.results.slice(carries)))];
    const turns = first.attrs.body.results.slice(0, carries);
    const loop = e.make("loop", { ...first.attrs, body: makeBody([...turns, ...stacks]) }, first.inputs);
    for (const twin of twins) {
      const position = twin.attrs.body.results.map((r, i) => (i < carries ? i : carries + stacks.indexOf(r)));
      wide.set(twin, { loop, position });
    }
  }
  return wide;
}

function picksOf(order: readonly Node[]): ReadonlyMap<Node, ReadonlySet<number>> {
  const picked = new Map<Node, Set<number>>();
  for (const node of order) {
    if (node.op !== "pick") continue;
    const loop = node.inputs[0] as Node;
    picked.set(loop, (picked.get(loop) ?? new Set()).add(node.attrs.index));
  }
  return picked;
}

/** `loop` over the inputs of `current`, with only the results that are read; undefined when all of it is needed. */
function prune(e: Builder, loop: Loop, current: Loop, read: ReadonlySet<number>): { readonly loop: Loop; readonly position: ReadonlyMap<number, number> } | undefined {
  const { body, carries, slices, trip, reverse } = loop.attrs;
  const leaves = new Map<number, Node>();
  for (const leaf of bodyLeaves(topological(body.results))) leaves.set(inputOfLeaf(loop, leaf) ?? -1, leaf);
  const kept = neededCarries(loop, read, leaves);
  const stacks = body.results.map((_, i) => i).filter((i) => i >= carries && read.has(i));
  const used = new Set(topological([...kept, ...stacks].map((i) => body.results[i] as Node)));
  const whole = loop.inputs.every((_, i) => (i < carries ? kept.includes(i) : used.has(leaves.get(i) as Node)));
  if (whole && kept.length + stacks.length === body.results.length) return undefined;
  const range = (from: number, to: number): { leaf: Node; input: Node }[] => {
    const found = [];
    for (let i = from; i < to; i++) {
      const leaf = leaves.get(i);
      if (leaf) found.push({ leaf, input: current.inputs[i] as Node });
    }
    return found;
  };
  const slim = closeLoop(e, {
    trip,
    reverse,
    carries: kept.map((k) => ({
      leaf: leaves.get(k) ?? e.leaf({ kind: "carry", path: `unread ${k}`, type: (loop.inputs[k] as Node).type }),
      init: current.inputs[k] as Node,
      next: body.results[k] as Node,
    })),
    slices: range(carries, carries + slices),
    captures: range(carries + slices, loop.inputs.length),
    stacks: stacks.map((i) => body.results[i] as Node),
  });
  return { loop: slim, position: new Map([...kept, ...stacks].map((i, at) => [i, at])) };
}

/** The carries that a result which is read depends on, in any turn. */
function neededCarries(loop: Loop, read: ReadonlySet<number>, leaves: ReadonlyMap<number, Node>): readonly number[] {
  const { body, carries } = loop.attrs;
  const needed = new Set([...read].filter((i) => i < carries));
  for (;;) {
    const roots = body.results.filter((_, i) => (i < carries ? needed.has(i) : read.has(i)));
    const used = new Set(topological(roots));
    const before = needed.size;
    for (let k = 0; k < carries; k++) {
      const leaf = leaves.get(k);
      if (leaf && used.has(leaf)) needed.add(k);
    }
    if (needed.size === before) return [...needed].sort((a, b) => a - b);
  }
}
