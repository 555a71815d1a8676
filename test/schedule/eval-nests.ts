/**
 * Runs a schedule as it is written, one iteration after another, with live sizes under the capacities. Whatever no one
 * has written is garbage (NaN, or a large number), so that a value which leaks shows. An access outside a buffer throws.
 * Parallel iterations run in a scattered order, since they may depend on each other in no way.
 */
import type { Axis, Buffer, Nest, ParamSource, Schedule, Stmt } from "../../src/ir/kernel.ts";
import * as dims from "../../src/ir/dims.ts";
import { evaluateHost } from "../../src/harness/runtime/host.ts";
import type { Tensor64 } from "../../src/ops/op.ts";
import { evalScalar } from "./eval-scalar.ts";
import type { Precision, ScalarContext } from "./eval-scalar.ts";

export interface NestRun {
  readonly capacity: Readonly<Record<string, number>>;
  readonly sizes: Readonly<Record<string, number>>;
  /** By leaf path: inputs, parameters and state at live sizes. */
  readonly leaves: Readonly<Record<string, Tensor64>>;
  readonly hyper?: Readonly<Record<string, number>>;
  readonly step?: Readonly<Record<string, number>>;
  readonly words?: { readonly seed: number; readonly step: number; readonly example: number };
  readonly precision?: Precision;
}

export interface NestResult {
  readonly outputs: Readonly<Record<string, Tensor64>>;
  /** The contents of each committed target. */
  readonly commits: Readonly<Record<string, Tensor64>>;
}

const garbage = { f32: Number.NaN, i32: 1_234_567_890, u32: 3_234_567_890, bool: 1 } as const;

export function evalNests(schedule: Schedule, run: NestRun): NestResult {
  const memory = new Map<Buffer, Float64Array>();
  for (const linked of linkedArenas(schedule.buffers.filter((b) => b.parts))) {
    const low = Math.min(...linked.values());
    const high = Math.max(...[...linked].map(([arena, at]) => at + arena.elements));
    const data = new Float64Array(high - low).fill(garbage[[...linked.keys()][0]?.dtype ?? "f32"]);
    for (const [arena, start] of linked) {
      memory.set(arena, data.subarray(start - low, start - low + arena.elements));
      for (const { buffer, at } of arena.parts ?? []) memory.set(buffer, data.subarray(start - low + at, start - low + at + buffer.elements));
    }
  }
  for (const b of schedule.buffers) {
    if (b.parts) continue;
    const data = memory.get(b) ?? new Float64Array(b.elements).fill(garbage[b.dtype]);
    memory.set(b, data);
    const given = b.place === "temp" || b.place === "output" ? undefined : run.leaves[b.path ?? ""];
    if (given) places(b, run).forEach((at, i) => (data[at] = given.data[i] ?? Number.NaN));
  }
  const host = evaluateHost(
    schedule.host.map((h) => ({ ...h, ...(h.dim === undefined ? {} : { size: h.dim }) })) as Parameters<typeof evaluateHost>[0],
    { hyper: run.hyper ?? {}, step: run.step ?? {} },
    run.sizes,
  );
  for (const nest of schedule.nests) runNest(nest, memory, host, run);
  const read = (b: Buffer): Tensor64 => {
    const data = memory.get(b) ?? new Float64Array();
    return { shape: b.shape.map((d) => dims.evaluate(d, run.sizes)), data: Float64Array.from(places(b, run), (at) => data[at] ?? Number.NaN) };
  };
  return {
    outputs: Object.fromEntries(schedule.outputs.map((o) => [o.name, read(o.buffer)])),
    commits: Object.fromEntries(schedule.commits.map((c) => [c.path, read(c.value)])),
  };
}

/** Arenas that have parts in common lie in one stretch of memory: where each begins there. */
function linkedArenas(arenas: readonly Buffer[]): readonly ReadonlyMap<Buffer, number>[] {
  const holders = new Map<Buffer, { readonly arena: Buffer; readonly at: number }[]>();
  for (const arena of arenas) for (const { buffer, at } of arena.parts ?? []) holders.set(buffer, [...(holders.get(buffer) ?? []), { arena, at }]);
  const left = new Set(arenas);
  const found: ReadonlyMap<Buffer, number>[] = [];
  for (const first of arenas) {
    if (!left.has(first)) continue;
    const linked = new Map([[first, 0]]);
    for (const [arena, start] of linked)
      for (const { buffer, at } of arena.parts ?? [])
        for (const other of holders.get(buffer) ?? []) if (!linked.has(other.arena)) linked.set(other.arena, start + at - other.at);
    for (const arena of linked.keys()) left.delete(arena);
    found.push(linked);
  }
  return found;
}

