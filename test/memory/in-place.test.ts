/** Results in the place of an argument: where that is legal, where it is not, and that nobody can tell by the values. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bind } from "../../kernels/bind.ts";
import { exchangeBuffers } from "../../kernels/exchange-buffers.ts";
import { profiles } from "../../kernels/profiles.ts";
import { openDevice, type OpenDevice } from "../../src/harness/node/index.ts";
import type { Axis, Buffer, Nest, Profile, Stmt } from "../../src/ir/kernel.ts";
import type { Scalar } from "../../src/ir/scalar.ts";
import { inPlace, mayTakePlaceOf } from "../../src/memory/in-place.ts";
import { layOutStore } from "../../src/memory/lay-out-store.ts";
import { liveness } from "../../src/memory/liveness.ts";
import { baseline, plan } from "../../src/memory/plan.ts";
import { printPlan } from "../../src/memory/print-plan.ts";
import { verifyPlan } from "../../src/memory/verify-plan.ts";
import { add, address, difference, int, max, mul, NestWriter, num, numbers } from "../gpu/nests.ts";
import { buffer, runNests, scheduleOf } from "../gpu/run-nests.ts";

let gpu: OpenDevice;
beforeAll(async () => {
  gpu = await openDevice();
});
afterAll(() => {
  gpu.close();
});

/** `to[index] = value(from[read])` over rows and columns. */
function pointwise(name: string, [rows, columns]: readonly [number, number], from: Buffer, to: Buffer, how: { readonly read?: (r: Axis, c: Axis) => Scalar; readonly value?: (x: Scalar) => Scalar } = {}): Nest {
  const w = new NestWriter();
  const [r, c] = [w.axis("r", rows), w.axis("c", columns)];
  const own = address([r, columns], [c, 1]);
  const body: Stmt[] = [];
  const x = w.load(body, from, how.read?.(r, c) ?? own);
  body.push({ kind: "store", buffer: to, index: own, value: how.value?.(x) ?? x });
  return w.nest(name, "pointwise", [r, c], body);
}

/** `to[r, c] = from[r, c] + the largest of row r of `of`, of which `from` may be the same. */
function plusLargest([rows, columns]: readonly [number, number], from: Buffer, of: Buffer, to: Buffer): Nest {
  const w = new NestWriter();
  const [r, c, k] = [w.axis("r", rows), w.axis("c", columns), w.axis("k", columns)];
  const body: Stmt[] = [];
  const [most = num(0)] = w.fold(body, "max", [k], (inner) => ({ value: w.load(inner, of, address([r, columns], [k, 1])) }));
  const each: Stmt[] = [];
  const x = w.load(each, from, address([r, columns], [c, 1]));
  each.push({ kind: "store", buffer: to, index: address([r, columns], [c, 1]), value: add(x, most) });
  return w.nest("plus", "row", [r], [...body, { kind: "each", axis: c, body: each }]);
}

/** x, through a temp, through a nest that makes u of t, to y. */
function chain(size: readonly [number, number], middle: (t: Buffer, u: Buffer) => Nest): { readonly nests: readonly Nest[]; readonly t: Buffer; readonly u: Buffer } {
  const [x, t, u, y] = [buffer("x", size, "input"), buffer("t", size, "temp"), buffer("u", size, "temp"), buffer("y", size, "output")];
  return { nests: [pointwise("first", size, x, t, { value: (v) => mul(v, num(2)) }), middle(t, u), pointwise("last", size, u, y)], t, u };
}

/** Whether u lies where t lay; the plan is sound either way. */
function isOver(nests: readonly Nest[], t: Buffer, u: Buffer, profile: Profile = profiles.software): boolean {
  const kernels = bind(scheduleOf({ nests }), profile);
  const placed = plan("test", kernels, { store: layOutStore([]), limits: baseline, reuse: true, inPlace: true, apart: true });
  verifyPlan(placed);
  const found = inPlace(kernels, liveness(kernels)).get(u) === t;
  // Two values that live at once lie on the same bytes only so.
  expect(placed.offsets.get(u) === placed.offsets.get(t)).toBe(found);
  return found;
}

