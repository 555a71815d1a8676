/** Attention in one kernel: what is one, and its numbers on the device against f64 at sizes around those of a block. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { attention, type AttentionBlock, isWorthAttention } from "../../kernels/attention.ts";
import { profiles } from "../../kernels/profiles.ts";
import { findAttention } from "../../kernels/read-attention.ts";
import { compile } from "../../src/compile.ts";
import { openDevice, type OpenDevice } from "../../src/harness/node/index.ts";
import { evaluate, sym } from "../../src/ir/dims.ts";
import type { Bindings, Dim } from "../../src/ir/dims.ts";
import type { Axis, Nest, Profile, Stmt } from "../../src/ir/kernel.ts";
import { constant, op } from "../../src/ir/scalar.ts";
import type { Scalar } from "../../src/ir/scalar.ts";
import { expFunction } from "../../src/ops/functions.ts";
import { openSession } from "../../src/session.ts";
import { add, address, at, difference, max, mul, NestWriter, num, numbers } from "./nests.ts";
import { buffer, kernelsOf, runSchedule, scheduleOf } from "./run-nests.ts";

let gpu: OpenDevice;
beforeAll(async () => {
  gpu = await openDevice();
});
afterAll(() => {
  gpu.close();
});

/** 16 queries and keys: a processor that plays GPU takes many seconds for a kernel with 16 KiB of workgroup memory. */
const small: AttentionBlock = { across: 4, down: 4, turns: 8 };

interface Form {
  readonly heads: number;
  /** Queries, keys; the channels of a query and of a value. */
  readonly T: Dim;
  readonly S: Dim;
  readonly d: number;
  readonly e: number;
  readonly mask?: "causal" | "given";
  readonly capacity?: Bindings;
}

/** Scores, softmax and weighted values, as the schedule makes them of queries [T, heads, d]; the result is cut off below 0. */
function nestsOf({ heads, T, S, d, e, mask, capacity = {} }: Form): readonly Nest[] {
  const [most, mostKeys] = [evaluate(T, capacity), evaluate(S, capacity)];
  const [q, k, v] = [buffer("q", [most, heads, d], "param"), buffer("k", [mostKeys, heads, d], "param"), buffer("v", [mostKeys, heads, e], "param")];
  const given = buffer("given", [most, mostKeys], "param");
  const [s, p] = [buffer("s", [heads, T, S], "temp", { capacity }), buffer("p", [heads, T, S], "temp", { capacity })];
  const o = buffer("o", [T, heads, e], "output", { capacity });
  const place = (h: Axis, i: Axis, j: Axis): Scalar => address([h, most * mostKeys], [i, mostKeys], [j, 1]);

  const first = new NestWriter();
  const [h, i, j, c] = [first.axis("h", heads), first.axis("i", T, capacity), first.axis("j", S, capacity), first.axis("c", d)];
  const scores: Stmt[] = [];
  const [score = num(0)] = first.fold(scores, "sum", [c], (inner) => ({ value: mul(first.load(inner, q, address([h, d], [i, heads * d], [c, 1])), first.load(inner, k, address([h, d], [j, heads * d], [c, 1]))) }));
  scores.push({ kind: "store", buffer: s, index: place(h, i, j), value: score });

  const second = new NestWriter();
  const [g, r] = [second.axis("h", heads), second.axis("i", T, capacity)];
  const softmax: Stmt[] = [];
  const [x, y, z] = [second.axis("j", S, capacity), second.axis("j", S, capacity), second.axis("j", S, capacity)];
  const scaled = (inner: Stmt[], axis: Axis): Scalar => mul(second.load(inner, s, place(g, r, axis)), num(0.4));
  const seen = (inner: Stmt[], axis: Axis): { mask?: Scalar } =>
    mask === "causal" ? { mask: op("<=", "bool", [at(axis), at(r)]) }
      : mask === "given" ? { mask: op(">", "bool", [second.load(inner, given, address([r, mostKeys], [axis, 1])), num(0)]) } : {};
  const [top = num(0)] = second.fold(softmax, "max", [x], (inner) => ({ value: scaled(inner, x), ...seen(inner, x) }));
  const below = second.let(softmax, op("neg", "f32", [top]));
  const weight = (inner: Stmt[], axis: Axis): Scalar => ({ kind: "call", fn: expFunction, dtype: "f32", args: [add(scaled(inner, axis), below)] });
  const [sum = num(0)] = second.fold(softmax, "sum", [y], (inner) => ({ value: weight(inner, y), ...seen(inner, y) }));
  const each: Stmt[] = [];
  const share = op("div", "f32", [weight(each, z), sum]);
  const { mask: here } = seen(each, z);
  each.push({ kind: "store", buffer: p, index: place(g, r, z), value: here ? op("select", "f32", [here, share, constant(0)]) : share });
  softmax.push({ kind: "each", axis: z, body: each });

  const third = new NestWriter();
  const [t, w, u, n] = [third.axis("i", T, capacity), third.axis("h", heads), third.axis("c", e), third.axis("j", S, capacity)];
  const values: Stmt[] = [];
  const [mixed = num(0)] = third.fold(values, "sum", [n], (inner) => ({ value: mul(third.load(inner, p, place(w, t, n)), third.load(inner, v, address([n, heads * e], [w, e], [u, 1]))) }));
  values.push({ kind: "store", buffer: o, index: address([t, heads * e], [w, e], [u, 1]), value: max(mixed, num(-0.1)) });
  return [first.nest("scores", "contract", [h, i, j], scores), second.nest("softmax", "row", [g, r], softmax), third.nest("values", "contract", [t, w, u], values)];
}

