/**
 * Decides what runs as one kernel and writes it as nests. In: the simplified graph of one entry, the capacities of
 * its size symbols, a profile. Out: nests in order, the buffers between them, the entry's host scalars.
 *
 *     prepare -> host scalars -> choose roots -> lay side by side -> fuse -> lower -> order -> join over arenas -> offsets apart
 *
 * Invariants of the result (see verify-schedule.ts): each buffer is written before it is read and by one nest; loads
 * that may lie outside their tensor are guarded; outputs and commits are all produced. Equal graphs give equal schedules.
 */
import { rootsOf } from "../graph/walk.ts";
import type { Buffer, Nest, Profile, Schedule } from "../ir/kernel.ts";
import type { Graph, Node } from "../ir/node.ts";
import { identityNest } from "./identity-nest.ts";
import { Buffers } from "./buffers.ts";
import { chooseRoots } from "./choose-roots.ts";
import { elementsOf, isInTurns } from "./cost.ts";
import { fuse } from "./fuse.ts";
import { hostScalars } from "./host-scalars.ts";
import { joinOverArenas } from "./join-over-arenas.ts";
import { AlikeGroups } from "./lower-alike.ts";
import { lowerTurns } from "./lower-turns.ts";
import type { Surroundings } from "./elements.ts";
import { isFree, isStored } from "./node-facts.ts";
import { offsetsApart } from "./offsets-apart.ts";
import { order as orderNests } from "./order.ts";
import { prepare } from "./prepare.ts";
import { sideBySide, throughArenas, type SideBySide } from "./side-by-side.ts";

/** The optimisations that `off` may name. */
export const scheduleSwitches = ["fuse-producer", "fuse-epilogue", "fuse-row", "multi-output", "join-reductions", "split-product", "masks", "centred", "concat", "arena", "offsets", "reordered"] as const;

/** Where parameters and states lie: arenas follow it. */
export interface Stored {
  /** The first element of a parameter or state in the store. */
  readonly at: (path: string) => number | undefined;
  /** Each tensor begins at a multiple of this many elements. */
  readonly alignment: number;
  /** Elements that an arena may have. */
  readonly most: number;
}

export interface ScheduleOptions {
  /** The largest value of each size symbol. */
  readonly capacity: Readonly<Record<string, number>>;
  readonly profile: Profile;
  /** Optimisations not to do. */
  readonly off?: ReadonlySet<string>;
  /** Nodes of the graph that must lie in memory. */
  readonly keep?: ReadonlySet<Node>;
  /** The layout of the store; without it no arenas are made. */
  readonly stored?: Stored;
}

