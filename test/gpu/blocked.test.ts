/** Products in blocks of workgroup memory, on the device against f64: sizes around those of a block, all forms, masks, batches, live sizes, epilogues. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bindNest } from "../../kernels/bind.ts";
import { blocked } from "../../kernels/blocked.ts";
import { rankBlocks, type Block } from "../../kernels/choose-block.ts";
import { readProduct } from "../../kernels/product.ts";
import { profiles } from "../../kernels/profiles.ts";
import { verifyKernels } from "../../kernels/verify-kernel.ts";
import { adapterMemory, openDevice, type OpenDevice } from "../../src/harness/node/index.ts";
import { profileFor } from "../../src/harness/device-class.ts";
import { evaluate, sym } from "../../src/ir/dims.ts";
import type { Bindings, Dim } from "../../src/ir/dims.ts";
import type { Nest, Stmt } from "../../src/ir/kernel.ts";
import { op } from "../../src/ir/scalar.ts";
import type { Values } from "../../src/harness/runtime/engine.ts";
import { openSession } from "../../src/session.ts";
import { program } from "../language/kit.ts";
import { add, address, at, difference, int, max, mul, NestWriter, num, numbers } from "./nests.ts";
import { buffer, runSchedule, scheduleOf } from "./run-nests.ts";

let gpu: OpenDevice;
beforeAll(async () => {
  gpu = await openDevice({ limits: adapterMemory });
});
afterAll(() => {
  gpu.close();
});

const profile = profiles.gpu;
/** Smaller than any that is chosen: a processor that plays GPU takes a second and more to build a kernel with 8 KiB of workgroup memory. */
const small: Block = { rows: 16, columns: 16, turns: 8, tile: [4, 4], unroll: 2, finish: "written" };
/** The next slice fetched meanwhile, and lanes in squares. */
const ahead: Block = { ...small, unroll: 8, ahead: true };

async function runBlocked(nest: Nest, block: Block, inputs: Readonly<Record<string, Values>>, live: Bindings = {}, capacity: Bindings = {}): Promise<Readonly<Record<string, Values>>> {
  const large = { ...profile, workgroupBytes: gpu.device.limits.maxComputeWorkgroupStorageSize };
  const product = readProduct(nest);
  if (!product) throw new Error("a product");
  const kernels = [blocked(nest, product, block, profile)];
  return await runSchedule(gpu.device, { schedule: scheduleOf({ nests: [nest] }), kernels, inputs, live, capacity, profile: large });
}

interface Form {
  readonly m: Dim;
  readonly n: Dim;
  readonly k: Dim;
  readonly a?: boolean;
  readonly b?: boolean;
  readonly batch?: number;
  readonly capacity?: Bindings;
  /** Adds a bias and a residual, and cuts off below 0. */
  readonly dense?: true;
}

function product({ m, n, k, a, b, batch = 1, capacity = {}, dense }: Form): Nest {
  const w = new NestWriter();
  const [M, N, K] = [m, n, k].map((d) => evaluate(d, capacity)) as [number, number, number];
  const [g, i, j, s] = [w.axis("g", batch), w.axis("i", m, capacity), w.axis("j", n, capacity), w.axis("s", k, capacity)];
  const [A, B, C] = [buffer("A", [batch, M, K], "param"), buffer("B", [batch, K, N], "param"), buffer("C", [batch, m, n], "output", { capacity })];
  const body: Stmt[] = [];
  const [sum = num(0)] = w.fold(body, "sum", [s], (inner) => {
    const x = w.load(inner, A, address([g, M * K], a ? [i, 1] : [i, K], a ? [s, M] : [s, 1]));
    const y = w.load(inner, B, address([g, K * N], b ? [j, K] : [j, 1], b ? [s, 1] : [s, N]));
    return { value: mul(x, y) };
  });
  const index = address([g, M * N], [i, N], [j, 1]);
  const value = dense ? max(add(add(sum, w.load(body, buffer("c", [N], "param"), at(j))), w.load(body, buffer("R", [batch, M, N], "param"), index)), num(0)) : sum;
  body.push({ kind: "store", buffer: C, index, value });
  return w.nest("product", "contract", [g, i, j], body);
}

