/** The tiled product on the device: sizes, transposed forms, batches, windows, epilogues, live sizes. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { tiled } from "../../kernels/contract.ts";
import { readProduct } from "../../kernels/product.ts";
import { profiles } from "../../kernels/profiles.ts";
import { openDevice, type OpenDevice } from "../../src/harness/node/index.ts";
import { evaluate, sym } from "../../src/ir/dims.ts";
import type { Bindings, Dim } from "../../src/ir/dims.ts";
import type { Nest, Place, Profile, Stmt } from "../../src/ir/kernel.ts";
import { op } from "../../src/ir/scalar.ts";
import { add, address, at, difference, int, max, mul, NestWriter, num, numbers } from "./nests.ts";
import { buffer, kernelsOf, runNests, runSchedule, scheduleOf } from "./run-nests.ts";

let gpu: OpenDevice;
beforeAll(async () => {
  gpu = await openDevice();
});
afterAll(() => {
  gpu.close();
});

interface Form {
  readonly m: Dim;
  readonly n: Dim;
  readonly k: Dim;
  /** A is [k, m], B is [n, k]. */
  readonly a?: "transposed";
  readonly b?: "transposed";
  readonly batch?: number;
  readonly capacity?: Bindings;
}

const largest = (d: Dim, capacity: Bindings = {}): number => evaluate(d, capacity);

function product({ m, n, k, a, b, batch = 1, capacity = {} }: Form, place: Place = "output"): Nest {
  const w = new NestWriter();
  const [M, N, K] = [largest(m, capacity), largest(n, capacity), largest(k, capacity)];
  const g = w.axis("g", batch);
  const [i, j, s] = [w.axis("i", m, capacity), w.axis("j", n, capacity), w.axis("s", k, capacity)];
  const A = buffer("A", [batch, M, K], "param");
  const B = buffer("B", [batch, K, N], "param");
  const C = buffer("C", [batch, m, n], place, { capacity });
  const body: Stmt[] = [];
  const [sum = num(0)] = w.fold(body, "sum", [s], (inner) => {
    const x = w.load(inner, A, address([g, M * K], a ? [i, 1] : [i, K], a ? [s, M] : [s, 1]));
    const y = w.load(inner, B, address([g, K * N], b ? [j, K] : [j, 1], b ? [s, 1] : [s, N]));
    return { value: mul(x, y) };
  });
  body.push({ kind: "store", buffer: C, index: address([g, M * N], [i, N], [j, 1]), value: sum });
  return w.nest("product", "contract", [g, i, j], body);
}

/** The sums of the rows of what a nest stores, N x N. */
function rowSums(of: Nest, N: Dim, capacity: Bindings): Nest {
  const w = new NestWriter();
  const [r, c] = [w.axis("r", N, capacity), w.axis("c", N, capacity)];
  const store = of.body.find((s) => s.kind === "store");
  const sums = buffer("sums", [N], "output", { capacity });
  const body: Stmt[] = [];
  const [sum = num(0)] = w.fold(body, "sum", [c], (inner) => ({ value: store ? w.load(inner, store.buffer, address([r, r.capacity], [c, 1])) : num(0) }));
  body.push({ kind: "store", buffer: sums, index: at(r), value: sum });
  return w.nest("sums", "reduce", [r], body);
}

/** C in f64 for live sizes; operands lie at capacity. */
function expected(form: Form, A: Float32Array, B: Float32Array, live: Bindings = {}): number[] {
  const { m, n, k, a, b, batch = 1, capacity = {} } = form;
  const [M, N, K] = [largest(m, capacity), largest(n, capacity), largest(k, capacity)];
  const out: number[] = [];
  for (let g = 0; g < batch; g++)
    for (let i = 0; i < evaluate(m, live); i++)
      for (let j = 0; j < evaluate(n, live); j++) {
        let sum = 0;
        for (let s = 0; s < evaluate(k, live); s++)
          sum += (A[g * M * K + (a ? s * M + i : i * K + s)] ?? 0) * (B[g * K * N + (b ? j * K + s : s * N + j)] ?? 0);
        out.push(sum);
      }
  return out;
}

