/**
 * Nests that are equal but for the buffers they work on become one nest over an arena. In: the nests of an entry in order, and where
 * parameters and states lie. Out: fewer nests, and the arenas: buffers made of the buffers of all, one after the other.
 *
 *     p0[i] -= lr g0[i]  over 3 x 4,   p1[i] -= lr g1[i]  over 5     ->     p[i] -= lr g[i]  over p0 | p1, with g0 | g1 laid out alike
 *
 * A nest fits when all that it reads and writes by its axes it does at its own row-major position, so that shapes do not matter. The store
 * is laid out beforehand; temps follow it. Between two parts may lie what aligns the second: it belongs to nobody, is written, and never read
 * for anyone's sake. An update rule is one kernel for all its parameters, however many there are.
 */
import type { Axis, Buffer, Nest, Stmt } from "../ir/kernel.ts";
import { partsOf } from "../ir/kernel.ts";
import * as dims from "../ir/dims.ts";
import { ref } from "../ir/scalar.ts";
import type { Scalar } from "../ir/scalar.ts";
import { loads, stores } from "./order.ts";

export interface ArenaOptions {
  /** The element of the store at which a parameter or state begins; undefined where the layout is not known. */
  readonly at: (path: string) => number | undefined;
  /** Tensors begin at multiples of this many elements. */
  readonly alignment: number;
  /** Elements that an arena may have. */
  readonly most: number;
  /** Buffers that are made of others already. */
  readonly arenas: readonly Buffer[];
  /** The number of the next buffer. */
  readonly nextId: number;
}

export interface Joined {
  readonly nests: readonly Nest[];
  readonly arenas: readonly Buffer[];
}

/** A nest that works element by element: what it does in words that equal nests share, and the buffers that it does it to. */
interface Form {
  readonly nest: Nest;
  readonly key: string;
  /** In order of first use. */
  readonly roles: readonly Buffer[];
  /** The element of the store at which each role begins, undefined for temps. */
  readonly at: readonly (number | undefined)[];
  readonly elements: number;
}

export function joinOverArenas(nests: readonly Nest[], options: ArenaOptions): Joined {
  const classes = new Map<string, Form[]>();
  for (const nest of nests) {
    const form = formOf(nest, options);
    const members = form && classes.get(form.key);
    if (members) members.push(form);
    else if (form) classes.set(form.key, [form]);
  }
  // Where temps lie is settled once; what is stored lies where it lies.
  const arenas = new Map<Buffer, Buffer>(options.arenas.flatMap((a) => (a.place === "temp" ? partsOf(a).map((b) => [b, a] as const) : [])));
  const made: Buffer[] = [];
  const becomes = new Map<Nest, Nest | undefined>();
  for (const members of classes.values())
    for (const run of runs(mayWait(members, nests), options)) {
      const joined = join(run, arenas, options.nextId + made.length);
      if (!joined) continue;
      made.push(...joined.arenas);
      for (const arena of joined.arenas) for (const { buffer } of arena.parts ?? []) arenas.set(buffer, arena);
      const own = new Set(run.map((m) => m.nest));
      const last = nests.findLast((n) => own.has(n));
      for (const { nest } of run) becomes.set(nest, nest === last ? joined.nest : undefined);
    }
  return { nests: nests.flatMap((n) => (becomes.has(n) ? (becomes.get(n) ?? []) : [n])), arenas: made };
}

function formOf(nest: Nest, { at: storedAt }: ArenaOptions): Form | undefined {
  if (nest.shape !== "pointwise" || nest.parallel.length === 0 || !nest.parallel.every((a) => dims.isStatic(a.extent))) return undefined;
  const elements = nest.parallel.reduce((n, a) => n * a.capacity, 1);
  const names = new Map<number, string>();
  const roles: Buffer[] = [];
  const text = (s: Scalar): string => textOf(s, nest.params, names);
  const reaches = (s: Scalar): boolean => (s.kind === "ref" ? names.has(s.id) : s.kind === "op" || s.kind === "call" ? s.args.every(reaches) : true);
  /** The access in words: `@2` for the element of role 2 at the nest's own position, a fixed element of one buffer otherwise. */
  const access = (buffer: Buffer, index: Scalar): string | undefined => {
    if (buffer.shape.length > 0 && buffer.elements === elements && isOwnPosition(index, nest.parallel)) {
      if (!roles.includes(buffer)) roles.push(buffer);
      return `@${roles.indexOf(buffer)} ${buffer.place} ${buffer.dtype}`;
    }
    return index.kind === "constant" ? `${buffer.id}[${index.value}]` : undefined;
  };
  const lines: string[] = [];
  for (const s of nest.body) {
    if (s.kind === "let") {
      if (!reaches(s.value)) return undefined;
      lines.push(`let ${text(s.value)}`);
      names.set(s.id, `x${names.size}`);
    } else if (s.kind === "load" || s.kind === "store") {
      const where = s.guard ? undefined : access(s.buffer, s.index);
      if (where === undefined || (s.kind === "store" && !(where.startsWith("@") && reaches(s.value)))) return undefined;
      lines.push(s.kind === "load" ? `load ${where}` : `store ${where} ${s.value.dtype} ${text(s.value)}`);
      if (s.kind === "load") names.set(s.id, `x${names.size}`);
    } else return undefined;
  }
  const at = roles.map((b) => (b.place === "temp" ? undefined : b.path === undefined ? undefined : storedAt(b.path)));
  if (roles.some((b, k) => b.parts || (b.place !== "temp" && at[k] === undefined)) || at.every((x) => x === undefined)) return undefined;
  return { nest, key: lines.join("\n"), roles, at, elements };
}

