/**
 * Formulas as a student writes them, also through transposes, reshapes, slices and names in between: value and gradient are right
 * and finite from 0 to ±10,000, in f64 and on the device. What is right is said by a stable formula written here, and its central
 * differences.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDevice, type OpenDevice } from "../../src/harness/node/index.ts";
import { openSession } from "../../src/session.ts";
import { programOf } from "../session/kit.ts";

let gpu: OpenDevice;
beforeAll(async () => {
  gpu = await openDevice();
});
afterAll(() => {
  gpu.close();
});

type Rows = readonly (readonly number[])[];
const sum = (v: readonly number[]): number => v.reduce((a, b) => a + b, 0);
const lse = (v: readonly number[]): number => {
  const m = Math.max(...v);
  return m === Number.NEGATIVE_INFINITY ? m : m + Math.log(sum(v.map((x) => Math.exp(x - m))));
};
const rows = (f: (row: readonly number[], n: number) => number) => (z: Rows): number => sum(z.map(f));
const each = (f: (x: number, n: number, k: number) => number) => (z: Rows): number => sum(z.map((row, n) => sum(row.map((x, k) => f(x, n, k)))));
const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const sigmoid = (x: number): number => (x > 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x)));
const logSoftmax = (row: readonly number[], k: number): number => (row[k] ?? 0) - lse(row);
const y = [[1, 0, 0], [0, 1, 0]];
const w = [0.2, 0.3, 0.5];
const others = (row: readonly number[], k: number): readonly number[] => row.filter((_, j) => j !== k);
const flat = (z: Rows): number => lse(z.flat());
const norm = (row: readonly number[]): number => Math.hypot(...row);

/** The loss as written, and what it means. */
const forms: readonly (readonly [text: string, meaning: (z: Rows) => number])[] = [
  // logsumexp
  ["sum(log(sum(exp(z), axis = 1)))", rows(lse)],
  ["log(sum(exp(reshape(z, 6))))", flat],
  ["log(sum(reshape(exp(z), 6)))", flat],
  ["sum(log(sum(exp(transpose(z)), axis = 0)))", rows(lse)],
  ["sum(log(sum(transpose(exp(z)), axis = 0)))", rows(lse)],
  ["sum(log(mean(exp(z), axis = 1)))", rows((r) => lse(r) - Math.log(3))],
  ["sum(log(sum(exp(z) / 3, axis = 1)))", rows((r) => lse(r) - Math.log(3))],
  ["sum(log(2 * sum(exp(z), axis = 1)))", rows((r) => lse(r) + Math.log(2))],
  ["{ e = exp(z); s = sum(e, axis = 1); t = 2 * s; loss = sum(log(t)) }", rows((r) => lse(r) + Math.log(2))],
  ["{ l[n] = log(sum[k] w[k] * exp(z[n, k])); loss = sum(l) }", rows((r) => lse(r.map((x, k) => x + Math.log(w[k] ?? 1))))],
  ["sum(log(exp(z) @ w))", rows((r) => lse(r.map((x, k) => x + Math.log(w[k] ?? 1))))],
  ["sum(log(exp(z[:, 0]) + exp(z[:, 1])))", rows((r) => lse(r.slice(0, 2)))],
  ["sum(log(exp(z[:, 0]) + exp(z[:, 1]) + exp(z[:, 2])))", rows(lse)],
  // softmax and its cross-entropy
  ["-sum(log(exp(z) / sum(exp(z), axis = 1, keep = true)))", rows((r) => -sum(r.map((_, k) => logSoftmax(r, k))))],
  ["{ p[n, k] = exp(z[n, k]) / (sum[j] exp(z[n, j])); q = transpose(p); loss = -sum(log(q)) }", rows((r) => -sum(r.map((_, k) => logSoftmax(r, k))))],
  ["-sum(y * log(softmax(z)))", rows((r, n) => -sum(r.map((_, k) => (y[n]?.[k] ?? 0) * logSoftmax(r, k))))],
  ["{ p = reshape(softmax(z), 6); loss = -sum(log(p)) }", rows((r) => -sum(r.map((_, k) => logSoftmax(r, k))))],
  ["{ p = softmax(z); loss = -sum(log(p[:, 0])) }", rows((r) => -logSoftmax(r, 0))],
  ["{ p = softmax(z); loss = -sum(log(sum(y * p, axis = 1))) }", rows((r, n) => -sum(r.map((_, k) => (y[n]?.[k] ?? 0) * logSoftmax(r, k))))],
  ["{ p = softmax(z); loss = -sum(p * log(p)) }", rows((r) => -sum(r.map((_, k) => Math.exp(logSoftmax(r, k)) * logSoftmax(r, k))))],
  ["-sum(log(1 - softmax(z)))", rows((r) => -sum(r.map((_, k) => lse(others(r, k)) - lse(r))))],
  ["{ p = transpose(softmax(z)); loss = -sum(log(1 - p)) }", rows((r) => -sum(r.map((_, k) => lse(others(r, k)) - lse(r))))],
  ["{ p = softmax(z); loss = -sum(log(1 - p[:, 1])) }", rows((r) => -(lse(others(r, 1)) - lse(r)))],
  ["sum(z * (1 - softmax(z)))", rows((r) => sum(r.map((x, k) => x * Math.exp(lse(others(r, k)) - lse(r)))))],
  // sigmoid and binary cross-entropy
  ["{ p = sigmoid(z); loss = -sum(y * log(p) + (1 - y) * log(1 - p)) }", each((x, n, k) => softplus(x) - (y[n]?.[k] ?? 0) * x)],
  ["{ p = 1 / (1 + exp(-z)); loss = -sum(y * log(p) + (1 - y) * log(1 - p)) }", each((x, n, k) => softplus(x) - (y[n]?.[k] ?? 0) * x)],
  ["{ p = transpose(sigmoid(z)); loss = -sum(log(1 - p)) }", each(softplus)],
  ["{ p = reshape(sigmoid(z), 6); loss = -sum(log(1 - p)) - sum(log(p)) }", each((x) => softplus(x) + softplus(-x))],
  ["{ p = sigmoid(z); loss = -sum(log(1 - p[:, 1])) }", rows((r) => softplus(r[1] ?? 0))],
  ["{ p = sigmoid(z); loss = sum(log(p / (1 - p))) }", each((x) => x)],
  ["-log(prod(sigmoid(z)))", each((x) => softplus(-x))],
  ["-sum(log(prod(softmax(z), axis = 1)))", rows((r) => -sum(r.map((_, k) => logSoftmax(r, k))))],
  ["-sum(log(softmax(z)^2)) - sum(log(sqrt(sigmoid(z))))", (z) => rows((r) => -2 * sum(r.map((_, k) => logSoftmax(r, k))))(z) + each((x) => softplus(-x) / 2)(z)],
  // softplus and its kind
  ["sum(log(1 + exp(z)))", each(softplus)],
  ["sum(log(exp(-z) + 1))", each((x) => softplus(-x))],
  ["sum(log(1 + transpose(exp(z))))", each(softplus)],
  ["sum(log(1 + reshape(exp(z), 6)))", each(softplus)],
  ["{ e = exp(z); f = e[:, 1] + 1; loss = sum(log(f)) }", rows((r) => softplus(r[1] ?? 0))],
  ["sum(log(2 + exp(z)))", each((x) => Math.log(2) + softplus(x - Math.log(2)))],
  ["sum(log((exp(z) + exp(-z)) / 2))", each((x) => Math.abs(x) + Math.log1p(Math.exp(-2 * Math.abs(x))) - Math.log(2))],
  ["sum(exp(z[:, 0]) / (exp(z[:, 0]) + exp(z[:, 1])))", rows((r) => sigmoid((r[0] ?? 0) - (r[1] ?? 0)))],
  ["-sum(log(exp(z) / (2 + exp(z))))", each((x) => softplus(Math.log(2) - x))],
  // hyperbolic tangent, and activations
  ["sum((exp(z) - exp(-z)) / (exp(z) + exp(-z)))", each(Math.tanh)],
  ["sum((exp(2 * z) - 1) / (exp(2 * z) + 1))", each(Math.tanh)],
  ["sum((1 - exp(-2 * z)) / (1 + exp(-2 * z)))", each(Math.tanh)],
  ["sum(2 / (1 + exp(-2 * z)) - 1)", each(Math.tanh)],
  ["sum(z / (1 + exp(-z)))", each((x) => x * sigmoid(x))],
  ["sum(z * tanh(log(1 + exp(z))))", each((x) => x * Math.tanh(softplus(x)))],
  ["sum(where(z > 0, z, exp(z) - 1))", each((x) => (x > 0 ? x : Math.expm1(x)))],
  ["sum(elu(z))", each((x) => (x > 0 ? x : Math.expm1(x)))],
  // norms
  ["sqrt(sum(z^2))", (z) => norm(z.flat())],
  ["sum(sqrt(sum(z * z, axis = 1)))", rows(norm)],
  ["sum(sum(transpose(z)^2, axis = 0)^0.5)", rows(norm)],
  ["{ r[n] = sqrt((sum[k] z[n, k]^2) / 3); loss = sum(r) }", rows((r) => norm(r) / Math.sqrt(3))],
  ["{ d[n] = sqrt(mean[k] (z[n, k] - mean[j] z[n, j])^2); loss = sum(d) }", rows((r) => norm(r.map((x) => x - sum(r) / 3)) / Math.sqrt(3))],
];