export function schedule(graph: Graph, options: ScheduleOptions): Schedule {
  const { capacity, off = new Set<string>(), keep = new Set<Node>(), stored } = options;
  const beside = off.has("concat") ? undefined : stored;
  const { graph: prepared, survey: { order }, became, stacks, why } = prepare(graph, capacity, { keep, join: !off.has("join-reductions"), split: !off.has("split-product"), masks: !off.has("masks"), centred: !off.has("centred"), device: options.profile.name, ...(beside && { beside }) });
  const host = hostScalars(order, rootsOf(prepared));
  const buffers = new Buffers(capacity);
  buffers.declare(prepared, order);

  const demanded = new Map<Node, string>();
  for (const node of keep) {
    const kept = became.get(node);
    if (kept) demanded.set(kept, "asked for");
  }
  for (const node of buffers.stores.keys()) demanded.set(node, "leaves the entry");
  const leaves = new Map<string, Node>();
  for (const n of order) if (n.op === "leaf") leaves.set(`${n.attrs.kind} ${n.attrs.path}`, n);
  const kept = new Map(chooseRoots(order, { demanded, host: host.of, capacity, inline: !off.has("fuse-producer") }));
  const roots: ReadonlyMap<Node, string> = kept;
  const laid = beside ? sideBySide(order, roots, { ...beside, capacity, demanded, stacks }) : new Map<Node, SideBySide>();
  for (const [node, { parts }] of laid) {
    kept.set(node, "its parts are written where it lies");
    for (const p of parts) if (!isStored(p.node) && !kept.has(p.node)) kept.set(p.node, `a part of concat %${node.id}`);
  }
  for (const [node, reason] of why) if (kept.has(node)) kept.set(node, `${kept.get(node)}; ${reason}`);
  const targets = new Map(prepared.commits.flatMap(({ kind, path, node }) => {
    const leaf = leaves.get(`${kind} ${path}`);
    return leaf ? [[node, leaf] as const] : [];
  }));
  const groups = fuse(order, roots, { capacity, demanded, targets, off, buffers: options.profile.storageBuffers, slabs: slabsFit(order, roots, capacity), laid });

  const groupOf = new Map(groups.flatMap((g) => g.members.map((m) => [m, g] as const)));
  for (const [node, parts] of laid) buffers.arena(node, parts);
  for (const node of readAcross(groups.flatMap((g) => g.members), groupOf, roots)) buffers.temp(node);
  for (const node of demanded.keys()) if (elementsOf(node, capacity) > 0 && roots.has(node)) buffers.temp(node);

  const alike = new AlikeGroups();
  const nests = groups.map((group): Nest => {
    const own = new Set(group.members);
    const around: Surroundings = {
      buffer: (n) => (isStored(n) || !(own.has(n) || isFree(n, { host: host.of })) ? buffers.of(n) : undefined),
      host: (n) => host.of.get(n),
      apart: (n) => buffers.apart.get(n),
    };
    const inTurns = group.members.some(isInTurns);
    const input = { group, stores: buffers.stores, around, capacity };
    return throughArenas(inTurns ? lowerTurns(input) : alike.lower(input));
  });
  const copy = (from: Buffer, to: Buffer): Nest => identityNest(from, to, capacity);
  const { nests: ordered, gone } = orderNests(nests, buffers.commits.filter((c) => c.target.elements > 0), copy);
  const joined = stored && !off.has("arena")
    ? joinOverArenas(ordered, { ...stored, arenas: buffers.all.filter((b) => b.parts), nextId: buffers.all.length })
    : { nests: ordered, arenas: [] };
  return {
    entry: graph.entry,
    nests: off.has("offsets") ? joined.nests : offsetsApart(joined.nests),
    buffers: [...buffers.all.filter((b) => !gone.has(b)), ...joined.arenas],
    outputs: buffers.outputs,
    commits: buffers.commits.map(({ path, target }) => ({ path, value: target, target })),
    host: host.program,
    origins: prepared.origins,
    holds: holdings(buffers, gone),
    became,
  };
}

/** A binding that every device has, with room for what aligns tensors. */
const mostSlabElements = (64 * 1024 * 1024) / 4;

/** Whether all that an entry reads from the store, and all that it keeps for itself, each fit one binding. */
function slabsFit(order: readonly Node[], roots: ReadonlyMap<Node, string>, capacity: ScheduleOptions["capacity"]): boolean {
  const elements = (nodes: Iterable<Node>): number => [...nodes].reduce((n, x) => n + elementsOf(x, capacity) + 64, 0);
  return elements(order.filter(isStored)) <= mostSlabElements && elements(roots.keys()) <= mostSlabElements;
}

/** The node that each buffer holds in the end; a commit's target holds what is committed. */
function holdings({ stores, commits }: Buffers, gone: ReadonlySet<Buffer>): ReadonlyMap<Buffer, Node> {
  const of = new Map<Buffer, Node>([...stores].flatMap(([node, places]) => places.map((b) => [b, node] as const)));
  for (const { value, target } of commits) {
    const node = of.get(value);
    if (node) of.set(target, node);
  }
  for (const buffer of gone) of.delete(buffer);
  return of;
}

/** Roots that a root of another group reads. */
function readAcross(members: readonly Node[], groupOf: ReadonlyMap<Node, unknown>, roots: ReadonlyMap<Node, string>): ReadonlySet<Node> {
  const found = new Set<Node>();
  const most = members.reduce((most, n) => Math.max(most, n.id), 0);
  /** By id, and inputs have lower ids: the root, counted from 1, under which a node was met last. */
  const met = new Int32Array(most + 1);
  for (const [k, root] of members.entries()) {
    const work = [...root.inputs];
    for (let n = work.pop(); n; n = work.pop()) {
      if (met[n.id] === k + 1) continue;
      met[n.id] = k + 1;
      if (!roots.has(n)) work.push(...n.inputs);
      else if (groupOf.get(n) !== groupOf.get(root)) found.add(n);
    }
  }
  return found;
}
