/** The printer alone: what texts say and what they must not say. Whether a device takes them is tested in test/gpu. */
import { describe, expect, it } from "vitest";
import { bindNest } from "../../kernels/bind.ts";
import { profiles } from "../../kernels/profiles.ts";
import type { Buffer, Kernel, KernelStmt, Stmt } from "../../src/ir/kernel.ts";
import { call, constant, op, ref } from "../../src/ir/scalar.ts";
import type { Scalar, ScalarFunction } from "../../src/ir/scalar.ts";
import type { Group, Placement } from "../../src/memory/placement.ts";
import { describe as describeKernel } from "../../src/wgsl/describe.ts";
import { emit } from "../../src/wgsl/emit.ts";
import { Functions } from "../../src/wgsl/functions.ts";
import { printConstant, ScalarPrinter } from "../../src/wgsl/print-scalar.ts";
import { add, at, mul, NestWriter, num } from "../gpu/nests.ts";
import { buffer } from "../gpu/run-nests.ts";

function print(s: Scalar): string {
  const lines: string[] = [];
  let count = 0;
  const printer = new ScalarPrinter({
    value: (id) => `v${id}`, param: (slot) => `p${slot}`, fn: (f) => f.name, fresh: () => `t${count++}`, line: (text) => lines.push(text),
  });
  const text = printer.print(s);
  return [...lines, text].join("\n");
}

describe("constants", () => {
  it("are exact f32 literals, finite, and typed", () => {
    expect(printConstant(1, "f32")).toBe("1.0f");
    expect(printConstant(0.1, "f32")).toBe("0.10000000149011612f");
    expect(printConstant(-3.4028235e38, "f32")).toBe("(-3.4028234663852886e+38f)");
    expect(printConstant(-0, "f32")).toBe("(-0.0f)");
    expect(printConstant(-2147483648, "i32")).toBe("i32(-2147483648)");
    expect(printConstant(-1, "u32")).toBe("4294967295u");
    expect(printConstant(1, "bool")).toBe("true");
    for (const value of [Number.NaN, Infinity, 1e39]) expect(() => printConstant(value, "f32")).toThrow("no finite f32");
  });
});

describe("scalars", () => {
  it("keep comparisons in parentheses where their signs could open a template", () => {
    const both = op("select", "f32", [op("<", "bool", [ref(0), ref(1)]), num(1), op("cast", "f32", [op(">", "bool", [ref(2), ref(3)])])]);
    expect(print(both)).toBe("select(f32((v2 > v3)), 1.0f, (v0 < v1))");
  });

  it("are named when they occur twice or lie deep", () => {
    const square = mul(ref(0), ref(0));
    expect(print(add(square, square))).toBe("let t0: f32 = v0 * v0;\nt0 + t0");
    const deep = Array.from({ length: 20 }, (_, k) => ref(k + 1)).reduce<Scalar>((sum, x) => add(sum, x), ref(0));
    for (const line of print(deep).split("\n")) expect(line.split("+").length).toBeLessThan(9);
  });

  it("are no constant expressions, which WGSL would evaluate and refuse on overflow", () => {
    expect(print(mul(constant(3e38), constant(10)))).toBe("let t0: f32 = 3.0000000054977558e+38f;\nt0 * 10.0f");
    expect(print(op("bitcast", "f32", [constant(0x7fc00000, "u32")]))).toBe("let t0: u32 = 2143289344u;\nbitcast<f32>(t0)");
  });
});

describe("functions", () => {
  const twice: ScalarFunction = { name: "twice", doc: "", params: ["f32"], lets: [], result: add(ref(0), ref(0)) };
  const four: ScalarFunction = { name: "four", doc: "", params: ["f32"], lets: [call(twice, [ref(0)])], result: call(twice, [ref(1)]) };

  it("come once, callees first", () => {
    const functions = new Functions();
    expect(functions.name(four)).toBe("nabla_four");
    expect(functions.name({ ...twice })).toBe("nabla_twice");
    expect(functions.text().match(/^fn \w+/gm)).toEqual(["fn nabla_twice", "fn nabla_four"]);
  });

  it("of one name and different formulas get different names", () => {
    const functions = new Functions();
    functions.name(twice);
    expect(functions.name({ ...twice, result: num(2) })).toBe("nabla_twice_2");
  });
});