/** Compares with f64; what lies beyond the live sizes is no number. */
async function check(form: Form, block: Block, live: Bindings = {}): Promise<number> {
  const { m, n, k, a, b, batch = 1, capacity = {}, dense } = form;
  const [M, N, K] = [m, n, k].map((d) => evaluate(d, capacity)) as [number, number, number];
  const [liveM, liveN, liveK] = [m, n, k].map((d) => evaluate(d, live)) as [number, number, number];
  const [A, B, c, R] = [numbers(batch * M * K, 5), numbers(batch * K * N, 6), numbers(N, 7), numbers(batch * M * N, 8)];
  const place = { A: (g: number, i: number, s: number) => g * M * K + (a ? s * M + i : i * K + s), B: (g: number, s: number, j: number) => g * K * N + (b ? j * K + s : s * N + j) };
  const reference: number[] = [];
  for (let g = 0; g < batch; g++)
    for (let i = 0; i < liveM; i++)
      for (let j = 0; j < liveN; j++) {
        let sum = 0;
        for (let s = 0; s < liveK; s++) sum += (A[place.A(g, i, s)] ?? 0) * (B[place.B(g, s, j)] ?? 0);
        reference.push(dense ? Math.max(sum + (c[j] ?? 0) + (R[(g * M + i) * N + j] ?? 0), 0) : sum);
      }
  for (let g = 0; g < batch; g++) {
    for (let i = 0; i < M; i++) for (let s = 0; s < K; s++) if (i >= liveM || s >= liveK) A[place.A(g, i, s)] = Number.NaN;
    for (let s = liveK; s < K; s++) for (let j = 0; j < N; j++) B[place.B(g, s, j)] = Number.NaN;
  }
  const { C } = await runBlocked(product(form), block, { A, B, c, R }, live, capacity);
  return difference(C ?? [], reference);
}

const sizes = [1, 2, 3, 7, 16, 17, 63, 64, 65, 127, 129] as const;
const forms = [[false, false], [true, false], [false, true], [true, true]] as const;