async function check(form: Form, profile = profiles.software, live: Bindings = {}, poison = false): Promise<number> {
  const { m, n, k, batch = 1, capacity = {} } = form;
  const [M, N, K] = [largest(m, capacity), largest(n, capacity), largest(k, capacity)];
  const [A, B] = [numbers(batch * M * K, 5), numbers(batch * K * N, 6)];
  const reference = expected(form, A, B, live);
  if (poison) {
    const [liveM, liveK] = [evaluate(m, live), evaluate(k, live)];
    for (let i = 0; i < M; i++) for (let s = 0; s < K; s++) if (i >= liveM || s >= liveK) A[form.a ? s * M + i : i * K + s] = Number.NaN;
    for (let s = liveK; s < K; s++) for (let j = 0; j < N; j++) B[form.b ? j * K + s : s * N + j] = Number.NaN;
  }
  const { C } = await runNests(gpu.device, { nests: [product(form)], inputs: { A, B }, live, capacity, profile });
  return difference(C ?? [], reference);
}

/** Kernels whose invocations read together; those of the plain profile are what an adapter without the feature gets. */
const inStep: Profile = { ...profiles.software, subgroup: 4 };

const sizes = [1, 2, 3, 7, 16, 17, 64, 65];
const forms = [{}, { a: "transposed" }, { b: "transposed" }, { a: "transposed", b: "transposed" }] as const;

describe("contract", () => {
  it("is tiled", () => {
    for (const form of forms) expect(kernelsOf({ nests: [product({ m: 64, n: 64, k: 64, ...form })] })[0]?.family).toMatch(/^contract [48]x[48]$/);
  });

  it.each(forms.map((form) => ({ ...form, name: `A${"a" in form ? "ᵀ" : ""} B${"b" in form ? "ᵀ" : ""}` })))("multiplies $name of all sizes", async ({ name, ...form }) => {
    for (const [q, m] of sizes.entries())
      for (const n of [sizes[(q * 3 + 1) % 8] ?? 1, sizes[(q * 5 + 2) % 8] ?? 1])
        expect(await check({ m, n, k: sizes[(q * 7 + 3) % 8] ?? 1, ...form }), `${name} ${m} x ${n}`).toBeLessThan(4e-6);
  });

  it.each([[8, 8, 1, "columns"], [8, 8, 1, "rows"], [8, 8, 1, "written"], [4, 8, 2, "rows"], [2, 4, 4, "written"], [1, 8, 3, "columns"], [8, 1, 1, "columns"], [16, 4, 1, "rows"], [3, 5, 2, "rows"]] as const)("multiplies with remainders in tiles of %i x %i, %i turns at once, finish %s", async (rows, columns, unroll, finish) => {
    for (const [m, n, k] of [[5, 11, 7], [17, 3, 10], [8, 16, 4]] as const) {
      const nest = product({ m, n, k });
      const read = readProduct(nest);
      if (!read) throw new Error("a product");
      const kernels = [tiled(nest, read, { rows, columns, unroll, finish }, profiles.software)];
      const [A, B] = [numbers(m * k, 5), numbers(k * n, 6)];
      const { C } = await runSchedule(gpu.device, { schedule: scheduleOf({ nests: [nest] }), kernels, inputs: { A, B } });
      expect(difference(C ?? [], expected({ m, n, k }, A, B)), `${m} x ${n} x ${k}`).toBeLessThan(1e-6);
    }
  });

  it("reads one side together where invocations run in step", async ({ skip }) => {
    if (!gpu.device.features.has("subgroups")) skip("the adapter has no subgroups");
    for (const [q, form] of forms.entries()) {
      // A side read together, with whole and broken tiles, turns left over, and lanes along columns or rows.
      for (const [m, n, k] of [[64, 64, 64], [65, 64, 63], [63, 128, 7], [128, 127, 17], [17, 32, 129], [1000, 16, 4], [16, 1000, 65], [3, 129, 1000]] as const)
        expect(await check({ m, n, k, ...form }, inStep), `${q}: ${m} x ${n} x ${k}`).toBeLessThan(2e-5);
    }
    expect(await check({ m: 64, n: 64, k: 16, batch: 3 }, inStep)).toBeLessThan(4e-6);
    expect(kernelsOf({ nests: [product({ m: 64, n: 64, k: 64 })], profile: inStep })[0]?.family).toMatch(/ in step$/);
    const capacity = { N: 100 };
    for (const live of [1, 37, 64, 100]) {
      expect(await check({ m: sym("N"), n: 64, k: 70, capacity }, inStep, { N: live }, true), `m ${live}`).toBeLessThan(4e-6);
      expect(await check({ m: 128, n: 32, k: sym("N"), a: "transposed", capacity }, inStep, { N: live }, true), `k ${live}`).toBeLessThan(4e-6);
    }
  });

  it("gives the same bits each time where invocations run in step", async () => {
    for (const [q, form] of forms.entries()) {
      const [nest, [A, B]] = [product({ m: 65, n: 127, k: 129, ...form }), [numbers(65 * 129, 7), numbers(129 * 127, 8)]];
      const runs = [];
      for (let k = 0; k < 3; k++) runs.push((await runNests(gpu.device, { nests: [nest], inputs: { A, B }, profile: inStep }))["C"]);
      expect(new Set(runs[0]).size, `${q}`).toBeGreaterThan(8000);
      for (const again of runs.slice(1)) expect(again, `${q}`).toEqual(runs[0]);
    }
  });

  it("multiplies squares of odd size, batches, and on the other profile", async () => {
    for (const size of [7, 17, 65]) expect(await check({ m: size, n: size, k: size })).toBeLessThan(4e-6);
    for (const form of forms) expect(await check({ m: 9, n: 17, k: 5, batch: 3, ...form })).toBeLessThan(2e-6);
    for (const form of forms) expect(await check({ m: 33, n: 18, k: 70, batch: 2, ...form }, profiles.gpu)).toBeLessThan(4e-6);
    expect(await check({ m: 2, n: 3, k: 300 }, profiles.gpu)).toBeLessThan(4e-6);
  });

  it.each([profiles.software, profiles.gpu])("reads no row and no turn beyond the live ones ($name)", async (profile) => {
    const [N, capacity] = [sym("N"), { N: 100 }];
    for (const live of [1, 37, 64, 100]) {
      expect(await check({ m: N, n: 24, k: 12, capacity }, profile, { N: live }, true), `m ${live}`).toBeLessThan(2e-6);
      expect(await check({ m: 24, n: 10, k: N, a: "transposed", capacity }, profile, { N: live }, true), `k ${live}`).toBeLessThan(4e-6);
    }
  });

  it.each([profiles.software, profiles.gpu])("computes live columns alone ($name)", async (profile) => {
    const [N, capacity, live] = [sym("N"), { N: 90 }, { N: 41 }];
    const form: Form = { m: N, n: N, k: 12, b: "transposed", capacity };
    const [A, B] = [numbers(90 * 12, 5), numbers(90 * 12, 6)];
    const C = expected(form, A, B, live);
    const sums = Array.from({ length: 41 }, (_, i) => C.slice(i * 41, i * 41 + 41).reduce((x, y) => x + y, 0));
    const multiply = product(form, "temp");
    const found = await runNests(gpu.device, { nests: [multiply, rowSums(multiply, N, capacity)], inputs: { A, B }, live, capacity, profile });
    expect(difference(found["sums"] ?? [], sums)).toBeLessThan(4e-6);
  });
});