/** y[i] = p * x[i], with names and a coefficient that texts must not show. */
function scaled(names: readonly [string, string], coefficient: number): { kernel: Kernel; buffers: readonly Buffer[] } {
  const w = new NestWriter();
  const i = w.axis("i", 5);
  w.params.push({ dtype: "f32", source: { kind: "constant", value: coefficient } });
  const [x, y] = [buffer(names[0], [5], "input"), buffer(names[1], [5], "output")];
  const body: Stmt[] = [];
  body.push({ kind: "store", buffer: y, index: at(i), value: mul({ kind: "param", dtype: "f32", slot: 0 }, w.load(body, x, at(i))) });
  return { kernel: bindNest(w.nest("scaled", "pointwise", [i], body), profiles.software), buffers: [x, y] };
}

const group = (elem: Group["elem"], access: Group["access"]): Group => ({ slab: "inputs", offset: 0, bytes: 20, elem, elements: 5, access });

function placed({ kernel, buffers }: ReturnType<typeof scaled>): Placement {
  return { groups: [group("f32", "read"), group("f32", "read_write")], of: new Map(buffers.map((b, k) => [b, { group: k }])), params: kernel.params };
}

describe("kernels", () => {
  it("print the same whatever their buffers are called and their parameters hold", () => {
    const [a, b] = [scaled(["x", "y"], 2), scaled(["grad.h.W", "h"], 0.3)];
    expect(emit(a.kernel, placed(a))).toBe(emit(b.kernel, placed(b)));
    expect(emit(a.kernel, placed(a))).toBe(`\
@group(0) @binding(0) var<uniform> words: array<vec4<u32>, 1>;
@group(0) @binding(1) var<storage, read> b0: array<f32, 5>;
@group(0) @binding(2) var<storage, read_write> b1: array<f32, 5>;

@compute @workgroup_size(16, 1, 1)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_id) lane: vec3<u32>) {
  let v0 = (i32(workgroup.x) * 16i) + i32(lane.x);
  if (v0 < 5i) {
    let p0 = bitcast<f32>(words[0].x);
    let v1 = min(v0, 4i);
    let v2 = b0[v1];
    b1[v1] = p0 * v2;
  }
}
`);
    expect(describeKernel(a.kernel, placed(a))).toContain("// b1: y f32[5], written");
  });

  it("reach buffers that share a binding of another type by their base, bit by bit", () => {
    const { kernel, buffers } = scaled(["x", "y"], 2);
    const base = { dtype: "i32" as const, source: { kind: "constant" as const, value: 64 } };
    const placement: Placement = {
      groups: [group("u32", "read_write")], of: new Map(buffers.map((b, k) => [b, { group: 0, base: k + 1 }])), params: [...kernel.params, base, base],
    };
    const text = emit(kernel, placement);
    expect(text).toContain("let v2 = bitcast<f32>(b0[p1 + v1]);");
    expect(text).toContain("b0[p2 + v1] = bitcast<u32>(p0 * v2);");
  });

  it("take four neighbours at once, but not of a binding in which single numbers are written: that may write the whole vector", () => {
    const [x, y] = [buffer("x", [8], "input"), buffer("y", [9], "output")];
    const kernel = (more: readonly KernelStmt[]): Kernel => {
      const { kernel: plain } = scaled(["x", "y"], 1);
      const body: KernelStmt[] = [
        { kind: "load4", ids: [0, 1, 2, 3], buffer: x, index: constant(1, "i32") },
        { kind: "store4", buffer: y, index: constant(0, "i32"), values: [ref(0), ref(1), ref(2), ref(3)] },
      ];
      return { ...plain, params: [], body: [...body, ...more], buffers: [x, y] };
    };
    const groups = [{ ...group("f32", "read"), elements: 8 }, { ...group("f32", "read_write"), elements: 9 }];
    const text = (k: Kernel): string => emit(k, { groups, of: new Map([[x, { group: 0 }], [y, { group: 1 }]]), params: [] });
    const whole = text(kernel([]));
    expect(whole).toContain("b0: array<vec4<f32>, 2>;");
    expect(whole).toContain("b1: array<vec4<f32>, 3>;");
    expect(whole).toContain("b1[0i] = vec4<f32>(v0, v1, v2, v3);");
    const single = text(kernel([{ kind: "store", buffer: y, index: constant(8, "i32"), value: ref(0) }]));
    expect(single).toContain("b0: array<vec4<f32>, 2>;");
    expect(single).toContain("b1: array<f32, 9>;");
    for (const k of [0, 1, 2, 3]) expect(single).toContain(`b1[${k}i] = v${k};`);
    expect(single).toContain("b1[8i] = v0;");
  });
});