async function check(form: Form, live: Bindings = {}): Promise<number> {
  const { heads, T, S, d, e, mask, capacity = {} } = form;
  const [most, mostKeys, T1, S1] = [evaluate(T, capacity), evaluate(S, capacity), evaluate(T, live), evaluate(S, live)];
  const [q, k, v, given] = [numbers(most * heads * d, 1).map((z) => 4 * z), numbers(mostKeys * heads * d, 2).map((z) => 4 * z), numbers(mostKeys * heads * e, 3), numbers(most * mostKeys, 4)];
  // The second query sees nothing.
  if (mask === "given") given.fill(-1, mostKeys, 2 * mostKeys);
  const reference: number[] = [];
  for (let i = 0; i < T1; i++)
    for (let h = 0; h < heads; h++) {
      const scores = Array.from({ length: S1 }, (_, j) => {
        const sees = mask === "causal" ? j <= i : mask === "given" ? (given[i * mostKeys + j] ?? 0) > 0 : true;
        let sum = 0;
        for (let c = 0; c < d; c++) sum += (q[(i * heads + h) * d + c] ?? 0) * (k[(j * heads + h) * d + c] ?? 0);
        return sees ? 0.4 * sum : -Infinity;
      });
      const top = Math.max(...scores);
      const weights = scores.map((s) => (top === -Infinity ? 0 : Math.exp(s - top)));
      const total = weights.reduce((a, b) => a + b, 0);
      for (let c = 0; c < e; c++) {
        const mixed = total === 0 ? 0 : weights.reduce((a, b, j) => a + b * (v[(j * heads + h) * e + c] ?? 0), 0) / total;
        reference.push(Math.max(mixed, -0.1));
      }
    }
  for (let z = S1 * heads; z < mostKeys * heads; z++) {
    k.fill(Number.NaN, z * d, (z + 1) * d);
    v.fill(Number.NaN, z * e, (z + 1) * e);
  }
  const nests = nestsOf(form);
  const [found] = findAttention(nests);
  if (!found) throw new Error("an attention");
  const run = async () => (await runSchedule(gpu.device, { schedule: scheduleOf({ nests }), kernels: [attention(found, profiles.gpu, small)], inputs: { q, k, v, given }, live, capacity, profile: profiles.gpu }))["o"] ?? [];
  const first = await run();
  if (mask === "causal") expect(await run()).toEqual(first);
  return difference(first, reference);
}