describe("a result takes the place of an argument", () => {
  const size = [6, 10] as const;

  it("element by element, and in a row that is read before it is written", async () => {
    const x = numbers(60);
    for (const profile of [profiles.software, profiles.gpu]) {
      const doubled = chain(size, (t, u) => pointwise("middle", size, t, u, { value: (v) => max(v, num(0)) }));
      expect(isOver(doubled.nests, doubled.t, doubled.u, profile)).toBe(true);
      const { y } = await runNests(gpu.device, { nests: doubled.nests, inputs: { x }, profile });
      expect(difference(y ?? [], x.map((v) => Math.max(2 * v, 0)))).toBe(0);

      const row = chain(size, (t, u) => plusLargest(size, t, t, u));
      expect(isOver(row.nests, row.t, row.u, profile)).toBe(true);
      const found = await runNests(gpu.device, { nests: row.nests, inputs: { x }, profile });
      const largest = (r: number): number => Math.max(...x.slice(10 * r, 10 * r + 10).map((v) => 2 * v));
      expect(difference(found["y"] ?? [], Array.from(x, (v, i) => Math.fround(2 * v + largest(Math.floor(i / 10)))))).toBe(0);
    }
  });

  it("in a chain, one after the other", () => {
    const [x, y] = [buffer("x", size, "input"), buffer("y", size, "output")];
    const temps = [0, 1, 2, 3].map((k) => buffer(`t${k}`, size, "temp"));
    const all = [x, ...temps, y];
    const nests = all.slice(1).map((to, k) => pointwise(`n${k}`, size, all[k] as Buffer, to));
    const kernels = bind(scheduleOf({ nests }), profiles.software, { off: new Set(["horizontal"]) });
    const placed = (inPlace: boolean) => plan("test", kernels, { store: layOutStore([]), limits: baseline, reuse: true, inPlace, apart: true });
    verifyPlan(placed(true));
    expect(placed(true).peak).toEqual({ bytes: 256, lowerBound: 256 });
    expect(placed(false).peak).toEqual({ bytes: 512, lowerBound: 512 });
    expect(printPlan(placed(true))).toContain("k1 n1 (pointwise): b0 = temps[0..240] read_write\n");
  });
});

