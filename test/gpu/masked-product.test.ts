/** Sums under a mask as tiled products, and several points for each invocation, on the device against plain arithmetic at awkward sizes. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { maskedProduct } from "../../kernels/masked-product.ts";
import { profiles } from "../../kernels/profiles.ts";
import { openDevice, type OpenDevice } from "../../src/harness/node/index.ts";
import { sym } from "../../src/ir/dims.ts";
import type { Nest, Stmt } from "../../src/ir/kernel.ts";
import { op } from "../../src/ir/scalar.ts";
import { address, at, max, mul, NestWriter, num, numbers } from "./nests.ts";
import { buffer, kernelsOf, runNests } from "./run-nests.ts";

let gpu: OpenDevice;
beforeAll(async () => {
  gpu = await openDevice({ optionalFeatures: ["subgroups"] });
});
afterAll(() => {
  gpu.close();
});

const N = sym("N");

/** d[v, c] = sum n { y[n, c] where t[n] = v } */
function gathered(tokens: number, width: number, capacity: number): Nest {
  const w = new NestWriter();
  const bound = { capacity: { N: capacity } };
  const [t, y, d] = [buffer("t", [N], "input", { ...bound, dtype: "i32" }), buffer("y", [N, width], "input", bound), buffer("d", [tokens, width], "output")];
  const [v, c, n] = [w.axis("v", tokens), w.axis("c", width), w.axis("n", N, bound.capacity)];
  const body: Stmt[] = [];
  const [sum] = w.fold(body, "sum", [n], (inner) => {
    const token = w.load(inner, t, at(n));
    const mask = w.let(inner, op("==", "bool", [token, at(v)]));
    return { value: w.load(inner, y, address([n, width], [c, 1])), mask };
  });
  body.push({ kind: "store", buffer: d, index: address([v, width], [c, 1]), value: sum ?? num(0) });
  return w.nest("gathered", "reduce", [v, c], body);
}

describe("a sum under a mask", () => {
  for (const profile of [profiles.software, profiles.gpu])
    it.each([[4, 4, 1], [5, 7, 3], [17, 16, 64], [64, 65, 127], [7, 129, 1000], [63, 5, 33]])(`of %i rows and %i columns over %i places is a product (${profile.name})`, async (tokens, width, places) => {
      const nest = gathered(tokens, width, places + 2);
      expect(kernelsOf({ nests: [nest], profile, capacity: { N: places + 2 } })[0]?.family).toMatch(/^contract/);
      const y = numbers(places * width, 3);
      const t = Int32Array.from({ length: places }, (_, i) => (i * 7 + (i >> 2)) % tokens);
      const run = { nests: [nest], inputs: { t, y }, live: { N: places }, capacity: { N: places + 2 }, profile };
      const truth = new Float64Array(tokens * width);
      for (let n = 0; n < places; n++) for (let c = 0; c < width; c++) truth[(t[n] ?? 0) * width + c] = (truth[(t[n] ?? 0) * width + c] ?? 0) + (y[n * width + c] ?? 0);
      for (const off of [new Set<string>(), new Set(["masked-product"])]) {
        const { d } = await runNests(gpu.device, { ...run, off });
        expect(Math.max(...truth.map((x, i) => Math.abs(x - Number(d?.[i]))))).toBeLessThan(1e-4);
      }
    });

  it.each([["software", profiles.software], ["gpu", profiles.gpu], ["in step", { ...profiles.software, subgroup: 4 }]] as const)("sums nothing that the mask hides, were it infinite (%s)", async (name, profile) => {
    if (name === "in step" && !gpu.device.features.has("subgroups")) return;
    const [tokens, width, places] = [17, 16, 64];
    const t = Int32Array.from({ length: places }, (_, i) => i % tokens);
    const y = numbers(places * width, 3).map((v, i) => (i < width ? Number.POSITIVE_INFINITY : v));
    const nest = gathered(tokens, width, places);
    expect(kernelsOf({ nests: [nest], profile, capacity: { N: places } })[0]?.family).toMatch(/^contract/);
    const { d } = await runNests(gpu.device, { nests: [nest], inputs: { t, y }, live: { N: places }, capacity: { N: places }, profile });
    const infinite = Array.from(d ?? [], (v, k) => (Number.isFinite(v) ? -1 : Math.floor(k / width))).filter((v) => v >= 0);
    expect(infinite).toEqual(Array.from({ length: width }, () => 0));
  });

  it("is left alone where rows or columns are few", () => {
    expect(maskedProduct(gathered(3, 16, 8))).toBeUndefined();
    expect(maskedProduct(gathered(16, 2, 8))).toBeUndefined();
  });
});