const scales = [0, 1, -30, 100, -100, 1e3, -1e4];

function textOf(form: string): string {
  const body = form.startsWith("{") ? form.slice(1, -1).trim() : `loss = ${form}`;
  const given = [/\bw\b/.test(body) ? "input w: f32[3]" : "", /\by\b/.test(body) ? "input y: f32[2, 3]" : ""].filter((t) => t !== "").join("; ");
  return `model M { ${given}; param z: f32[2, 3] ~ zeros; ${body} }`.replace("{ ;", "{");
}

function expectNear(found: number, wanted: number, room: number, what: string): void {
  if (!(Math.abs(found - wanted) <= room)) throw new Error(`${what} is ${found}, and should be ${wanted}`);
}

describe.each([["f64", 1e-9, 1e-5], ["webgpu", 2e-5, 5e-5]] as const)("formulas as they are written, %s", (backend, ofValue, ofGradient) => {
  it.each(forms)("%s", async (form, meaning) => {
    const session = await openSession(programOf(textOf(form)), backend === "f64" ? { backend } : { device: gpu.device });
    for (const scale of scales) {
      const z = [[scale, -scale, 0], [-scale, scale, scale / 2]];
      session.set("M.z", z.flat());
      const { loss, ...rest } = await session.gradients({ ...(form.includes("w") && { w }), ...(/\by\b/.test(form) && { y: y.flat() }) });
      const wanted = meaning(z);
      const size = Math.max(1, Math.abs(wanted), Math.abs(scale));
      expectNear(loss?.data[0] ?? Number.NaN, wanted, ofValue * size, `at ±${scale} the loss`);
      const gradient = rest["M.z"]?.data ?? [];
      expect(gradient.length).toBe(6);
      const h = 1e-5;
      z.flat().forEach((_, i) => {
        const moved = (by: number): number => meaning(z.map((row, n) => row.map((x, k) => (3 * n + k === i ? x + by : x))));
        const slope = (moved(h) - moved(-h)) / (2 * h);
        expectNear(gradient[i] ?? Number.NaN, slope, ofGradient * Math.max(1, Math.abs(slope)) + 1e-15 * (size / h) * 8, `at ±${scale} the gradient by z[${i}]`);
      });
    }
    session.close();
  });
});