describe("no result takes the place of an argument", () => {
  const size = [8, 8] as const;
  const refused = (middle: (t: Buffer, u: Buffer) => Nest): void => {
    const { nests, t, u } = chain(size, middle);
    expect(isOver(nests, t, u)).toBe(false);
  };

  it("that another invocation reads", () => {
    refused((t, u) => pointwise("transposed", size, t, u, { read: (r, c) => address([c, 8], [r, 1]) }));
    refused((t, u) => pointwise("reversed", size, t, u, { read: (r, c) => add(int(63), mul(address([r, 8], [c, 1]), int(-1))) }));
    refused((t, u) => pointwise("broadcast", size, t, u, { read: (r) => address([r, 8]) }));
  });

  it("that is read again after it was written", () => {
    refused((t, u) => {
      const nest = pointwise("first", size, t, u);
      const load = nest.body[0] as Extract<Stmt, { kind: "load" }>;
      return { ...nest, body: [...nest.body, { ...load, id: 50 }] };
    });
    // The second of two loops over a row reads what the first has written.
    refused((t, u) => {
      const nest = plusLargest(size, t, t, u);
      const [fold, each] = nest.body as [Stmt, Stmt];
      return { ...nest, body: [fold, each, { ...(fold as Extract<Stmt, { kind: "fold" }>), results: [60], axes: (fold as Extract<Stmt, { kind: "fold" }>).axes }] };
    });
  });

  it("that a later kernel, or another nest of the same one, reads", () => {
    const [x, t, u, y, z] = [buffer("x", size, "input"), buffer("t", size, "temp"), buffer("u", size, "temp"), buffer("y", size, "output"), buffer("z", size, "output")];
    const first = pointwise("first", size, x, t);
    const [middle, last, other] = [pointwise("middle", size, t, u), pointwise("last", size, u, y), pointwise("other", size, t, z)];
    expect(isOver([first, middle, last, other], t, u)).toBe(false);
    // Small nests that do not depend on each other share a dispatch, side by side.
    expect(bind(scheduleOf({ nests: [first, middle, other] }), profiles.software)).toHaveLength(2);
    expect(isOver([first, middle, other], t, u)).toBe(false);
    expect(isOver([first, middle], t, u)).toBe(true);
  });

  it("that a nest of a kernel that runs a second time reads, under the names that it has there", () => {
    const [t, u, z] = [buffer("t", size, "temp"), buffer("u", size, "temp"), buffer("z", size, "output")];
    const [kernel] = bind(scheduleOf({ nests: [pointwise("middle", size, t, u), pointwise("other", size, t, z)] }), profiles.software);
    const again = buffer("t'", size, "temp");
    if (!kernel) throw new Error("a kernel");
    expect(kernel.nests).toHaveLength(2);
    const other = exchangeBuffers(kernel, new Map([[t, again]]));
    expect(mayTakePlaceOf(other, u, again)).toBe(false);
    const [alone] = bind(scheduleOf({ nests: [pointwise("middle", size, t, u)] }), profiles.software);
    if (!alone) throw new Error("a kernel");
    expect(mayTakePlaceOf(exchangeBuffers(alone, new Map([[t, again]])), u, again)).toBe(true);
    // A nest that does not say where it reads what the kernel reads is no reason to think that it does not matter.
    expect(mayTakePlaceOf({ ...other, nests: alone.nests }, u, again)).toBe(false);
  });

  it("of another size, type or place", () => {
    const [x, t, u, y] = [buffer("x", [64], "input"), buffer("t", [8, 8], "temp"), buffer("u", [8, 8], "temp", { dtype: "i32" }), buffer("y", [8, 8], "output", { dtype: "i32" })];
    const cast = (v: Scalar): Scalar => ({ kind: "op", op: "cast", dtype: "i32", args: [v] });
    expect(isOver([pointwise("first", size, x, t), pointwise("middle", size, t, u, { value: cast }), pointwise("last", size, u, y)], t, u)).toBe(false);
    const half = buffer("h", [4, 8], "temp");
    const nests = [pointwise("first", size, x, t), pointwise("half", [4, 8], t, half), pointwise("last", [4, 8], half, buffer("y", [4, 8], "output"))];
    expect(isOver(nests, t, half)).toBe(false);
  });

  it("in a workgroup that shares a row", () => {
    const wide = [3, 300] as const;
    const { nests, t, u } = chain(wide, (a, b) => plusLargest(wide, a, a, b));
    expect(bind(scheduleOf({ nests }), profiles.gpu)[1]?.family).toBe("row-workgroup");
    expect(isOver(nests, t, u, profiles.gpu)).toBe(false);
    expect(isOver(nests, t, u, profiles.software)).toBe(true);
  });
});

it("an overwritten argument that somebody still reads is found by the check", () => {
  const size = [4, 4] as const;
  const { nests, t, u } = chain(size, (a, b) => pointwise("transposed", size, a, b, { read: (r, c) => address([c, 4], [r, 1]) }));
  const kernels = bind(scheduleOf({ nests }), profiles.software);
  const good = plan("test", kernels, { store: layOutStore([]), limits: baseline, reuse: true, inPlace: true, apart: true });
  const moved = new Map([...good.offsets, [u, good.offsets.get(t) ?? 0] as const]);
  const bad = good.kernels.map((k) => ({ ...k, placement: { ...k.placement, groups: k.placement.groups.map((g) => ({ ...g, ...(g.slab === "temps" && { offset: good.offsets.get(t) ?? 0 }) })), of: new Map([...k.placement.of].map(([b, p]) => [b, b === u && k.placement.of.has(t) ? (k.placement.of.get(t) ?? p) : p] as const)) } }));
  expect(() => verifyPlan({ ...good, offsets: moved, kernels: bad })).toThrow(/writes u over t|writable bindings/);
});