/** A scalar as a text that equal scalars of other nests share. */
function textOf(s: Scalar, params: Nest["params"], names: ReadonlyMap<number, string>): string {
  switch (s.kind) {
    case "constant":
      return `${Object.is(s.value, -0) ? "-0" : s.value}${s.dtype}`;
    case "ref":
      return names.get(s.id) ?? "?";
    case "param":
      return `${s.dtype} ${JSON.stringify(params[s.slot]?.source)}`;
    case "op":
    case "call":
      return `${s.kind === "op" ? s.op : s.fn.name}:${s.dtype}(${s.args.map((a) => textOf(a, params, names)).join()})`;
  }
}

/** True when an index is the row-major position over the axes. */
export function isOwnPosition(index: Scalar, axes: readonly Axis[]): boolean {
  const factors = new Map<number, number>();
  const add = (s: Scalar, by: number): boolean => {
    if (s.kind === "ref") factors.set(s.id, (factors.get(s.id) ?? 0) + by);
    else if (s.kind === "op" && s.op === "add") return s.args.every((a) => add(a, by));
    else if (s.kind === "op" && s.op === "mul" && s.args[0] && s.args[1]?.kind === "constant") return add(s.args[0], by * s.args[1].value);
    else return s.kind === "constant" && s.value === 0;
    return true;
  };
  if (!add(index, 1)) return false;
  let stride = 1;
  for (const axis of axes.toReversed()) {
    if (axis.capacity > 1 && factors.get(axis.id) !== stride) return false;
    if (axis.capacity > 1) factors.delete(axis.id);
    stride *= axis.capacity;
  }
  return factors.size === 0;
}

/** Those of equal nests that may run where the last of them does: nothing on the way depends on them, nor they on that. */
function mayWait(members: readonly Form[], nests: readonly Nest[]): readonly Form[] {
  if (members.length < 2) return [];
  const forms = new Map(members.map((m) => [m.nest, m]));
  const [reads, writes] = [new Set<Buffer>(), new Set<Buffer>()];
  const found: Form[] = [];
  const last = nests.findLastIndex((n) => forms.has(n));
  for (let i = last; i >= 0 && found.length < members.length; i--) {
    const nest = nests[i] as Nest;
    const form = forms.get(nest);
    const own = { reads: loads(nest).flatMap((l) => partsOf(l.buffer)), writes: stores(nest).map((s) => s.buffer) };
    if (form && own.writes.every((b) => !writes.has(b) && !reads.has(b)) && own.reads.every((b) => !writes.has(b))) found.push(form);
    else {
      for (const b of own.reads) reads.add(b);
      for (const b of own.writes) writes.add(b);
    }
  }
  return found;
}

/** Members whose stored buffers lie one after the other, in every role alike: two or more. */
function runs(members: readonly Form[], { alignment, most }: ArenaOptions): readonly (readonly Form[])[] {
  const found: Form[][] = [];
  const first = members[0]?.at.findIndex((x) => x !== undefined) ?? -1;
  for (const m of [...members].sort((x, y) => (x.at[first] ?? 0) - (y.at[first] ?? 0))) {
    const before = found.at(-1)?.at(-1);
    const next = before && Math.ceil(before.elements / alignment) * alignment;
    const start = found.at(-1)?.[0]?.at[first] ?? 0;
    const fits = (m.at[first] ?? 0) + m.elements - start <= most;
    if (before && fits && m.at.every((x, k) => x === undefined || x - (before.at[k] ?? 0) === next)) found.at(-1)?.push(m);
    else found.push([m]);
  }
  return found.filter((run) => run.length > 1);
}

/** One nest for a run; undefined where a buffer lies in another arena already, or in two roles. */
function join(run: readonly Form[], known: ReadonlyMap<Buffer, Buffer>, nextId: number): { readonly nest: Nest; readonly arenas: readonly Buffer[] } | undefined {
  const [first] = run;
  if (!first) return undefined;
  const all = run.flatMap((m) => m.roles);
  if (new Set(all).size < all.length || all.some((b) => known.has(b))) return undefined;
  const origin = first.at.findIndex((x) => x !== undefined);
  const starts = run.map((m) => (m.at[origin] ?? 0) - (first.at[origin] ?? 0));
  const elements = Math.max(...run.map((m, k) => (starts[k] ?? 0) + m.elements));
  const arenas = first.roles.map((role, k): Buffer => ({
    id: nextId + k,
    name: `${role.name} and ${run.length - 1} more`,
    dtype: role.dtype,
    shape: [elements],
    elements,
    place: role.place,
    ...(role.path !== undefined && role.place !== "temp" && { path: role.path }),
    parts: run.map((m, j) => ({ buffer: m.roles[k] as Buffer, at: starts[j] ?? 0 })),
  }));
  const instead = new Map(first.roles.map((role, k) => [role, arenas[k] as Buffer]));
  const id = first.nest.body.reduce((most, s) => Math.max(most, "id" in s ? s.id : 0), Math.max(...first.nest.parallel.map((a) => a.id))) + 1;
  const here = ref(id, "i32");
  const body = first.nest.body.map((s): Stmt => {
    const arena = s.kind === "load" || s.kind === "store" ? instead.get(s.buffer) : undefined;
    return arena && (s.kind === "load" || s.kind === "store") ? { ...s, buffer: arena, index: here } : s;
  });
  const nest: Nest = {
    ...first.nest,
    parallel: [{ id, name: "i", extent: elements, capacity: elements }],
    body,
    nodes: [...new Set(run.flatMap((m) => m.nest.nodes))].sort((x, y) => x.id - y.id),
    why: [...run.flatMap((m) => m.nest.why), `${run.length} nests that are equal but for their buffers: one over ${first.roles.length} arenas of ${elements} elements`],
  };
  return { nest, arenas };
}
