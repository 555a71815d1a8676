/** Which texts stay alone: those that cost more to build again for each company than the dispatches that company saves. */
import { expect, it } from "vitest";
import type { BoundKernel } from "../../kernels/bound-kernel.ts";
import { building } from "../../kernels/building.ts";
import { profiles } from "../../kernels/profiles.ts";
import { measure } from "../../kernels/renumber.ts";
import { worthAlone } from "../../kernels/worth-alone.ts";
import type { Buffer, KernelStmt } from "../../src/ir/kernel.ts";
import { constant, op, ref } from "../../src/ir/scalar.ts";
import { prices } from "../../src/schedule/prices.ts";

let ids = 0;

/** A kernel that reads a buffer of its own and adds to what it has read so many times. */
function kernel(name: string, additions: number): BoundKernel {
  const buffer: Buffer = { id: ids++, name, dtype: "f32", shape: [4], elements: 4, place: "temp" };
  const body: KernelStmt[] = [{ kind: "load", id: 0, buffer, index: constant(0, "i32") }];
  for (let k = 1; k <= additions; k++) body.push({ kind: "let", id: k, value: op("add", "f32", [ref(k - 1, "f32"), ref(k - 1, "f32")]) });
  return {
    name, family: "pointwise", workgroup: [4, 1, 1], grid: [{ size: 1, per: 1 }, { size: 1, per: 1 }, { size: 1, per: 1 }], workgroups: 1,
    buffers: [buffer], reads: new Set([buffer]), writes: new Set(), params: [], body, nests: [],
  };
}

const of = (groups: readonly (readonly BoundKernel[])[]): string[] => [...worthAlone(groups, { profile: profiles.software, sizeOf: (k) => measure(k.body) })].map((k) => k.name);

it("a long text that several kernels have stays alone, a short one and one that is alone do not", () => {
  const [long, short] = [["a", "b", "c"].map((n) => kernel(n, 2000)), ["d", "e", "f"].map((n) => kernel(n, 3))];
  const [x, y] = [kernel("x", 4), kernel("y", 5)];
  expect(of([[...long.slice(0, 1), x], [...long.slice(1, 2), y], long.slice(2)])).toEqual(["a", "b", "c"]);
  expect(of([[...short.slice(0, 1), x], [...short.slice(1, 2), y], short.slice(2)])).toEqual([]);
  expect(of([[kernel("a", 2000), x], [kernel("b", 2001), y]])).toEqual([]);
});

it("what has the same company everywhere is one text with it", () => {
  const pairs = [0, 1, 2].map((k) => [kernel(`a${k}`, 2000), kernel(`x${k}`, 4)]);
  expect(of(pairs)).toEqual([]);
});

it("an access costs more beside accumulators, and an operation costs something", () => {
  const { software } = prices;
  const load = kernel("k", 0).body;
  const accumulators: KernelStmt[] = Array.from({ length: 64 }, (_, k) => ({ kind: "var", id: 10 + k, dtype: "f32", init: constant(0, "f32") }));
  expect(building(load, software)).toBe(software.buildAccess[0]);
  expect(building([...accumulators, ...load], software)).toBe(software.buildAccess[0] + 64 * software.buildAccess[1]);
  expect(building(kernel("k", 7).body, software)).toBe(software.buildAccess[0] + 7 * software.buildOperation[0]);
});
