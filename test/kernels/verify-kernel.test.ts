/** The verifier finds what is wrong with a kernel, and nothing in a right one. */
import { describe, expect, it } from "vitest";
import { printKernel } from "../../kernels/print-kernel.ts";
import { profiles } from "../../kernels/profiles.ts";
import { verifyKernels } from "../../kernels/verify-kernel.ts";
import { builtin } from "../../src/ir/kernel.ts";
import type { Buffer, Kernel, KernelStmt, Nest, Stage, Stmt, Touched } from "../../src/ir/kernel.ts";
import { constant, op, ref } from "../../src/ir/scalar.ts";
import { at, int, NestWriter } from "../gpu/nests.ts";
import { buffer } from "../gpu/run-nests.ts";

const [x, y] = [buffer("x", [8], "input"), buffer("y", [8], "output")];
const lane = ref(builtin.localX, "i32");
const load: KernelStmt = { kind: "load", id: 0, buffer: x, index: lane };
const store: KernelStmt = { kind: "store", buffer: y, index: lane, value: ref(0) };
const once = { size: 1, per: 1 };

function kernel(body: readonly KernelStmt[], over: Partial<Kernel> = {}): Kernel {
  return {
    name: "k", family: "pointwise", workgroup: [8, 1, 1], grid: [once, once, once], buffers: [x, y], reads: new Set([x]), writes: new Set([y]), params: [], body, nests: [],
    ...over,
  };
}

const verify = (k: Kernel): void => verifyKernels([k], profiles.gpu);
const barrier: KernelStmt = { kind: "barrier", scope: "workgroup" };

describe("verifyKernels", () => {
  it("accepts a right kernel, which prints", () => {
    verify(kernel([load, barrier, store]));
    expect(printKernel(kernel([load, store]))).toBe("kernel k (pointwise) workgroup 8, 1, 1 grid 1, 1, 1\n  load v0 = x[localX]\n  store y[localX] = v0\n");
  });

  it.each([
    ["a value used before it is known", kernel([store, load], { buffers: [y, x] }), "value 0 is not in sight"],
    ["a value used outside its block", kernel([{ kind: "if", condition: op("<", "bool", [lane, int(4)]), body: [load] }, store]), "value 0 is not in sight"],
    ["a value defined twice", kernel([load, load, store]), "value 0 is defined twice"],
    ["a buffer not listed", kernel([load, store], { buffers: [y, x] }), "its buffers are not those it touches"],
    ["a write not listed", kernel([load, store], { writes: new Set() }), "its reads and writes"],
    ["a workgroup too large", kernel([load, store], { workgroup: [512, 1, 1] }), "a workgroup of 512 x 1 x 1"],
    ["too many workgroups", kernel([load, store], { grid: [{ size: 65_536, per: 1 }, once, once] }), "65536 workgroups"],
    ["a parameter that is not there", kernel([{ kind: "let", id: 0, value: { kind: "param", dtype: "f32", slot: 0 } }, store], { buffers: [y], reads: new Set() }), "parameter 0"],
    ["an index that is no integer", kernel([load, { ...store, index: constant(1) }]), "an index of type f32"],
    ["a barrier that some invocations may miss", kernel([{ kind: "if", condition: op("<", "bool", [lane, int(4)]), body: [barrier] }, load, store]), "barrier in control flow"],
    ["a barrier in a loop that invocations may leave apart", kernel([{ kind: "for", id: 1, from: lane, to: int(8), step: 4, body: [barrier] }, load, store]), "barrier in control flow"],
    ["too much workgroup memory", kernel([{ kind: "shared", name: "s", dtype: "f32", elements: 5000 }, load, store]), "20000 bytes of workgroup memory"],
  ])("finds %s", (_, wrong, message) => {
    expect(() => verify(wrong)).toThrow(message);
  });

  it("finds a barrier where the device class has none", () => {
    expect(() => verifyKernels([kernel([load, barrier, store])], profiles.software)).toThrow("a barrier where barriers may not be");
  });

  describe("of stages", () => {
    const t = buffer("t", [8], "temp");
    const nest = (from: Buffer, to: Buffer): Nest => {
      const w = new NestWriter();
      const i = w.axis("i", 8);
      const body: Stmt[] = [];
      body.push({ kind: "store", buffer: to, index: at(i), value: w.load(body, from, at(i)) });
      return w.nest("copy", "pointwise", [i], body);
    };
    const [first, second] = [nest(x, t), nest(t, y)];
    const copy = (id: number, from: Buffer, to: Buffer): readonly KernelStmt[] => [{ kind: "load", id, buffer: from, index: lane }, { kind: "store", buffer: to, index: lane, value: ref(id) }];
    const touches = (from: Buffer, to: Buffer): Touched => ({ reads: new Set([from]), writes: new Set([to]) });
    const stage = (n: Nest, from: Buffer, to: Buffer): Stage => ({ nests: [n], kernels: [touches(from, to)], ...touches(from, to) });
    const both = [stage(first, x, t), stage(second, t, y)];
    const staged = (between: readonly KernelStmt[], stages: readonly Stage[], over: Partial<Kernel> = {}): Kernel =>
      kernel([...copy(0, x, t), ...between, ...copy(1, t, y)], { buffers: [x, t, y], reads: new Set([x, t]), writes: new Set([t, y]), nests: [first, second], stages, ...over });
    const wait: KernelStmt = { kind: "barrier", scope: "storage" };

    it("accepts a barrier between them, on a processor too", () => {
      verify(staged([wait], both));
      verifyKernels([staged([wait], both)], profiles.software);
    });

    it.each([
      ["a missing barrier", staged([], both), "1 parts between barriers for 2 stages"],
      ["a barrier that is none for storage", staged([barrier], both), "1 parts between barriers for 2 stages"],
      ["kernels of one stage that need each other", staged([], [{ nests: [first, second], kernels: [touches(x, t), touches(t, y)], reads: new Set([x, t]), writes: new Set([t, y]) }]), "two kernels of stage 1 touch what one of them writes"],
      ["what a stage does not list", staged([wait], [stage(first, x, t), stage(second, x, y)]), "stage 2 does not read and write what it lists"],
      ["what no kernel of a stage lists", staged([wait], [stage(first, x, t), { ...stage(second, t, y), kernels: [touches(x, y)] }]), "stage 2 does not list what its kernels read and write"],
      ["another workgroup", staged([wait], both, { grid: [{ size: 2, per: 1 }, once, once] }), "stages in more than one workgroup"],
    ])("finds %s", (_, wrong, message) => {
      expect(() => verify(wrong)).toThrow(message);
    });
  });
});
