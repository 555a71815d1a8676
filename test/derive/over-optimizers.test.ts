/** Optimizers over all parameters at once: the loss at other points, Hessians, line searches, and those of the library. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDevice, type OpenDevice } from "../../src/harness/node/index.ts";
import { openSession, type Session } from "../../src/session.ts";
import { programOf, worst } from "../session/kit.ts";
import { agree, codesOf, expectTrueGradients, numbers, open } from "./kit.ts";

let gpu: OpenDevice;
beforeAll(async () => {
  gpu = await openDevice();
});
afterAll(() => {
  gpu.close();
});

/** A quadratic with minimum at a = (1, -2, 3), b = 0.5 and condition 20; its least value is -7. */
const quadratic = `model Q {
  param a: f32[3] ~ zeros
  param b: f32 ~ constant(2)
  c = [1, -2, 3]
  e[i] = a[i] - c[i]
  minimize sum[i] (1 + i^2) * e[i]^2 + 10 * (b - 0.5)^2 + e[0] * (b - 0.5) + e[1] * e[2] - 7
}`;

/** A net with one hidden layer on 12 points of a wave, in the file. */
const xs = [...numbers(12, 3)].map((x) => Number(x.toFixed(3)));
const net = `model Wave {
  input x: f32[N, 1]
  target y: f32[N, 1]
  h = tanh(dense(x, 5))
  p = dense(h, 1)
  loss fit = mean((p - y)^2)
  loss decay = 1e-3 * l2(weights)
}`;
const data = `data = table { x = [${xs.map((x) => `[${x}]`).join(", ")}], y = [${xs.map((x) => `[${Math.sin(2 * x).toFixed(4)}]`).join(", ")}] }`;
const feed = { x: xs, y: xs.map((x) => Number(Math.sin(2 * x).toFixed(4))) };

async function steps(m: Session, count: number, given = {}): Promise<number[]> {
  const losses: number[] = [];
  for (let t = 0; t < count; t++) losses.push((await m.step(given))["loss"] as number);
  return losses;
}

const library = ["steepest_descent", "conjugate_gradient", "bfgs", "lbfgs", "newton"];

describe("the library's optimizers find the minimum of a quadratic", () => {
  it.each([["steepest_descent", 40], ["conjugate_gradient", 25], ["bfgs", 15], ["lbfgs", 20], ["lbfgs(m = 2)", 30], ["newton", 1]] as const)("%s in %i steps", async (optimizer, count) => {
    const m = await open(`${quadratic}\ntrain Q { steps = ${count}, optimizer = ${optimizer} }`);
    await steps(m, count);
    agree(await m.get("Q.a"), [1, -2, 3], "a");
    agree(await m.get("Q.b"), [0.5], "b");
    agree([(await m.evaluate())["loss"]?.data[0] as number], [-7], "loss");
  });
});

// 6,000 steps of Adam come to 0.0135.
describe("the library's optimizers train a net", () => {
  it.each([["steepest_descent", 60, 0.06], ["conjugate_gradient", 60, 0.02], ["bfgs", 60, 0.02], ["lbfgs", 60, 0.02], ["newton(damping = 1)", 60, 0.04]] as const)("%s", async (optimizer, count, goal) => {
    const m = await open(`${net}\ntrain Wave { ${data}, epochs = ${count}, optimizer = ${optimizer} }`);
    const losses = await steps(m, count, feed);
    // Each searched step falls; a Newton step need not.
    if (!optimizer.startsWith("newton")) for (let t = 1; t < count; t++) expect(losses[t], `step ${t + 1}`).toBeLessThanOrEqual((losses[t - 1] as number) + 1e-12);
    expect(losses.at(-1)).toBeLessThan(goal);
  });
});

