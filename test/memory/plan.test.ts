import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Buffer, Kernel, KernelStmt } from "../../src/ir/kernel.ts";
import type { Scalar } from "../../src/ir/scalar.ts";
import { layOutStore } from "../../src/memory/lay-out-store.ts";
import { baseline, plan, type PlanOptions } from "../../src/memory/plan.ts";
import { printPlan } from "../../src/memory/print-plan.ts";
import { bytesOf, type Plan } from "../../src/memory/placement.ts";
import { verifyPlan } from "../../src/memory/verify-plan.ts";
import { emit } from "../../src/wgsl/emit.ts";

const store = layOutStore([{ path: "W", elements: 8 }, { path: "b", elements: 3 }]);
const options: PlanOptions = { store, limits: baseline, reuse: true, inPlace: true, apart: true };

let ids = 0;
function buffer(name: string, elements: number, place: Buffer["place"] = "temp", dtype: Buffer["dtype"] = "f32"): Buffer {
  return { id: ids++, name, dtype, shape: [elements], elements, place, path: name };
}

function kernel(name: string, reads: Buffer[], writes: Buffer[]): Kernel {
  return {
    name, family: "pointwise", workgroup: [64, 1, 1],
    grid: [{ size: 1, per: 1 }, { size: 1, per: 1 }, { size: 1, per: 1 }],
    buffers: [...new Set([...reads, ...writes])], reads: new Set(reads), writes: new Set(writes), params: [], body: [], nests: [],
  };
}

/** A chain of kernels, each reading some earlier temps and writing a fresh one. */
const chains = fc
  .array(fc.record({ size: fc.integer({ min: 1, max: 300 }), back: fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 3 }) }), { minLength: 2, maxLength: 25 })
  .map((steps) => {
    const made: Buffer[] = [];
    return steps.map(({ size, back }, at) => {
      const reads = [...new Set(back.map((b) => made[at - b]).filter((b) => b !== undefined))];
      const out = buffer(`t${at}`, size);
      made.push(out);
      return kernel(`k${at}`, reads, [out]);
    });
  });