/** relu(x W + b) and x W, 5 x 30 by 30 x 12. */
function dense(): Nest {
  const w = new NestWriter();
  const [x, W, b] = [buffer("x", [5, 30], "input"), buffer("W", [30, 12], "param"), buffer("b", [12], "param")];
  const [h, z] = [buffer("h", [5, 12], "output"), buffer("z", [5, 12], "output")];
  const [r, o, i] = [w.axis("r", 5), w.axis("o", 12), w.axis("i", 30)];
  const body: Stmt[] = [];
  const [sum = num(0)] = w.fold(body, "sum", [i], (inner) => ({
    value: mul(w.load(inner, x, address([r, 30], [i, 1])), w.load(inner, W, address([i, 12], [o, 1]))),
  }));
  const bias = w.load(body, b, at(o));
  const act = w.let(body, max(add(sum, bias), num(0)));
  body.push({ kind: "store", buffer: h, index: address([r, 12], [o, 1]), value: act }, { kind: "store", buffer: z, index: address([r, 12], [o, 1]), value: sum });
  return w.nest("dense_relu", "contract", [r, o], body);
}

/** A 3 x 3 window over [2, 3, 6, 5] with a border of zeros, to 4 channels: the image is read through guards. */
function convolution(): Nest {
  const w = new NestWriter();
  const [N, C, H, W, O] = [2, 3, 6, 5, 4];
  const [x, k, y] = [buffer("x", [N, C, H, W], "input"), buffer("k", [O, C, 3, 3], "param"), buffer("y", [N, O, H, W], "output")];
  const [n, o, h, v] = [w.axis("n", N), w.axis("o", O), w.axis("h", H), w.axis("v", W)];
  const [c, dh, dv] = [w.axis("c", C), w.axis("dh", 3), w.axis("dv", 3)];
  const body: Stmt[] = [];
  const [sum = num(0)] = w.fold(body, "sum", [c, dh, dv], (inner) => {
    const row = w.let(inner, op("sub", "i32", [add(at(h), at(dh)), int(1)]));
    const column = w.let(inner, op("sub", "i32", [add(at(v), at(dv)), int(1)]));
    const inside = [op(">=", "bool", [row, int(0)]), op("<", "bool", [row, int(H)]), op(">=", "bool", [column, int(0)]), op("<", "bool", [column, int(W)])];
    const guard = w.let(inner, inside.reduce((p, q) => op("and", "bool", [p, q])));
    const index = add(add(mul(row, int(W)), column), address([n, C * H * W], [c, H * W]));
    return { value: mul(w.load(inner, x, index, guard), w.load(inner, k, address([o, C * 9], [c, 9], [dh, 3], [dv, 1]))) };
  });
  body.push({ kind: "store", buffer: y, index: address([n, O * H * W], [o, H * W], [h, W], [v, 1]), value: sum });
  return w.nest("convolution", "contract", [n, o, h, v], body);
}

