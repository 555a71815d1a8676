/**
 * Decides which values get memory. In: the nodes of an entry in topological order. Out: the roots, each with the
 * reason; every other node is computed where it is used, again for each use.
 *
 * A value is a root when it leaves the entry, when it is a loop (reduction, contraction), when a contraction or a
 * scatter reads it (they read each element many times), or when computing it again costs more than a store and
 * the loads. Chains too long or with too many sources for one kernel are cut.
 */
import * as dims from "../ir/dims.ts";
import type { Node } from "../ir/node.ts";
import { printShape, sameShape } from "../ir/types.ts";
import { access, elementsOf, isInTurns, isProduct, readsPerElement } from "./cost.ts";
import { costAgain } from "./cost-again.ts";
import { cutLong } from "./cut-long.ts";
import { Facts } from "./node-facts.ts";
import { Uses } from "./uses.ts";

export interface RootChoice {
  /** Nodes that an output, a commit or the caller wants in memory, with the reason. */
  readonly demanded: ReadonlyMap<Node, string>;
  readonly host: ReadonlyMap<Node, number>;
  readonly capacity: dims.Bindings;
  /** False: every node is a root. */
  readonly inline: boolean;
}

const mostSites = 12;

export function chooseRoots(order: readonly Node[], choice: RootChoice): ReadonlyMap<Node, string> {
  const facts = new Facts(order, choice.host);
  const known: Known = { order, choice, facts, loops: choice.inline ? loopsOf(order, facts) : [] };
  // What a reading costs depends on what is kept further down: once as if only loops were, then with what came of it.
  const guess = weigh(known, costAgain(order, facts, () => false));
  const again = costAgain(order, facts, (x) => guess.forced.has(x) || (guess.roots.has(x) && !facts.moves(x)));
  return cutLong(order, facts, weigh(known, again).roots);
}

type Loops = readonly (Node | "several" | undefined)[];

/** What stays as it is while costs are weighed. */
interface Known {
  readonly order: readonly Node[];
  readonly choice: RootChoice;
  readonly facts: Facts;
  readonly loops: Loops;
}

interface Weighed {
  readonly roots: ReadonlyMap<Node, string>;
  /** Those that are roots whatever they cost. */
  readonly forced: ReadonlyMap<Node, string>;
}

function weigh({ order, choice, facts, loops }: Known, again: Float64Array): Weighed {
  const roots = new Map<Node, string>();
  const uses = new Uses(facts.count);
  const shapes = new Map<string, number>();
  const forced = new Map<Node, string>();
  for (let i = order.length - 1; i >= 0; i--) {
    const node = order[i] as Node;
    if (elementsOf(node, choice.capacity) === 0) continue;
    const demand = choice.demanded.get(node);
    if (facts.isStored(node)) {
      // Read from its own memory by everyone; the root is the copy that was asked for.
      if (demand !== undefined) roots.set(node, demand);
      continue;
    }
    if (facts.isFree(node) && !demand) continue;
    const why = demand ?? loopReason(node, facts) ?? forced.get(node) ?? (choice.inline ? keepReason(node, uses, again) : "producers are not fused");
    if (why !== undefined) roots.set(node, why);
    // Uses under one root at one index are one use: the index changes at movement and at loops.
    const moved = facts.moves(node);
    const by = moved ? node : undefined;
    const own = why === undefined ? 0 : facts.isAnchor(node) ? node.id : siteOf(node, choice, shapes);
    for (let at = 0; at < node.inputs.length; at++) {
      const input = node.inputs[at] as Node;
      if (choice.inline && isAsked(input, choice, facts)) {
        const reads = facts.readsAnew(node) ? readsPerElement(node, at, choice.capacity) : 1;
        if (why === undefined) uses.pass(node, input, reads, (site) => movedSite(site, by));
        else uses.note(input, movedSite(own, by), reads);
      }
      if (mustBePlain(node)) forcePlain(input, node, forced, facts);
      else if (node.op === "reduce" && loops[input.id] === "several") forced.set(input, "made of several loops over one shape, which share a nest");
    }
  }
  return { roots, forced };
}

/** Whether the readings of a node say what becomes of it. */
function isAsked(node: Node, choice: RootChoice, facts: Facts): boolean {
  return !facts.isThere(node) && !facts.isFree(node) && !choice.demanded.has(node);
}

/**
 * By id, the loop that an elementwise node reads at its own shape, through others of that shape: with it in memory they need not be. "several"
 * where there are more.
 */
function loopsOf(order: readonly Node[], facts: Facts): Loops {
  const found = facts.room<Node | "several">();
  for (const node of order) {
    if (node.type.shape.length === 0 || facts.moves(node)) continue;
    let own: Node | "several" | undefined;
    for (const x of node.inputs) {
      const loop = facts.isAnchor(x) && !mustBePlain(x) && !isInTurns(x) ? x : undefined;
      const theirs = found[x.id];
      if ((!loop && !theirs) || !sameShape(x.type.shape, node.type.shape)) continue;
      for (const one of [loop, theirs]) if (one) own = own === undefined || own === one ? one : "several";
    }
    found[node.id] = own;
  }
  return found;
}

/** More than there are nodes: a site is a place where something computes, and the movement on the way to it in what is left over. */
const places = 2 ** 26;

/** Where a root computes. The elementwise values of one shape that leave the entry (updates of a parameter) share a nest. */
function siteOf(root: Node, choice: RootChoice, shapes: Map<string, number>): number {
  if (!choice.demanded.has(root)) return root.id;
  const shape = printShape(root.type.shape);
  const known = shapes.get(shape) ?? places - 1 - shapes.size;
  shapes.set(shape, known);
  return known;
}

/** The same place through a movement; only the last one counts. */
function movedSite(site: number, by: Node | undefined): number {
  return by ? (site % places) + places * (by.id + 1) : site;
}

function loopReason(node: Node, facts: Facts): string | undefined {
  if (facts.isAnchor(node)) return `${node.op} is a loop`;
  return facts.isTable(node) ? "a table" : undefined;
}

function mustBePlain(node: Node): boolean {
  return isProduct(node) || node.op === "scatter_sum";
}

/**
 * Operands that are read many times are read from memory, through views alone. What has to be written for that is written in the order in
 * which it is read, where that is another: a reshape of something moved takes positions apart, better once for each element than for each reading.
 */
function forcePlain(operand: Node, reader: Node, forced: Map<Node, string>, facts: Facts): void {
  let at = operand;
  let ordered: Node | undefined;
  while (at.op === "view" || at.op === "reshape") {
    const from = at.inputs[0] as Node;
    if (at.op === "reshape" && (from.op === "view" || from.op === "reshape")) ordered ??= at;
    at = from;
  }
  const isThere = facts.isThere(at) || forced.has(at);
  const same = ordered && dims.equal(dims.product(ordered.type.shape), dims.product(at.type.shape));
  const plain = ordered && same && !isThere ? ordered : at;
  if (!forced.has(plain)) forced.set(plain, `operand of ${reader.op} %${reader.id}, read many times`);
}

function keepReason(node: Node, uses: Uses, again: Float64Array): string | undefined {
  const cost = again[node.id] as number;
  const times = uses.times(node);
  if (uses.count(node) > mostSites && cost > access) return `read at ${uses.count(node)} places`;
  if (times <= 1) return undefined;
  const kept = cost + access + access * times;
  if (times * cost <= kept) return undefined;
  return `${round(times)} readings: again ${round(times * cost)}, kept ${round(kept)}`;
}

function round(x: number): number {
  return Math.round(x * 10) / 10;
}