describe.each(["f64", "webgpu"] as const)("where a formula has no value of its own, %s", (backend) => {
  const at = async (body: string, z: readonly number[], feed: Record<string, readonly number[]> = {}): Promise<{ readonly loss: number; readonly gradient: readonly number[] }> => {
    const given = Object.keys(feed).map((name) => `input ${name}: f32[3]; `).join("");
    const session = await openSession(programOf(`model M { ${given}param z: f32[3] ~ zeros; ${body} }`), backend === "f64" ? { backend } : { device: gpu.device });
    session.set("M.z", z);
    const { loss, ...rest } = await session.gradients(feed);
    session.close();
    return { loss: loss?.data[0] ?? Number.NaN, gradient: [...(rest["M.z"]?.data ?? [])] };
  };
  const expectAll = (found: { readonly loss: number; readonly gradient: readonly number[] }, loss: number, gradient: readonly number[]): void => {
    expect(found.loss / Math.max(1, Math.abs(loss))).toBeCloseTo(loss / Math.max(1, Math.abs(loss)), 6);
    gradient.forEach((g, k) => expect(found.gradient[k], `[${k}] of ${found.gradient.join(", ")}`).toBeCloseTo(g, 4));
  };

  it("0 log 0 is 0, with the gradient 0", async () => {
    const half = 0.5 * Math.log(0.5);
    expectAll(await at("loss = sum(z * log(z))", [0, 0.5, 1]), half, [0, Math.log(0.5) + 1, 1]);
    expectAll(await at("h[k] = -2 * z[k] * log(z[k]); loss = sum(h)", [0, 0.5, 1]), -2 * half, [0, -2 * (Math.log(0.5) + 1), -2]);
    expectAll(await at("q = exp(z) / 4; loss = sum(t * (log(t) - log(q)))", [0, 0, 0], { t: [0, 1, 0] }), Math.log(4), [0, -1, 0]);
    expectAll(await at("q = exp(z) / 4; loss = sum(t * log(t / q))", [0, 0, 0], { t: [0, 1, 0] }), Math.log(4), [0, -1, 0]);
    await expect(at("loss = sum(z * log(z))", [-1, 0.5, 1]).then((r) => Number.isFinite(r.loss))).resolves.toBe(false);
  });

  it("a norm at 0 has the gradient 0, a root of anything else an infinite one", async () => {
    expectAll(await at("loss = sqrt(sum(z^2))", [0, 0, 0]), 0, [0, 0, 0]);
    expectAll(await at("loss = sum(sqrt(z^2))", [0, -2, 3]), 5, [0, -1, 1]);
    expectAll(await at("loss = (2 * sum(z * z))^0.5", [0, 0, 0]), 0, [0, 0, 0]);
    expect((await at("loss = sum(sqrt(z))", [0, 1, 4])).gradient[0]).not.toBeLessThan(1e30);
  });

  it("tanh is right to 1e30 and elu has the slope 1 at 1000", async () => {
    expectAll(await at("loss = sum(tanh(z))", [1e30, 20, -1e30]), 1, [0, 0, 0]);
    expectAll(await at("loss = sum(elu(z)) / 3", [1e3, -1e3, 1e3]), 1999 / 3, [1 / 3, 0, 1 / 3]);
  });

  it("a row of which a mask keeps nothing, chosen away, leaves value and gradient finite", async () => {
    expectAll(await at("l = where(m > 0, log(sum(m * exp(z))), 0); loss = sum(l)", [1, 2, 3], { m: [0, 0, 0] }), 0, [0, 0, 0]);
  });
});