describe.each([["software", profiles.software], ["software in step", inStep], ["gpu", profiles.gpu]] as const)("contract on %s", (_, profile) => {
  it("finishes with bias and activation, and stores both results", async () => {
    const inputs = { x: numbers(150, 1), W: numbers(360, 2), b: numbers(12, 3) };
    const found = await runNests(gpu.device, { nests: [dense()], inputs, profile });
    const z = Array.from({ length: 60 }, (_, q) => Array.from({ length: 30 }, (_, i) => (inputs.x[Math.floor(q / 12) * 30 + i] ?? 0) * (inputs.W[i * 12 + (q % 12)] ?? 0)).reduce((a, b) => a + b, 0));
    expect(difference(found["z"] ?? [], z)).toBeLessThan(2e-6);
    expect(difference(found["h"] ?? [], z.map((v, q) => Math.max(0, v + (inputs.b[q % 12] ?? 0))))).toBeLessThan(2e-6);
  });

  it("tiles a convolution whose image is read through guards", async () => {
    const [x, k] = [numbers(2 * 3 * 30, 1), numbers(4 * 27, 2)];
    const nests = [convolution()];
    expect(kernelsOf({ nests })[0]?.family).toMatch(/^contract/);
    const found = await runNests(gpu.device, { nests, inputs: { x, k }, profile });
    const y: number[] = [];
    for (let n = 0; n < 2; n++) for (let o = 0; o < 4; o++) for (let h = 0; h < 6; h++) for (let v = 0; v < 5; v++) {
      let sum = 0;
      for (let c = 0; c < 3; c++) for (let dh = 0; dh < 3; dh++) for (let dv = 0; dv < 3; dv++) {
        const [r, q] = [h + dh - 1, v + dv - 1];
        if (r >= 0 && r < 6 && q >= 0 && q < 5) sum += (x[((n * 3 + c) * 6 + r) * 5 + q] ?? 0) * (k[((o * 3 + c) * 3 + dh) * 3 + dv] ?? 0);
      }
      y.push(sum);
    }
    expect(difference(found["y"] ?? [], y)).toBeLessThan(2e-6);
  });

  it("gives the same bits as the plain reduction", async () => {
    const inputs = { x: numbers(150, 1), W: numbers(360, 2), b: numbers(12, 3) };
    const tiled = await runNests(gpu.device, { nests: [dense()], inputs, profile });
    const plain = await runNests(gpu.device, { nests: [dense()], inputs, profile, off: new Set(["tile"]) });
    // Invocations in step take the turns of four in an order of their own each.
    if (profile === inStep) expect(difference(tiled["z"] ?? [], plain["z"] ?? [])).toBeLessThan(2e-6);
    else expect(tiled["z"]).toEqual(plain["z"]);
  });
});
