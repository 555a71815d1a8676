/** Derivatives of every kind on the device: outputs, gradients and steps as the f64 evaluator has them. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDevice, type OpenDevice } from "../../src/harness/node/index.ts";
import { openSession } from "../../src/session.ts";
import { programOf, worst } from "../session/kit.ts";
import { numbers } from "./kit.ts";

let gpu: OpenDevice;
beforeAll(async () => {
  gpu = await openDevice();
});
afterAll(() => {
  gpu.close();
});

const programs: readonly (readonly [string, string, Readonly<Record<string, number>>])[] = [
  ["rules of one's own", `
    fn soft(x) = tanh(x) with gradient(dy) { x = dy * (1 - out^2) }
    fn step_st(x) = sign(x) with gradient(dy) { x = dy }
    model M { input x: f32[N, 3]; param W: f32[3, 4] ~ normal(0, 1); param v: f32[4] ~ normal(0, 1)
      h = soft(x @ W); s[n] = sum[j] step_st(h[n, j] * v[j]) * v[j]; output s
      g = fold t in 0..3 with g = zeros[N] { soft(g + x[:, t]) * v[0] }
      loss = mean(s^2) + mean(g^2) }`, { x: 12 }],
  ["a gradient penalty by rows of a Jacobian", `
    model M { input x: f32[N, 2]; param W: f32[2, 3] ~ normal(0, 1); param v: f32[3] ~ normal(0, 1)
      score = tanh(x @ W) @ v; slope[n, d] = grad(score[n], x)[n, d]; output slope
      loss = mean[n] (sqrt(sum[d] slope[n, d]^2 + 0.01) - 1)^2 }`, { x: 8 }],
  ["a Hessian and third derivatives", `
    model M { param x: f32[3] ~ normal(0, 1); f = x[0]^2 * x[1] + sin(x[1] * x[2]) + exp(0.3 * x[0] * x[2])
      output h[i, j] = grad(grad(f, x)[i], x)[j]; output t[i, j, k] = grad(grad(grad(f, x)[i], x)[j], x)[k]
      loss = sum[i, j] grad(grad(f, x)[i], x)[j]^2 + hvp(f, x, x)[0] }`, {}],
  ["a physics-informed loss", `
    model M { input z: f32[N, 2]; h = tanh(dense(z, 5)); u = dense(h, 1); d = grad(sum(u), z); c = grad(sum(d[:, 0]), z)
      loss = mean((d[:, 1] - 0.3 * c[:, 0])^2) }`, { z: 12 }],
  ["a value that two choices use, infinite where neither takes it", `
    model M { input x: f32[N, 3]; param w: f32[3] ~ ones; u[n, i] = exp(300 * w[i] * x[n, i]); output p[n, i] = where(x[n, i] < 0, u[n, i], 0)
      loss = mean(p) + mean[n, i] where(x[n, i] < 0.01, sin(u[n, i]), 0) + mean[n, i] (where(x[n, i] < 0, 1 / (u[n, i] + 1), 0) - where(x[n, i] < -1, w[i], 0)) }`, { x: 12 }],
];

describe("the device", () => {
  it.each(programs)("%s", async (_, text, inputs) => {
    const program = programOf(`${text}\ntrain M { batch = 8, steps = 3, optimizer = sgd(lr = 0.01) }`);
    const [device, oracle] = [await openSession(program, { device: gpu.device, seed: 3 }), await openSession(program, { backend: "f64", seed: 3 })];
    for (const { name } of oracle.parameters) oracle.set(name, await device.get(name));
    for (let t = 0; t < 3; t++) {
      // Fewer examples than the step was made for, then twice as many, then few again.
      const feed = Object.fromEntries(Object.entries(inputs).map(([name, count], k) => [name, numbers(t === 1 ? 2 * count : count, k + 2)]));
      for (const entry of ["evaluate", "gradients"] as const) {
        const [found, wanted] = [await device[entry](feed), await oracle[entry](feed)];
        for (const [name, output] of Object.entries(wanted)) expect(worst(found[name]?.data ?? [], output.data), `${entry} ${name}`).toBeLessThan(5e-5);
      }
      await device.step(feed);
      await oracle.step(feed);
    }
    for (const { name } of oracle.parameters) expect(worst(await device.get(name), await oracle.get(name)), name).toBeLessThan(5e-5);
    device.close();
    oracle.close();
  });
});
