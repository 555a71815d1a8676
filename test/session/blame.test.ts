/**
 * Ways to blow up, and who is named for each: the line that ends in `#!`, by a message that says what happened. All run on the
 * device; those that are no finite numbers in f64 either are named the same there.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDevice, type OpenDevice } from "../../src/harness/node/index.ts";
import { NotFinite, openSession } from "../../src/session.ts";
import type { Diagnostic } from "../../src/support/diagnostic.ts";
import { lineText, positionOf } from "../../src/support/span.ts";
import { programOf } from "./kit.ts";

let gpu: OpenDevice;
beforeAll(async () => {
  gpu = await openDevice();
});
afterAll(() => {
  gpu.close();
});

interface Case {
  readonly title: string;
  readonly model: string;
  /** Of the train block; one step of sgd where it is not said. */
  readonly train?: string;
  readonly message: RegExp;
  readonly label?: RegExp;
  /** Updates until it happens, at most. */
  readonly within?: number;
  readonly params?: Readonly<Record<string, readonly number[]>>;
  readonly feed?: Readonly<Record<string, readonly number[]>>;
  /** Larger than f32 and not larger than f64. */
  readonly f32?: boolean;
}

const line = "input x: f32[N]; target y: f32[N]; param w: f32 ~ ones; param b: f32 ~ zeros";
const points = { x: [1, 2, 3], y: [2, 4, 6] };