describe("blocked", () => {
  it.each(sizes.map((m, q) => [m, sizes[(q * 3 + 2) % 11] ?? 1, sizes[(q * 5 + 7) % 11] ?? 1, ...(forms[q % 4] ?? forms[0])] as const))("multiplies %i x %i, sums of %i, transposed %s and %s", async (m, n, k, a, b) => {
    for (const block of [small, ahead]) expect(await check({ m, n, k, a, b }, block)).toBeLessThan(1e-5);
  });

  it("multiplies in blocks that are chosen, finished at once and in loops", async () => {
    const blocks = forms.flatMap(([a, b]) => {
      const nest = product({ m: 70, n: 130, k: 33, a, b, dense: true });
      const read = readProduct(nest);
      const all = read ? rankBlocks(read, profile).map((c) => c.block) : [];
      expect(all.length).toBeGreaterThan(8);
      if (read) verifyKernels(all.map((block) => blocked(nest, read, block, profile)), profile);
      return all.map((block) => ({ a, b, block }));
    });
    const ofSize = (rows: number, columns: number, tile: number, fetches = false): Block => blocks.find(({ block }) => block.rows === rows && block.columns === columns && block.tile[0] === tile && block.ahead === (fetches || undefined))?.block ?? small;
    expect(ofSize(64, 64, 8, true)).not.toBe(small);
    for (const [block, a, b] of [[ofSize(32, 32, 4), false, true], [ofSize(64, 16, 4), true, false], [{ ...ofSize(64, 64, 8), finish: "rows" as const }, false, false], [ofSize(32, 64, 4, true), false, true], [{ ...ofSize(64, 64, 8, true), finish: "rows" as const }, false, false]] as const)
      expect(await check({ m: 70, n: 130, k: 33, a, b, dense: true }, block), JSON.stringify(block)).toBeLessThan(1e-5);
  });

  it("may take the workgroup memory that a device was asked for, and no more", () => {
    const nest = product({ m: 130, n: 140, k: 33, b: true });
    const read = readProduct(nest);
    const kernels = read ? rankBlocks(read, { ...profile, workgroupBytes: 32_768 }).map(({ block }) => blocked(nest, read, block, profile)) : [];
    expect(() => verifyKernels(kernels, { ...profile, workgroupBytes: 32_768 })).not.toThrow();
    expect(() => verifyKernels(kernels, profile)).toThrow("bytes of workgroup memory");
  });

  it("is right in a session on a device with more workgroup memory", { timeout: 60_000 }, async () => {
    const [m, n, k] = [512, 1024, 64];
    const compiled = program(`input a: f32[${m}, ${k}]\ninput b: f32[${n}, ${k}]\noutput c = a @ transpose(b)`);
    const target = { capacity: {}, profile: profileFor({ device: gpu.device, software: false }) };
    const [kernel] = compiled.lower("predict", target).kernels;
    expect(kernel?.body.reduce((bytes, s) => bytes + (s.kind === "shared" ? 16 * s.elements : 0), 0)).toBeGreaterThan(16_384);
    const [a, b] = [numbers(m * k, 3), numbers(n * k, 4)];
    const session = await openSession(compiled, { device: gpu.device, software: false });
    const { c } = await session.predict({ a: Array.from(a), b: Array.from(b) });
    session.close();
    const reference = Float64Array.from({ length: m * n }, (_, at) => {
      let sum = 0;
      for (let s = 0; s < k; s++) sum += (a[Math.floor(at / n) * k + s] ?? 0) * (b[(at % n) * k + s] ?? 0);
      return sum;
    });
    expect(difference(c?.data ?? [], reference)).toBeLessThan(1e-5);
  });

  it("multiplies batches, long sums and whole blocks, the same to the bit each time", async () => {
    for (const block of [small, ahead]) {
      expect(await check({ m: 33, n: 18, k: 40, batch: 3, dense: true }, block)).toBeLessThan(1e-5);
      expect(await check({ m: 64, n: 32, k: 1000, b: true }, block)).toBeLessThan(2e-5);
    }
    // Four neighbours in one access, where all of them are.
    for (const [a, b] of forms) for (const block of [small, ahead]) expect(await check({ m: 32, n: 64, k: 16, a, b, batch: 2, dense: true }, block)).toBeLessThan(1e-5);
    const [A, B] = [numbers(64 * 48, 1), numbers(48 * 32, 2)];
    const [first, second, third] = [await runBlocked(product({ m: 64, n: 32, k: 48 }), small, { A, B }), await runBlocked(product({ m: 64, n: 32, k: 48 }), small, { A, B }), await runBlocked(product({ m: 64, n: 32, k: 48 }), ahead, { A, B })];
    expect(second.C).toEqual(first.C);
    // The same sums in the same order.
    expect(third.C).toEqual(first.C);
  });

  it("reads no row and no turn beyond the live ones", async () => {
    const [N, capacity] = [sym("N"), { N: 70 }];
    for (const live of [1, 37, 64, 70]) {
      for (const block of [small, ahead]) {
        expect(await check({ m: N, n: 24, k: 20, capacity }, block, { N: live }), `rows ${live}`).toBeLessThan(1e-5);
        expect(await check({ m: 24, n: 40, k: N, a: true, capacity }, block, { N: live }), `turns ${live}`).toBeLessThan(1e-5);
      }
    }
  });

  it("takes windows of an image for the rows of a matrix, their borders as 0", async () => {
    const [images, channels, filters, side] = [2, 3, 5, 9];
    const w = new NestWriter();
    const [n, o, y, x] = [w.axis("n", images), w.axis("o", filters), w.axis("y", side), w.axis("x", side)];
    const [c, u, v] = [w.axis("c", channels), w.axis("u", 3), w.axis("v", 3)];
    const [I, W, out] = [buffer("I", [images, channels, side, side], "param"), buffer("W", [filters, channels, 3, 3], "param"), buffer("out", [images, filters, side, side], "output")];
    const body: Stmt[] = [];
    const [sum = num(0)] = w.fold(body, "sum", [c, u, v], (inner) => {
      const [row, column] = [add(add(at(y), at(u)), int(-1)), add(add(at(x), at(v)), int(-1))];
      const inside = [op(">=", "bool", [row, int(0)]), op("<", "bool", [row, int(side)]), op(">=", "bool", [column, int(0)]), op("<", "bool", [column, int(side)])].reduce((p, q) => op("and", "bool", [p, q]));
      const pixel = w.load(inner, I, add(add(address([n, channels * side * side], [c, side * side]), mul(row, int(side))), column), inside);
      return { value: mul(w.load(inner, W, address([o, channels * 9], [c, 9], [u, 3], [v, 1])), pixel) };
    });
    body.push({ kind: "store", buffer: out, index: address([n, filters * side * side], [o, side * side], [y, side], [x, 1]), value: sum });
    const [image, kernel] = [numbers(images * channels * side * side, 3), numbers(filters * channels * 9, 4)];
    const reference: number[] = [];
    for (let a = 0; a < images; a++) for (let f = 0; f < filters; f++) for (let i = 0; i < side; i++) for (let j = 0; j < side; j++) {
      let total = 0;
      for (let d = 0; d < channels; d++) for (let p = 0; p < 3; p++) for (let q = 0; q < 3; q++) {
        const [r, s] = [i + p - 1, j + q - 1];
        if (r >= 0 && r < side && s >= 0 && s < side) total += (image[((a * channels + d) * side + r) * side + s] ?? 0) * (kernel[(f * channels + d) * 9 + p * 3 + q] ?? 0);
      }
      reference.push(total);
    }
    const nest = w.nest("conv", "contract", [n, o, y, x], body);
    const found = await runBlocked(nest, small, { I: image, W: kernel });
    expect((await runBlocked(nest, ahead, { I: image, W: kernel })).out).toEqual(found.out);
    expect(difference(found.out ?? [], reference)).toBeLessThan(1e-5);
  });

  it("sums nothing that a mask hides, were it infinite", async () => {
    const [tokens, width, count] = [40, 20, 50];
    const w = new NestWriter();
    const [t, y, d] = [buffer("t", [count], "param", { dtype: "i32" }), buffer("y", [count, width], "param"), buffer("d", [tokens, width], "output")];
    const [v, c, s] = [w.axis("v", tokens), w.axis("c", width), w.axis("s", count)];
    const body: Stmt[] = [];
    const [sum = num(0)] = w.fold(body, "sum", [s], (inner) => {
      const here = op("==", "bool", [w.load(inner, t, at(s)), at(v)]);
      return { value: op("select", "f32", [here, w.load(inner, y, address([s, width], [c, 1])), num(0)]) };
    });
    body.push({ kind: "store", buffer: d, index: address([v, width], [c, 1]), value: sum });
    // The last two name no row.
    const token = Int32Array.from({ length: count }, (_, k) => (k >= 48 ? tokens + k : (k * 7) % tokens));
    const values = numbers(count * width, 9).fill(Infinity, 48 * width);
    const reference = Array.from({ length: tokens * width }, (_, k) => token.reduce((total, row, q) => (row === Math.floor(k / width) ? total + (values[q * width + (k % width)] ?? 0) : total), 0));
    const nest = w.nest("gathered", "contract", [v, c], body);
    const found = await runBlocked(nest, small, { t: token, y: values });
    expect((await runBlocked(nest, ahead, { t: token, y: values })).d).toEqual(found.d);
    expect(difference(found.d ?? [], reference)).toBeLessThan(1e-5);
  });

  it("is chosen for large products where barriers are cheap, and left out by its name", () => {
    const large = product({ m: 1024, n: 1024, k: 1024 });
    expect(bindNest(large, profile).family).toBe("contract in blocks 64x64x8 of 8x4 ahead");
    // With more workgroup memory than every device has, larger ones.
    expect(bindNest(large, { ...profile, workgroupBytes: 32_768 }).family).toBe("contract in blocks 64x128x16 of 8x8 ahead");
    expect(bindNest(large, profile, { off: new Set(["ahead"]) }).family).toMatch(/^contract in blocks \d+x\d+x\d+ of 8x[48]$/);
    expect(bindNest(large, profiles.software).family).not.toMatch(/blocks/);
    expect(bindNest(large, profile, { off: new Set(["blocks"]) }).family).toBe("contract 8x4");
    expect(bindNest(product({ m: 16, n: 16, k: 16 }), profile).family).toMatch(/^contract \dx\d$/);
  });
});
