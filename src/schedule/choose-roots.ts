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
import { access, costOf, elementsOf, isInTurns, isProduct, readsPerElement } from "./cost.ts";
import { Facts, type Marks } from "./node-facts.ts";

export interface RootChoice {
  /** Nodes that an output, a commit or the caller wants in memory, with the reason. */
  readonly demanded: ReadonlyMap<Node, string>;
  readonly host: ReadonlyMap<Node, number>;
  readonly capacity: dims.Bindings;
  /** False: every node is a root. */
  readonly inline: boolean;
}

/** Sources and nodes that one root may draw together by itself. */
const mostSources = 6;
const mostNodes = 96;
const mostSites = 12;
export function chooseRoots(order: readonly Node[], choice: RootChoice): ReadonlyMap<Node, string> {
  const facts = new Facts(order, choice.host);
  const known: Known = { order, choice, facts, loops: choice.inline ? loopsOf(order, facts) : [] };
  // What a reading costs depends on what is kept further down: once as if only loops were, then with what came of it.
  const guess = weigh(known, costAgain(known, () => false));
  return cutLong(known, weigh(known, costAgain(known, (x) => guess.forced.has(x) || (guess.roots.has(x) && !facts.moves(x)))).roots);
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
  const sites = facts.room<Uses>();
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
    const uses = sites[node.id] ?? noUses;
    const why = demand ?? loopReason(node, facts) ?? forced.get(node) ?? (choice.inline ? keepReason(node, uses, again) : "producers are not fused");
    if (why !== undefined) roots.set(node, why);
    // Uses under one root at one index are one use: the index changes at movement and at loops.
    const moved = facts.moves(node);
    const from = why === undefined ? uses : undefined;
    const own = why === undefined ? 0 : facts.isAnchor(node) ? node.id : siteOf(node, choice, shapes);
    for (let at = 0; at < node.inputs.length; at++) {
      const input = node.inputs[at] as Node;
      if (choice.inline && isAsked(input, choice, facts)) {
        const theirs = sites[input.id] ?? { sites: [], times: [] };
        sites[input.id] = theirs;
        const reads = readsPerElement(node, at, choice.capacity);
        if (from) for (let k = 0; k < from.sites.length; k++) noteUse(theirs, movedSite(from.sites[k] as number, moved ? node : undefined), (from.times[k] as number) * reads);
        else noteUse(theirs, movedSite(own, moved ? node : undefined), reads);
      }
      if (mustBePlain(node)) forcePlain(input, node, forced, facts);
      else if (node.op === "reduce" && loops[input.id] === "several") forced.set(input, "made of several loops over one shape, which share a nest");
    }
  }
  return { roots, forced };
}

/** Where a node is read, and how often at each place. */
interface Uses {
  readonly sites: number[];
  readonly times: number[];
  /** Where each place stands, once they are many. */
  positions?: Map<number, number>;
}

/** Places up to which a list is as quick as a map. */
const fewSites = 16;

const noUses: Uses = { sites: [], times: [] };

/** Whether the readings of a node say what becomes of it. */
function isAsked(node: Node, choice: RootChoice, facts: Facts): boolean {
  return !facts.isThere(node) && !facts.isFree(node) && !choice.demanded.has(node);
}

function noteUse(uses: Uses, site: number, more: number): void {
  const { sites, times } = uses;
  if (sites.length === fewSites) uses.positions ??= new Map(sites.map((s, k) => [s, k]));
  const at = uses.positions ? (uses.positions.get(site) ?? -1) : sites.indexOf(site);
  if (at >= 0) times[at] = Math.max(times[at] as number, more);
  else {
    uses.positions?.set(site, sites.length);
    sites.push(site);
    times.push(more);
  }
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
  let times = 0;
  for (const n of uses.times) times += n;
  if (uses.sites.length > mostSites && cost > access) return `read at ${uses.sites.length} places`;
  if (times <= 1) return undefined;
  const kept = cost + access + access * times;
  if (times * cost <= kept) return undefined;
  return `${round(times)} readings: again ${round(times * cost)}, kept ${round(kept)}`;
}

function round(x: number): number {
  return Math.round(x * 10) / 10;
}