describe("several points for each invocation", () => {
  it.each([[1000, 9, 1000], [1000, 9, 1], [129, 65, 127], [64, 128, 64], [2731, 3, 2730]])("compute all that are live: at most %i x %i, %i of them", async (most, columns, live) => {
    const w = new NestWriter();
    const bound = { capacity: { N: most } };
    const [x, s, y] = [buffer("x", [N, columns], "input", bound), buffer("s", [1], "input"), buffer("y", [N, columns], "output", bound)];
    const [r, c] = [w.axis("r", N, bound.capacity), w.axis("c", columns)];
    const body: Stmt[] = [];
    const scale = w.load(body, s, op("add", "i32", [{ kind: "constant", dtype: "i32", value: 0 }, { kind: "constant", dtype: "i32", value: 0 }]));
    const place = address([r, columns], [c, 1]);
    const value = mul(max(w.load(body, x, place), num(0)), w.let(body, mul(scale, num(2))));
    body.push({ kind: "store", buffer: y, index: place, value });
    const nest = w.nest("scaled", "pointwise", [r, c], body);
    const inputs = { x: numbers(live * columns, 5), s: Float32Array.of(1.5) };
    const expected = Array.from(inputs.x, (v) => Math.fround(Math.max(0, v) * 3));
    for (const off of [new Set<string>(), new Set(["several"])]) {
      const found = await runNests(gpu.device, { nests: [nest], inputs, live: { N: live }, capacity: { N: most }, profile: profiles.software, off });
      expect(Array.from(found["y"] ?? []).slice(0, live * columns)).toEqual(expected);
    }
    const groups = (off: ReadonlySet<string>): number | undefined => kernelsOf({ nests: [nest], capacity: { N: most }, off })[0]?.grid[0].per;
    expect(groups(new Set())).toBe(512);
    expect(groups(new Set(["several"]))).toBe(128);
  });

  it.each([[1000, 4, 999], [513, 17, 513], [700, 129, 1], [600, 256, 599]])("go along the last axis where positions are taken apart: at most %i x %i, %i of them", async (most, columns, live) => {
    const w = new NestWriter();
    const bound = { capacity: { N: most } };
    const [x, s, y] = [buffer("x", [N, columns], "input", bound), buffer("s", [columns], "input"), buffer("y", [N, columns], "output", bound)];
    const [r, c] = [w.axis("r", N, bound.capacity), w.axis("c", columns)];
    const body: Stmt[] = [];
    const place = address([r, columns], [c, 1]);
    body.push({ kind: "store", buffer: y, index: place, value: mul(w.load(body, x, place), w.load(body, s, at(c))) });
    const nest = w.nest("scaled", "pointwise", [r, c], body);
    const inputs = { x: numbers(live * columns, 5), s: numbers(columns, 9) };
    const expected = Array.from(inputs.x, (v, i) => Math.fround(v * (inputs.s[i % columns] ?? 0)));
    expect(kernelsOf({ nests: [nest], capacity: { N: most } })[0]?.family).toBe("pointwise-line");
    for (const off of [new Set<string>(), new Set(["several"])]) {
      const found = await runNests(gpu.device, { nests: [nest], inputs, live: { N: live }, capacity: { N: most }, profile: profiles.software, off });
      expect(Array.from(found["y"] ?? []).slice(0, live * columns)).toEqual(expected);
    }
  });
});