describe("plan", () => {
  it("reuses bytes of temps whose lives do not meet", () => {
    const [a, b, c] = [buffer("a", 64), buffer("b", 64), buffer("c", 64)];
    const p = plan("step", [kernel("k0", [], [a]), kernel("k1", [a], [b]), kernel("k2", [b], [c])], options);
    verifyPlan(p);
    expect(p.offsets.get(c)).toBe(p.offsets.get(a));
    expect(p.peak).toEqual({ bytes: 512, lowerBound: 512 });
  });

  it("places random chains soundly, with and without reuse, and never below liveness", () => {
    fc.assert(
      fc.property(chains, (kernels) => {
        for (const reuse of [true, false]) {
          const p = plan("step", kernels, { ...options, reuse });
          verifyPlan(p);
          expect(p.peak.bytes).toBeGreaterThanOrEqual(p.peak.lowerBound);
        }
      }),
      { numRuns: 200 },
    );
  });

  it("binds each buffer by itself up to the limit, then one binding per slab with bases", () => {
    const temps = Array.from({ length: 9 }, (_, k) => buffer(`t${k}`, 70));
    const makers = temps.map((t, k) => kernel(`make${k}`, [], [t]));
    const W = buffer("W", 8, "param");
    const p = plan("step", [...makers, kernel("all", temps, [W])], options);
    verifyPlan(p);
    const last = p.kernels.at(-1);
    expect(last?.placement.groups.map((g) => [g.slab, g.access])).toEqual([["store", "read_write"], ["temps", "read"]]);
    expect(last?.placement.params).toHaveLength(10);
    expect(p.kernels[0]?.placement.groups).toHaveLength(1);
  });

  it("lays temps that a kernel of many buffers stores number by number apart from those that it accesses in fours", () => {
    const temps = Array.from({ length: 9 }, (_, k) => buffer(`t${k}`, 64));
    const single = buffer("single", 64);
    const makers = temps.map((t, k) => kernel(`make${k}`, [], [t]));
    const index: Scalar = { kind: "constant", dtype: "i32", value: 0 };
    const body: KernelStmt[] = [...temps.map((b, k): KernelStmt => ({ kind: "load4", ids: [4 * k, 4 * k + 1, 4 * k + 2, 4 * k + 3], buffer: b, index })), { kind: "store", buffer: single, index, value: { kind: "constant", dtype: "f32", value: 1 } }];
    const kernels = [...makers, { ...kernel("all", temps, [single]), body }, kernel("end", [single], [buffer("W", 8, "param")])];
    const placed = (apart: boolean): Plan => plan("step", kernels, { ...options, apart });
    for (const p of [placed(true), placed(false)]) verifyPlan(p);
    const groups = (p: Plan) => p.kernels[9]?.placement.groups.map((g) => [g.slab, g.offset, g.bytes, g.access]);
    expect(groups(placed(true))).toEqual([["temps", 0, 2304, "read_write"], ["temps", 2304, 256, "read_write"]]);
    expect(groups(placed(false))).toEqual([["temps", 0, 2560, "read_write"]]);
    const texts = (p: Plan): string => p.kernels.map(({ kernel: k, placement }) => emit(k, placement)).join("");
    expect(texts(placed(true))).toMatch(/b0: array<vec4<f32>, 144>;\n.*b1: array<f32, 64>;/);
    expect(texts(placed(false))).toMatch(/b0: array<f32, 640>;/);
  });

  it("reaches through one binding what lies between the parts of an arena, where it is written, and only then", () => {
    const layout = layOutStore([{ path: "U", elements: 64 }, { path: "between", elements: 64 }, { path: "V", elements: 64 }]);
    const [u, between, v] = [buffer("U", 64, "param"), buffer("between", 64, "param"), buffer("V", 64, "param")];
    const both: Buffer = { ...buffer("U and V", 192, "param"), path: "U", parts: [{ buffer: u, at: 0 }, { buffer: v, at: 128 }] };
    const [x, y] = [buffer("x", 64, "input"), buffer("y", 64)];
    const bind = (writes: Buffer[]) => {
      const p = plan("step", [kernel("k", [both, u, between, x], writes)], { ...options, store: layout });
      verifyPlan(p);
      return p.kernels[0]?.placement.groups.map((g) => [g.slab, g.offset, g.bytes, g.access]);
    };
    expect(bind([y])).toEqual([["store", 0, 768, "read"], ["store", 0, 256, "read"], ["store", 256, 256, "read"], ["inputs", 0, 256, "read"], ["temps", 0, 256, "read_write"]]);
    expect(bind([y, between])).toEqual([["inputs", 0, 256, "read"], ["temps", 0, 256, "read_write"], ["store", 0, 768, "read_write"]]);
  });

  it("declares every binding of a written slab read_write", () => {
    const [a, b] = [buffer("a", 8), buffer("b", 8)];
    const p = plan("step", [kernel("k0", [], [a]), kernel("k1", [a], [b])], options);
    expect(p.kernels[1]?.placement.groups.map((g) => g.access)).toEqual(["read_write", "read_write"]);
  });

  it("binds mixed element types of one slab as u32", () => {
    const mixed = Array.from({ length: 9 }, (_, k) => buffer(`m${k}`, 4, "temp", k % 2 === 0 ? "f32" : "bool"));
    const p = plan("step", mixed.map((m, k) => kernel(`make${k}`, [], [m])).concat(kernel("all", mixed, [buffer("out", 1, "output")])), options);
    expect(p.kernels.at(-1)?.placement.groups.find((g) => g.slab === "temps")?.elem).toBe("u32");
  });

  it("refuses a tensor larger than a binding, by name", () => {
    const big = buffer("embedding", baseline.bindingBytes / 4 + 1);
    expect(() => plan("step", [kernel("k", [], [big])], options)).toThrow(/embedding takes [\d,]+ bytes/);
  });

  it("prints slabs, lives and bindings", () => {
    const [a, b] = [buffer("a", 4), buffer("b", 4)];
    expect(printPlan(plan("step", [kernel("k0", [], [a]), kernel("k1", [a], [b])], options))).toContain("k1 k1 (pointwise): b0 = temps[0..16] read_write, b1 = temps[256..272] read_write");
  });
});

describe("verifyPlan", () => {
  const [a, b] = [buffer("a", 64), buffer("b", 64)];
  const good = plan("step", [kernel("k0", [], [a]), kernel("k1", [], [b]), kernel("k2", [a, b], [buffer("c", 1, "output")])], options);

  it("finds two live temps on the same bytes", () => {
    const offsets = new Map(good.offsets).set(b, good.offsets.get(a) ?? 0);
    const moved: Plan = { ...good, offsets, kernels: good.kernels.map((k) => rebind(k, b, good.offsets.get(a) ?? 0)) };
    expect(() => verifyPlan(moved)).toThrow(/k2 reads a, whose bytes were never written or were overwritten/);
  });

  it("finds a read of what was never written", () => {
    expect(() => verifyPlan({ ...good, kernels: good.kernels.slice(1) })).toThrow(/reads a/);
  });

  it("finds a binding that is not where the buffer is", () => {
    expect(() => verifyPlan({ ...good, offsets: new Map(good.offsets).set(b, 4096) })).toThrow(/placed at 4096/);
  });

  it("finds a write through a read-only binding", () => {
    const kernels = good.kernels.map((k) => ({ ...k, placement: { ...k.placement, groups: k.placement.groups.map((g) => ({ ...g, access: "read" as const })) } }));
    expect(() => verifyPlan({ ...good, kernels })).toThrow(/read-only binding/);
  });

  function rebind(k: Plan["kernels"][number], moved: Buffer, offset: number): Plan["kernels"][number] {
    const at = k.placement.of.get(moved)?.group;
    return { ...k, placement: { ...k.placement, groups: k.placement.groups.map((g, i) => (i === at ? { ...g, offset, bytes: bytesOf(moved) } : g)) } };
  }
});
