/** What kernels are counted to do, against counts by hand, and what the model makes of it. */
import { describe, expect, it } from "vitest";
import { bind, bindNest } from "../../kernels/bind.ts";
import { countWork } from "../../kernels/count-work.ts";
import { predict } from "../../kernels/predict.ts";
import type { DeviceLimits } from "../../src/schedule/prices.ts";
import { profiles } from "../../kernels/profiles.ts";
import { sym } from "../../src/ir/dims.ts";
import { builtin, type Kernel, type KernelStmt, type Nest, type Profile, type Stmt } from "../../src/ir/kernel.ts";
import { op } from "../../src/ir/scalar.ts";
import { add, address, at, int, mul, NestWriter, num } from "../gpu/nests.ts";
import { buffer } from "../gpu/run-nests.ts";

/** h = x W over a batch of any size. */
function product(): Nest {
  const capacity = { N: 256 };
  const w = new NestWriter();
  const [r, o, i] = [w.axis("r", sym("N"), capacity), w.axis("o", 32), w.axis("i", 64)];
  const [x, W, h] = [buffer("x", [sym("N"), 64], "input", { capacity }), buffer("W", [64, 32], "param"), buffer("h", [sym("N"), 32], "output", { capacity })];
  const body: Stmt[] = [];
  const [sum = num(0)] = w.fold(body, "sum", [i], (inner) => ({ value: mul(w.load(inner, x, address([r, 64], [i, 1])), w.load(inner, W, address([i, 32], [o, 1]))) }));
  body.push({ kind: "store", buffer: h, index: address([r, 32], [o, 1]), value: sum });
  return w.nest("product", "contract", [r, o], body);
}

/** y = x * 3 + 1 over n numbers. */
function line(n: number): Nest {
  const w = new NestWriter();
  const i = w.axis("i", n);
  const [x, y] = [buffer("x", [n], "input"), buffer("y", [n], "output")];
  const body: Stmt[] = [];
  body.push({ kind: "store", buffer: y, index: at(i), value: add(mul(w.load(body, x, at(i)), num(3)), num(1)) });
  return w.nest("line", "pointwise", [i], body);
}

const live = { N: 256 };
const both = { live, bothBranches: true };