describe("on the device as on the evaluator", () => {
  it.each(library)("%s", async (optimizer) => {
    const given = optimizer === "newton" ? "newton(damping = 1)" : `${optimizer}(trials = 5)`;
    const program = programOf(`${net}\ntrain Wave { ${data}, epochs = 3, optimizer = ${given} }`);
    const [device, oracle] = [await openSession(program, { device: gpu.device, seed: 3 }), await openSession(program, { backend: "f64", seed: 3 })];
    for (const { name } of oracle.parameters) oracle.set(name, await device.get(name));
    const [found, wanted] = [await steps(device, 3, feed), await steps(oracle, 3, feed)];
    expect(worst(found, wanted), "losses").toBeLessThan(1e-4);
    for (const { name } of oracle.parameters) expect(worst(await device.get(name), await oracle.get(name)), name).toBeLessThan(1e-3);
    device.close();
    oracle.close();
  });
});

describe("what such an optimizer sees", () => {
  it("θ, g, loss_at, grad_at, hvp and hessian are those of the loss, in the order of declaration", async () => {
    const m = await open(`${net}
optimizer probe() over θ: f32[P] {
  state at ~ zeros; state here ~ zeros; state there ~ zeros; state product ~ zeros; state H: f32[P, P] ~ zeros; state f: f32 ~ zeros; state f0: f32 ~ zeros
  v[i in 0..P] = sin(i)
  at <- θ
  here <- grad_at(θ)
  there <- grad_at(θ + 0.1 * v)
  product <- hvp(v)
  H <- hessian()
  f <- loss_at(θ + 0.1 * v)
  f0 <- loss_at(θ)
  θ <- θ - 0 * g
}
train Wave { ${data}, epochs = 1, optimizer = probe }`);
    const before = await m.gradients(feed);
    const names = m.parameters.map((p) => p.name);
    const flat = async (): Promise<number[]> => (await Promise.all(names.map(async (n) => [...(await m.get(n))]))).flat();
    const theta = await flat();
    await m.step(feed);
    agree(await m.get("probe.at"), theta, "θ");
    const g = names.flatMap((n) => [...(before[n]?.data ?? [])]);
    agree(await m.get("probe.here"), g, "g");
    const v = theta.map((_, i) => Math.sin(i));
    const move = (to: readonly number[]): void => {
      let k = 0;
      for (const p of m.parameters) {
        const count = p.shape.reduce<number>((n, d) => n * (d as number), 1);
        m.set(p.name, to.slice(k, k + count));
        k += count;
      }
    };
    const gradientAt = async (point: readonly number[]): Promise<number[]> => {
      move(point);
      const found = await m.gradients(feed);
      return names.flatMap((n) => [...(found[n]?.data ?? [])]);
    };
    const H: number[] = [];
    for (let i = 0; i < theta.length; i++) {
      const [up, down] = [await gradientAt(theta.map((x, k) => (k === i ? x + 1e-5 : x))), await gradientAt(theta.map((x, k) => (k === i ? x - 1e-5 : x)))];
      H.push(...up.map((u, k) => (u - (down[k] as number)) / 2e-5));
    }
    agree(await m.get("probe.H"), H, "hessian");
    agree(await m.get("probe.product"), theta.map((_, i) => v.reduce((sum, x, k) => sum + x * (H[i * theta.length + k] as number), 0)), "hvp");
    agree(await m.get("probe.there"), await gradientAt(theta.map((x, k) => x + 0.1 * (v[k] as number))), "grad_at");
    agree(await m.get("probe.f"), [(await m.evaluate(feed))["loss"]?.data[0] as number], "loss_at");
    move(theta);
    agree(await m.get("probe.f0"), [(await m.evaluate(feed))["loss"]?.data[0] as number], "loss_at here");
  });

  it("the loss of a step section, over its own parameters, with states of its own", async () => {
    const m = await open(`model Two { param a: f32[2] ~ ones; param b: f32[3] ~ ones; loss one = sum((a - 2)^2); loss two = sum((b + 1)^2) + 0 * sum(a)
      }
train Two { steps = 4, step first { minimize = one, optimizer = newton }, step second { minimize = two, over = b, optimizer = lbfgs(m = 2) } }`);
    const result = await m.train(undefined);
    expect(result.steps).toBe(4);
    agree(await m.get("Two.a"), [2, 2]);
    agree(await m.get("Two.b"), [-1, -1, -1]);
  });

  it("what stands for the parameters outside training, by whatever name they have", async () => {
    const m = await open(`model M { param a: f32[2] ~ zeros; param b: f32 ~ zeros; output p = a * 10 + b; loss = sum((a - 1)^2) + (b - 1)^2 }
optimizer averaged() over q: f32[n] { state avg ~ zeros; q <- q - 0.25 * g; avg <- avg + (q - avg) / t; output q = avg }
train M { steps = 2, optimizer = averaged }`);
    await m.step();
    await m.step();
    // From 0 by halves: 0.5, then 0.75; their mean is 0.625.
    agree(await m.get("M.a"), [0.75, 0.75]);
    agree((await m.predict())["p"]?.data ?? [], [6.875, 6.875]);
    expect(codesOf(`optimizer o() over q: f32[n] { q <- q - g; output θ = q }\nmodel M { param a: f32 ~ zeros; loss = a^2 }\ntrain M { steps = 1, optimizer = o }`)).toContain("E0417");
    expect(codesOf(`optimizer o() over q: f32[n] { q <- q - g; output q = q - grad_at(q + 1) }\nmodel M { param a: f32 ~ zeros; loss = a^2 }\ntrain M { steps = 1, optimizer = o }`)).toContain("E0417");
  });

  it("noise of the loss is the same at every point of one step", async () => {
    const m = await open(`model M { param w: f32[4] ~ ones; n = normal(0, 1)[4]; loss = sum((w - n)^2) }
optimizer jump() over θ: f32[P] { state gap: f32 ~ zeros; θ <- θ - 0.5 * grad_at(θ); gap <- loss_at(θ) }
train M { steps = 2, optimizer = jump }`);
    await m.step();
    agree(await m.get("jump.gap"), [0], "the loss where the noise of this step is met");
  });

  it("solve gives the solution, and its gradient by both", async () => {
    const m = await open(`model M { param A: f32[4, 4] ~ normal(0, 1); param b: f32[4] ~ normal(0, 1); x = solve(A, b)
      output r = A @ x - b; loss = sum(sin(x)) }`);
    agree((await m.predict())["r"]?.data ?? [], [0, 0, 0, 0]);
    await expectTrueGradients(m);
    // Without exchanging rows the first pivot would be 0.
    m.set("M.A", [0, 2, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3, 0, 0, 4, 0]);
    m.set("M.b", [2, 1, 6, 8]);
    agree((await m.predict())["r"]?.data ?? [], [0, 0, 0, 0]);
  });
});

describe("what is refused", () => {
  const model = "\nmodel M { param w: f32[3] ~ ones; loss = sum(w^2) }\ntrain M { steps = 1, optimizer = o() }";
  it.each([
    ["a point of another size", "optimizer o() over θ: f32[P] { θ <- θ - loss_at(ones[2]) * g }", "E0202"],
    ["two arguments", "optimizer o() over θ: f32[P] { θ <- θ - loss_at(θ, θ) * g }", "E0106"],
    ["none", "optimizer o() over θ: f32[P] { θ <- θ - grad_at() }", "E0106"],
    ["no update", "optimizer o() over θ: f32[P] { state s ~ zeros; s <- g }", "E0307"],
    ["a matrix", "optimizer o() over θ: f32[P, Q] { θ <- θ }", "E0202"],
    ["the loss where parameters come one by one", "optimizer o() { θ <- θ - loss_at(θ) * g }", "E0101"],
    ["an update of another shape", "optimizer o() over θ: f32[P] { θ <- ones[2] }", "E0202"],
  ])("%s", (_, optimizer, code) => {
    expect(codesOf(`${optimizer}${model}`)).toContain(code);
  });
});