const cases: readonly Case[] = [
  {
    title: "a learning rate of 1e6", model: `${line}\n loss = mean((w * x + b - y)^2)  #!\n`, train: "steps = 9, optimizer = sgd(lr = 1e6)", feed: points, within: 9, f32: true,
    message: /at update \d: .*larger than a 32-bit number/,
  },
  {
    title: "a learning rate too large under an exponential", model: `${line.replace("; param b: f32 ~ zeros", "")}\n rate = exp(w * x)  #!\n loss = mean(rate - y * log(rate))\n`, train: "steps = 9, optimizer = sgd(lr = 1e3)", feed: points, within: 9,
    message: /exp\(.*larger than a 32-bit number/, f32: true,
  },
  { title: "the logarithm of 0", model: "param p: f32[4] ~ ones\n q = p * 2\n loss = -sum(log(q))  #!\n", params: { p: [1, 0, 2, 3] }, message: /the logarithm of 0 is -infinity/, label: /its argument has values from 0 to 6; 1 of 4 elements/ },
  { title: "the logarithm of a negative number", model: "param p: f32[2] ~ ones\n loss = sum(log(p))  #!\n", params: { p: [2, -0.5] }, message: /-0\.5 has no logarithm/ },
  { title: "0 / 0", model: "input x: f32[N, 2]; param w: f32[2] ~ ones\n s[n] = sum[i] x[n, i] * w[i]\n share[n, i] = x[n, i] * w[i] / s[n]  #!\n loss = sum(share^2)\n", feed: { x: [1, 2, 0, 0] }, message: /0 \/ 0 is not a number/ },
  { title: "a division by 0", model: "param p: f32[3] ~ ones\n z = p - 1\n loss = sum(1 / z)  #!\n", message: /1 \/ 0 is no finite number/ },
  { title: "the root of a negative number", model: "param p: f32[3] ~ ones\n z = p^2 - 2\n r = sqrt(z)  #!\n loss = sum(r)\n", message: /-1 has no square root/ },
  { title: "the gradient of a root at 0", model: "param p: f32[2] ~ zeros\n r = sqrt(p)  #!\n loss = sum(r)\n", message: /in a gradient, .* \/ 0 is no finite number/ },
  { title: "an exponential that overflows", model: "param p: f32[2] ~ ones\n e = exp(200 * p)  #!\n loss = sum(e * e)\n", message: /exp\(200\) is larger/, f32: true },
  { title: "a NaN in the data", model: `${line.replace("input x", "#!\n input x")}\n loss = mean((w * x + b - y)^2)\n`.replace("#!\n input x: f32[N];", "\n input x: f32[N]  #!\n"), feed: { x: [1, Number.NaN, 3], y: [1, 2, 3] }, message: /the data of `x` hold NaN at \[1\]/, label: /not finite in 1 of 3 elements/ },
  { title: "an infinity in the data", model: `${line}`.replace("target y: f32[N];", "\n target y: f32[N]  #!\n") + "\n loss = mean((w * x + b - y)^2)\n", feed: { x: [1, 2, 3], y: [1, 2, Number.NEGATIVE_INFINITY] }, message: /the data of `y` hold -infinity at \[2\]/ },
  { title: "data of size 1e30", model: `${line}\n z = w * x\n loss = mean(z^2) + b  #!\n`, feed: { x: [1, 1e30, 3], y: [1, 2, 3] }, message: /1e30.*larger than a 32-bit number/, f32: true },
  { title: "a sum that overflows", model: "param p: f32[4] ~ ones\n s = sum(p)  #!\n loss = s / 2\n", params: { p: [3e38, 3e38, 1, 1] }, message: /this sum is larger/, f32: true },
  { title: "a product of matrices that overflows", model: "param A: f32[2, 2] ~ ones; param B: f32[2, 2] ~ ones\n C = A @ B  #!\n loss = mean(C * C)\n", params: { A: [1e20, 1, 1, 1], B: [1e20, 1, 1, 1] }, message: /this sum of products is larger/, f32: true },
  { title: "a fractional power of a negative number", model: "param p: f32[2] ~ ones\n z = p - 3\n loss = sum(z^1.7)  #!\n", message: /-2 to the power 1\.7 is not a number/ },
  { title: "a negative power of 0", model: "param p: f32[2] ~ zeros\n loss = sum(p^(-2))  #!\n", message: /division by 0|no finite number/ },
  { title: "the logarithm of 1 - p at p = 1", model: "param z: f32[2] ~ ones\n p = tanh(100 * z)^2\n loss = -sum(log(1 - p))  #!\n", message: /the logarithm of 0 is -infinity/ },
  { title: "a mean over nothing that a mask keeps", model: "input x: f32[N]; input m: f32[N]; param w: f32 ~ ones\n total = sum(m * x) * w\n loss = total / sum(m)  #!\n", feed: { x: [1, 2], m: [0, 0] }, message: /0 \/ 0 is not a number/ },
  { title: "the cosine with a vector of zeros", model: "param a: f32[3] ~ zeros; param b: f32[3] ~ ones\n c = sum(a * b) / sqrt(sum(a^2) * sum(b^2))  #!\n loss = 1 - c\n", message: /0 \/ 0 is not a number/ },
  { title: "a library function that the user calls", model: "param p: f32[3] ~ ones; param q: f32[3] ~ zeros\n a = p / 3\n d = sum(a * (log(a) - log(q)))  #!\n loss = d\n", message: /the logarithm of 0/ },
  { title: "what a choice leaves out is not to blame", model: "param p: f32[3] ~ ones\n safe = where(p > 0, log(p), 0)\n s = sum(safe)\n z = p[2] + 1\n loss = s / z  #!\n", params: { p: [2, -2, -1] }, message: /\/ 0 is no finite number/ },
  { title: "a turn of a loop", model: "param h: f32[2] ~ ones\n last = fold k in 0..9 with g = h {\n  g * g * 3  #!\n }\n loss = sum(last)\n", message: /larger than a 32-bit number/, f32: true },
  { title: "a parameter that an update made infinite", model: "param p: f32  ~ ones #!\n loss = p * 3e38\n", train: "steps = 9, optimizer = sgd(lr = 10)", within: 2, message: /the parameter `M.p` holds -infinity/, f32: true },
  { title: "a matrix that is not positive definite", model: "param A: f32[2, 2] ~ ones\n L = cholesky(A)  #!\n loss = sum(L)\n", params: { A: [1, 2, 2, 1] }, message: /not positive definite/ },
  { title: "a triangle with 0 on its diagonal", model: "param A: f32[2, 2] ~ ones\n x = triangular_solve(A, [1, 2])  #!\n loss = sum(x)\n", params: { A: [1, 2, 2, 0] }, message: /a 0 on its diagonal/ },
  { title: "a running sum that overflows", model: "param p: f32[3] ~ ones\n c = cumsum(p)  #!\n loss = mean(c)\n", params: { p: [3e38, 3e38, 1] }, message: /this running sum is larger/, f32: true },
  { title: "an inverse hyperbolic tangent at 1", model: "param p: f32[2] ~ ones\n a = 0.5 * log((1 + p) / (1 - p))  #!\n loss = sum(a)\n", message: /2 \/ 0 is no finite number/ },
];

function textOf({ model, train = "steps = 1, optimizer = sgd(lr = 0.1)" }: Case): string {
  return `model M {\n ${model}}\ntrain M { ${train} }\n`.replaceAll("; ", "\n ");
}

async function diagnosticOf(c: Case, backend: "f64" | "webgpu"): Promise<Diagnostic | undefined> {
  const session = await openSession(programOf(textOf(c)), backend === "f64" ? { backend } : { device: gpu.device });
  try {
    for (const [name, values] of Object.entries(c.params ?? {})) session.set(`M.${name}`, values);
    for (let k = 0; k < (c.within ?? 1); k++) await session.step(c.feed ?? {});
    throw new Error("nothing happened");
  } catch (error) {
    if (error instanceof NotFinite) return error.diagnostic;
    throw error;
  } finally {
    session.close();
  }
}

function expectNamed(c: Case, d: Diagnostic | undefined): void {
  const said = d?.span ? `${d.message} | ${d.label} | ${lineText(d.span.source, positionOf(d.span.source, d.span.start).line)}` : JSON.stringify(d);
  expect(d?.message, said).toMatch(c.message);
  if (c.label) expect(d?.label, said).toMatch(c.label);
  expect(d?.span && lineText(d.span.source, positionOf(d.span.source, d.span.start).line), said).toContain("#!");
}

describe("who made a number that is not finite", () => {
  it.each(cases)("on the device: $title", async (c) => expectNamed(c, await diagnosticOf(c, "webgpu")));
  it.each(cases.filter((c) => !c.f32))("in f64: $title", async (c) => expectNamed(c, await diagnosticOf(c, "f64")));
});