describe("countWork", () => {
  it("counts two operations and two accesses for each number of a line", () => {
    const work = countWork(bindNest(line(4096), profiles.software), both);
    expect([work.flops, work.accesses, work.bytes, work.barriers, work.shared]).toEqual([8192, 8192, 32_768, 0, 0]);
    // Each takes several points.
    expect(work.invocations).toBe(1024);
    expect(work.turns).toBe(4096);
  });

  it.each(["software", "gpu"] as const)("counts 2 M N K operations for a product, whatever its tile (%s)", (name) => {
    // Four neighbours at once count less than four accesses.
    const { vector: _, ...profile } = profiles[name];
    const work = countWork(bindNest(product(), profile), both);
    expect(work.flops).toBe(2 * 256 * 32 * 64);
    expect(work.bytes).toBe(4 * (256 * 64 + 64 * 32 + 256 * 32));
    // A tile of r rows and c columns loads r + c numbers for r c products.
    const [, rows = 1, columns = 1] = /(\d+)x(\d+)/.exec(bindNest(product(), profile).family)?.map(Number) ?? [];
    const wanted = (256 * 32 * 64 * (rows + columns)) / (rows * columns) + 256 * 32;
    expect(work.accesses).toBeGreaterThanOrEqual(wanted);
    // A workgroup that the grid rounds up to goes through the motions.
    expect(work.accesses).toBeLessThanOrEqual(wanted * (1 + 1 / 8));
  });

  it("follows the live size, not the capacity", () => {
    const kernel = bindNest(product(), profiles.software);
    expect(countWork(kernel, { live: { N: 128 }, bothBranches: true }).flops).toBe(2 * 128 * 32 * 64);
  });

  it("goes once through the loops of a branch that a workgroup does not take, on a processor", () => {
    const turns = (n: number, body: readonly KernelStmt[]): KernelStmt => ({ kind: "for", id: 7, from: int(0), to: int(n), step: 1, body });
    const read: KernelStmt = { kind: "load", id: 8, buffer: buffer("x", [64], "input"), index: int(0) };
    const first = (body: readonly KernelStmt[], otherwise: readonly KernelStmt[] = []): KernelStmt => ({ kind: "if", condition: op("==", "bool", [{ kind: "ref", id: builtin.workgroupX, dtype: "i32" }, int(0)]), body, otherwise });
    const kernel = (body: readonly KernelStmt[]): Kernel => ({
      name: "k", family: "k", workgroup: [1, 1, 1], grid: [{ size: 4, per: 1 }, { size: 1, per: 1 }, { size: 1, per: 1 }], params: [], body, reads: new Set(), writes: new Set(), buffers: [], nests: [],
    });
    const accesses = (body: readonly KernelStmt[], bothBranches: boolean): number => countWork(kernel(body), { live, bothBranches }).accesses;
    // Four workgroups, of which one goes through ten turns of ten.
    const [branch, ten] = [first([turns(10, [turns(10, [read])])], [turns(5, [read])]), first([turns(10, [read])])];
    expect(accesses([branch], false)).toBe(100 + 3 * 5);
    expect(accesses([branch], true)).toBe(100 + 1 + 3 * (5 + 1));
    // Within a loop the turn that is looked at speaks for no other: what it does not take counts in full.
    expect(accesses([turns(2, [ten])], true)).toBe(2 * 4 * 10);
  });

  it("counts the branch alone that a workgroup takes, or both on a processor", () => {
    const nests = [line(512), line(512)];
    const buffers = nests.flatMap((n) => n.body.flatMap((s) => (s.kind === "load" || s.kind === "store" ? [s.buffer] : [])));
    const schedule = { entry: "step", nests, buffers, outputs: [], commits: [], host: [], origins: { get: () => undefined }, holds: new Map(), became: new Map() };
    const [merged, ...more] = bind(schedule, profiles.gpu, {});
    expect([merged?.family, more]).toEqual(["horizontal 2", []]);
    if (!merged) return;
    expect(countWork(merged, { live, bothBranches: false }).flops).toBe(2 * 1024);
    expect(countWork(merged, { live, bothBranches: false }).accesses).toBe(2 * 1024);
    expect(countWork(merged, { live, bothBranches: true }).flops).toBe(2 * 1024);
    expect(countWork(merged, { live, bothBranches: true }).accesses).toBe(2 * 2 * 1024);
  });
});

describe("predict", () => {
  const limits: DeviceLimits = { accesses: 1e9, operations: 1e11, bandwidth: 1e11, dispatch: 1e-5, parallel: 2 };
  const profile = (name: "software" | "gpu"): Profile => profiles[name];
  const none = { workgroups: 1000, invocations: 64_000, accesses: 0, shared: 0, flops: 0, operations: 0, turns: 0, barriers: 0, bytes: 0 };

  it("adds up on a processor and takes the longest on a GPU", () => {
    const work = { ...none, accesses: 1e6, operations: 1e8, bytes: 4e8 };
    expect(predict(work, 64, limits, profile("gpu"))).toEqual({ seconds: 4e-3, bound: "memory" });
    const { seconds, bound } = predict(work, 64, limits, profile("software"));
    expect(bound).toBe("accesses");
    expect(seconds).toBeCloseTo(1e-3 + 1e-3 + 1e-5 + 1000 * 130e-9, 9);
  });

  it("takes one workgroup to be alone on its core, and empty lanes to cost what full ones do", () => {
    const work = { ...none, workgroups: 1, accesses: 1e6 };
    const many = predict({ ...work, workgroups: 2 }, 64, limits, profile("software")).seconds;
    expect(predict(work, 64, limits, profile("software")).seconds / many).toBeCloseTo(2, 1);
    expect(predict({ ...work, workgroups: 2 }, 1, limits, profile("software")).seconds / many).toBeCloseTo(4, 1);
  });

  it("says so where nothing but the launch costs", () => {
    expect(predict({ ...none, workgroups: 1 }, 64, limits, profile("gpu"))).toEqual({ seconds: 1e-5, bound: "launch" });
  });
});