const text = (loss: string): string => `model M {
  input x: f32[N, 130, 16]
  output h = multi_head_attention(x, 2, causal = true)
  ${loss}
}
`;

describe("attention in one kernel", { timeout: 120_000 }, () => {
  it.each([
    [{ heads: 2, T: 65, S: 65, d: 16, e: 16, mask: "causal" }], [{ heads: 1, T: 3, S: 129, d: 7, e: 33 }], [{ heads: 3, T: 33, S: 17, d: 8, e: 64, mask: "given" }],
    [{ heads: 2, T: 16, S: 64, d: 3, e: 1 }], [{ heads: 1, T: 7, S: 2, d: 17, e: 17, mask: "given" }],
  ] as const)("weighs values as three kernels do, %j", async (form) => {
    expect(await check(form)).toBeLessThan(1e-5);
  });

  it("sees no key beyond the live ones", async () => {
    const [N, capacity] = [sym("N"), { N: 70 }];
    for (const live of [1, 70]) expect(await check({ heads: 1, T: N, S: N, d: 16, e: 16, mask: "causal", capacity }, { N: live }), `${live}`).toBeLessThan(1e-5);
  });

  it("is found where the scores go nowhere else, and chosen where they are many", () => {
    const form: Form = { heads: 2, T: 200, S: 200, d: 16, e: 16, mask: "causal" };
    const [found] = findAttention(nestsOf(form));
    expect(found && isWorthAttention(found, profiles.gpu)).toBe(true);
    expect(found && isWorthAttention(found, profiles.software)).toBe(false);
    const [few] = findAttention(nestsOf({ ...form, S: 64 }));
    expect(few && isWorthAttention(few, profiles.gpu)).toBe(false);
    const nests = nestsOf(form);
    const families = (profile: Profile, off: readonly string[] = []): readonly string[] => kernelsOf({ nests, profile, off: new Set(off) }).map((k) => k.family);
    expect(families(profiles.gpu)).toEqual(["attention"]);
    expect(families(profiles.gpu, ["attention"])).toHaveLength(3);
    expect(families(profiles.software)).toHaveLength(3);
    const [scores, softmax] = nests;
    expect(findAttention(nests.slice(0, 2))).toEqual([]);
    // Whatever else reads the weights needs them in memory.
    expect(findAttention([...nests, ...nestsOf(form).slice(2).map((n) => ({ ...n, body: nests[2]?.body ?? [] }))])).toEqual([]);
    // One row's largest instead of each row's.
    expect(findAttention([scores, softmax && { ...softmax, body: softmax.body.map((s) => (s.kind === "fold" && s.monoid === "sum" ? { ...s, value: mul(s.value, num(2)) } : s)) }, nests[2]].filter((n) => n !== undefined))).toEqual([]);
  });

  it("predicts what the evaluator does, and is left out in training", async () => {
    const [program] = compile({ path: "attention.dl", text: text("") }).programs;
    const [trained] = compile({ path: "attention.dl", text: text("loss = mean(h^2)") + "train M { batch = 2\n steps = 2\n optimizer = adam() }" }).programs;
    if (!program || !trained) throw new Error("programs");
    const families = (of: typeof program, entry: "predict" | "step"): readonly string[] => of.lower(entry, { capacity: { N: 2 }, profile: profiles.gpu }).kernels.map((k) => k.family);
    expect(families(program, "predict")).toContain("attention");
    expect(families(trained, "step")).not.toContain("attention");
    const x = numbers(130 * 16, 8);
    const results = [];
    for (const options of [{ device: gpu.device, software: false, seed: 3 }, { backend: "f64" as const, seed: 3 }]) {
      const session = await openSession(program, options);
      results.push((await session.predict({ x })).h?.data ?? []);
      session.close();
    }
    expect(difference(results[0] ?? [], results[1] ?? [])).toBeLessThan(1e-5);
  });
});