/**
 * What one element costs when everything down to memory, loops and `kept` is computed in place. What one computation reads twice at one
 * index it computes once, so each cost carries the parts it is made of; beyond a movement the index is another, and its parts are one.
 */
function costAgain({ order, facts }: Known, kept: (node: Node) => boolean): Float64Array {
  const again = facts.numbers();
  const parts = facts.room<Parts>();
  const seen = facts.marks();
  // Filled anew for each node: what is kept of it is a copy of the right size.
  const own: Parts = { nodes: [], prices: [] };
  for (const node of order) {
    if (facts.isFree(node)) continue;
    own.nodes.length = own.prices.length = 0;
    seen.clear();
    const moved = facts.moves(node);
    let cost = costOf(node);
    for (let k = 0; k < node.inputs.length; k++) {
      const x = node.inputs[k] as Node;
      if (node.inputs.indexOf(x) < k) continue;
      if (facts.isThere(x) || kept(x)) {
        if (moved) cost += access;
        else addPart(own, seen, x, access);
      } else if (moved) cost += again[x.id] as number;
      else {
        const theirs = parts[x.id];
        if (theirs) for (let i = 0; i < theirs.nodes.length; i++) addPart(own, seen, theirs.nodes[i] as Node, theirs.prices[i] ?? 0);
      }
    }
    addPart(own, seen, node, cost);
    let all = 0;
    for (let i = 0; i < own.prices.length; i++) all += own.prices[i] as number;
    all = Math.min(all, 1e6);
    again[node.id] = all;
    parts[node.id] = moved || own.nodes.length > mostNodes ? { nodes: [node], prices: [all] } : { nodes: own.nodes.slice(), prices: own.prices.slice() };
  }
  return again;
}

function addPart(to: Parts, seen: Marks, part: Node, price: number): void {
  if (!seen.add(part)) return;
  to.nodes.push(part);
  to.prices.push(price);
}

/** What a cost is made of, in order. */
interface Parts {
  readonly nodes: Node[];
  readonly prices: number[];
}

/** Makes further roots where one would draw together too many nodes or sources. */
function cutLong({ order, facts }: Known, roots: ReadonlyMap<Node, string>): ReadonlyMap<Node, string> {
  const all = new Map(roots);
  /** By id; none for what is in memory. */
  const inlined = facts.room<Inlined>();
  const inMemory = (x: Node): boolean => facts.isStored(x) || all.has(x);
  const [seen, read] = [facts.marks(), facts.marks()];
  const within = (x: Node): Inlined | undefined => (inMemory(x) ? undefined : inlined[x.id]);
  // Filled anew for each node, as above.
  const own: Inlined = { nodes: [], sources: [] };
  for (const node of order) {
    if (facts.isStored(node) || (facts.isFree(node) && !all.has(node))) continue;
    for (;;) {
      own.nodes.length = own.sources.length = 0;
      seen.clear();
      read.clear();
      seen.add(node);
      own.nodes.push(node);
      for (const x of node.inputs) {
        if (inMemory(x)) {
          if (read.add(x)) own.sources.push(x);
          continue;
        }
        const theirs = inlined[x.id];
        if (!theirs) continue;
        for (const n of theirs.nodes) if (seen.add(n)) own.nodes.push(n);
        for (const s of theirs.sources) if (read.add(s)) own.sources.push(s);
      }
      inlined[node.id] = { nodes: own.nodes.slice(), sources: own.sources.slice() };
      if (own.nodes.length <= mostNodes && own.sources.length <= mostSources) break;
      const largest = node.inputs
        .filter((x) => (within(x)?.nodes.length ?? 0) > 1)
        .sort((x, y) => weight(within(y)) - weight(within(x)) || x.id - y.id)[0];
      if (!largest) break;
      all.set(largest, "its chain is long enough for one kernel");
    }
  }
  return all;
}

/** What a node draws together by itself. */
interface Inlined {
  readonly nodes: Node[];
  readonly sources: Node[];
}

function weight(part: Inlined | undefined): number {
  return part ? part.nodes.length / mostNodes + part.sources.length / mostSources : 0;
}