/** Where each live element lies, in row-major order. */
function places(b: Buffer, run: NestRun): readonly number[] {
  let at = [0];
  for (const d of b.shape) {
    const stride = dims.evaluate(d, run.capacity);
    const live = dims.evaluate(d, run.sizes);
    at = at.flatMap((base) => Array.from({ length: live }, (_, i) => base * stride + i));
  }
  return at;
}

function runNest(nest: Nest, memory: ReadonlyMap<Buffer, Float64Array>, host: Float64Array, run: NestRun): void {
  const precision = run.precision ?? "f64";
  const values: number[] = [];
  const params = nest.params.map((p) => paramValue(p.source, host, run));
  const context: ScalarContext = { precision, ref: (id) => known(values[id], nest, id), param: (slot) => params[slot] ?? Number.NaN };
  const live = (a: Axis): number => dims.evaluate(a.extent, run.sizes);
  const at = (b: Buffer, index: number): Float64Array => {
    const data = memory.get(b);
    if (!data || !(index >= 0 && index < data.length)) throw new RangeError(`nest ${nest.name}: ${b.name}[${index}] of ${b.elements}`);
    return data;
  };
  const block = (body: readonly Stmt[]): void => {
    for (const s of body) {
      switch (s.kind) {
        case "let":
          values[s.id] = evalScalar(s.value, context);
          break;
        case "load": {
          const open = !s.guard || evalScalar(s.guard, context) !== 0;
          const index = open ? evalScalar(s.index, context) : 0;
          values[s.id] = open ? (at(s.buffer, index)[index] ?? Number.NaN) : 0;
          break;
        }
        case "store": {
          if (s.guard && evalScalar(s.guard, context) === 0) break;
          const index = evalScalar(s.index, context);
          at(s.buffer, index)[index] = evalScalar(s.value, context);
          break;
        }
        case "each":
          if (s.turns) walk([[s.axis.id, live(s.axis)]], values, () => block(s.body));
          else scattered([[s.axis.id, live(s.axis)]], values, () => block(s.body));
          break;
        case "fold":
          fold(s);
      }
    }
  };
  const fold = (s: Extract<Stmt, { kind: "fold" }>): void => {
    let acc: number = { sum: 0, prod: 1, max: -Infinity, any: 0, all: 1, argmax: -Infinity }[s.monoid];
    let best = 0;
    let turn = 0;
    const end = (a: Axis): number => Math.min(live(a), a.below ? evalScalar(a.below, context) : Infinity);
    walk(s.axes.map((a) => [a.id, end(a)]), values, () => {
      block(s.body);
      const masked = s.mask !== undefined && evalScalar(s.mask, context) === 0;
      if (!masked) {
        const value = evalScalar(s.value, context);
        if (s.monoid === "sum") acc = precision === "f32" && s.value.dtype === "f32" ? Math.fround(acc + value) : acc + value;
        else if (s.monoid === "prod") acc = precision === "f32" ? Math.fround(acc * value) : acc * value;
        else if (s.monoid === "max") acc = Math.max(acc, value);
        else if (s.monoid === "any") acc = acc !== 0 || value !== 0 ? 1 : 0;
        else if (s.monoid === "all") acc = acc !== 0 && value !== 0 ? 1 : 0;
        else if (value > acc) [acc, best] = [value, turn];
      }
      turn++;
    });
    const [first, second] = s.results;
    if (first !== undefined) values[first] = acc;
    if (second !== undefined) values[second] = best;
  };
  scattered(nest.parallel.map((a) => [a.id, live(a)]), values, () => block(nest.body));
}

function known(value: number | undefined, nest: Nest, id: number): number {
  if (value === undefined) throw new Error(`nest ${nest.name}: v${id} has no value`);
  return value;
}

/** All index combinations, the last axis fastest. */
function walk(axes: readonly (readonly [id: number, extent: number])[], values: number[], body: () => void): void {
  const [first, ...rest] = axes;
  if (!first) return body();
  for (let i = 0; i < first[1]; i++) {
    values[first[0]] = i;
    walk(rest, values, body);
  }
}

/** All index combinations, each axis from both ends inward. */
function scattered(axes: readonly (readonly [id: number, extent: number])[], values: number[], body: () => void): void {
  const [first, ...rest] = axes;
  if (!first) return body();
  for (let i = 0; i < first[1]; i++) {
    values[first[0]] = i % 2 === 0 ? first[1] - 1 - i / 2 : (i - 1) / 2;
    scattered(rest, values, body);
  }
}

function paramValue(source: ParamSource, host: Float64Array, run: NestRun): number {
  switch (source.kind) {
    case "size":
      return dims.evaluate(source.dim, run.sizes);
    case "constant":
    case "offset":
      return source.value;
    case "host":
      return host[source.index] ?? Number.NaN;
    case "word":
      return run.words?.[source.word] ?? 0;
    case "base":
      return 0;
  }
}
