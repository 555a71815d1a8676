/** The walls that later work leans on, seen from outside: each on the device and on the evaluator. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { openDevice, type OpenDevice } from "../../src/harness/node/index.ts";
import { openSession, type Session } from "../../src/session.ts";
import type { CompiledProgram } from "../../src/compile.ts";
import { profiles } from "../../kernels/profiles.ts";
import { programOf, worst } from "./kit.ts";

let gpu: OpenDevice;
beforeAll(async () => {
  gpu = await openDevice();
});
afterAll(() => {
  gpu.close();
});

const backends = ["webgpu", "f64"] as const;
const opened: Session[] = [];
afterEach(() => {
  for (const session of opened.splice(0)) session.close();
});

async function open(program: CompiledProgram, backend: (typeof backends)[number], seed = 0): Promise<Session> {
  const session = await openSession(program, backend === "f64" ? { backend, seed } : { device: gpu.device, seed });
  opened.push(session);
  return session;
}

describe.each(backends)("on %s", (backend) => {
  it("a NaN planted at step 7 leaves the weights of step 6, and the step is named", async () => {
    const program = programOf(`
      model M { input x: f32[N]; param w: f32[2] ~ ones; loss = mean[n] (w[0] * x[n] + w[1])^2 }
      train M { batch = 2, steps = 9, optimizer = adam(lr = 0.1) }`);
    const session = await open(program, backend);
    for (let t = 1; t <= 6; t++) await session.step({ x: [t, -1] });
    const kept = await session.engine.snapshot();
    await expect(session.step({ x: [Number.NaN, 1] })).rejects.toThrow("not a finite number at update 7");
    for (const [path, data] of kept) if (path !== "status") expect([...(await session.get(path))], path).toEqual([...data]);
    await session.step({ x: [1, 1] });
    expect([...(await session.get("M.w"))]).not.toEqual([...(kept.get("M.w") ?? [])]);
  });

  it("steps queued behind one that was not finite change nothing", async () => {
    const program = programOf(`
      model M { input x: f32[N]; param w: f32 ~ ones; loss = mean[n] w * x[n] }
      train M { batch = 1, steps = 9, optimizer = sgd(lr = 0.1) }`);
    const session = await open(program, backend);
    const run = (t: number, x: number) => session.engine.run("step", { live: { N: 1 }, inputs: { x: Float32Array.of(x) }, scalars: { hyper: {}, step: { t, epoch: 1 } }, seed: 0, step: t, example: 0 });
    const outcomes = [await run(1, 1), await run(2, Number.NaN), await run(3, 1), await run(4, 5)];
    const status = await Promise.all(outcomes.map(async (o) => (await o.read())["status"]?.data[0]));
    expect(status).toEqual([0, 2, 2, 2]);
    expect((await session.get("M.w"))[0]).toBeCloseTo(0.9, 6);
  });

  it("`<-` rebinds in text order: earlier lines read the old value, later lines the new", async () => {
    const program = programOf(`
      model M {
        input x: f32[N]
        param w: f32 ~ ones
        state s: f32 ~ constant(2)
        before = s
        s <- s + 1
        between = s
        s <- s * 10
        output a = before
        output b = between
        output c = s
        loss = w * w * (mean[n] x[n]) + 0 * (before + between)
      }
      train M { batch = 1, steps = 3, optimizer = sgd(lr = 0) }`);
    const session = await open(program, backend);
    await session.step({ x: [1] });
    expect([...(await session.get("M.s"))]).toEqual([30]);
    await session.step({ x: [1] });
    expect([...(await session.get("M.s"))]).toEqual([310]);
    const outputs = await session.predict({ x: [1] });
    expect(["a", "b", "c"].map((o) => outputs[o]?.data[0])).toEqual([310, 310, 310]);
  });

  it("a small fold trains: a recurrence over time, with its gradient", async () => {
    const program = programOf(`
      model Rnn {
        input  x: f32[N, 4, 2]
        target y: f32[N]
        param W: f32[2, 3] ~ glorot_uniform
        param U: f32[3, 3] ~ glorot_uniform
        param v: f32[3] ~ ones
        last = fold t in 0..4 with h = zeros[N, 3] { tanh(x[:, t] @ W + h @ U) }
        output p[n] = sum[k] last[n, k] * v[k]
        loss = mean[n] (p[n] - y[n])^2
      }
      train Rnn { batch = 5, steps = 3, optimizer = sgd(lr = 0.1) }`);
    const feed = { x: Float64Array.from({ length: 40 }, (_, k) => Math.sin(1.7 * k)), y: Float64Array.from([1, 0, -1, 0.5, 0.2]) };
    const session = await open(program, backend);
    const { loss: gradientLoss, ...gradients } = await session.gradients(feed);
    for (const [path, gradient] of Object.entries(gradients)) {
      const data = Float64Array.from(await session.get(path));
      const eps = backend === "f64" ? 1e-6 : 1e-2;
      for (let k = 0; k < data.length; k += 2) {
        const at = async (value: number): Promise<number> => {
          session.set(path, data.map((d, j) => (j === k ? value : d)));
          return (await session.evaluate(feed))["loss"]?.data[0] ?? Number.NaN;
        };
        const slope = ((await at((data[k] ?? 0) + eps)) - (await at((data[k] ?? 0) - eps))) / (2 * eps);
        expect(Math.abs((gradient.data[k] ?? 0) - slope), `${path}[${k}]`).toBeLessThan(backend === "f64" ? 1e-7 : 2e-3);
        session.set(path, data);
      }
    }
    const losses = [];
    for (let t = 0; t < 20; t++) losses.push((await session.step(feed))["loss"] ?? Number.NaN);
    expect(losses[0]).toBeCloseTo(gradientLoss?.data[0] ?? Number.NaN, 5);
    expect(losses.at(-1)).toBeLessThan(0.7 * (losses[0] ?? 0));
  });

  it("a gradient inside a loss is differentiated again", async () => {
    const program = programOf(`
      model Penalty {
        input x: f32[N, 2]
        param w: f32[2] ~ constant(0.5)
        score[n] = tanh(sum[d] w[d] * x[n, d])
        slope = grad(sum(score), x)
        loss = mean[n] (sum[d] slope[n, d]^2 - 1)^2
      }
      train Penalty { batch = 3, steps = 1, optimizer = sgd(lr = 0.1) }`);
    const session = await open(program, backend);
    const x = Float64Array.from([0.3, -0.2, 1, 0.4, -0.7, 0.1]);
    const gradient = (await session.gradients({ x }))["Penalty.w"]?.data ?? [];
    const loss = (w: readonly number[]): number => {
      let total = 0;
      for (let n = 0; n < 3; n++) {
        const s = Math.tanh((w[0] ?? 0) * (x[2 * n] ?? 0) + (w[1] ?? 0) * (x[2 * n + 1] ?? 0));
        const square = (w[0] ?? 0) ** 2 + (w[1] ?? 0) ** 2;
        total += ((1 - s * s) ** 2 * square - 1) ** 2 / 3;
      }
      return total;
    };
    const wanted = [0, 1].map((k) => (loss([0.5 + (k === 0 ? 1e-6 : 0), 0.5 + (k === 1 ? 1e-6 : 0)]) - loss([0.5 - (k === 0 ? 1e-6 : 0), 0.5 - (k === 1 ? 1e-6 : 0)])) / 2e-6);
    expect(worst(gradient, wanted)).toBeLessThan(2e-5);
  });

  it("hyperparameters that fix no size change between steps", async () => {
    const program = programOf(`
      model M(rate = 2.0) { input x: f32[N]; param w: f32 ~ ones; output p = rate * w; loss = w * (mean[n] x[n]) }
      train M { batch = 1, steps = 1, optimizer = sgd(lr = 0.5) }`);
    const session = await open(program, backend);
    expect((await session.predict({ x: [1] }))["p"]?.data[0]).toBe(2);
    session.setHyper("rate", 5);
    expect((await session.predict({ x: [1] }))["p"]?.data[0]).toBe(5);
    expect(() => session.setHyper("none", 1)).toThrow("no hyperparameter none");
  });

  it("schedules and bias corrections are computed in f64 from t", async () => {
    const program = programOf(`
      model M { input x: f32[N]; param w: f32 ~ zeros; loss = w * (mean[n] x[n]) }
      train M { batch = 1, steps = 3, optimizer = adam(lr = linear_decay(0.1, 0.0, steps = 10)) }`);
    const session = await open(program, backend);
    let [s, r, w] = [0, 0, 0];
    for (let t = 1; t <= 6; t++) {
      const g = t % 2 === 0 ? 0.5 : 2;
      await session.step({ x: [g] });
      s = 0.9 * s + 0.1 * g;
      r = 0.999 * r + 0.001 * g * g;
      const lr = 0.1 + ((0 - 0.1) * Math.min(t - 1, 10)) / 10;
      w -= (lr * (s / (1 - 0.9 ** t))) / (Math.sqrt(r / (1 - 0.999 ** t)) + 1e-8);
      expect(Math.abs(((await session.get("M.w"))[0] ?? 0) - w), `update ${t}`).toBeLessThan(1e-6);
    }
  });
});

describe("one mechanism", () => {
  it("a dense layer as a formula and as a product is one node", () => {
    const program = programOf(`
      model M {
        input x: f32[N, 6]
        param W: f32[6, 5] ~ glorot_uniform
        param c: f32[5] ~ zeros as bias
        output formula[b, o] = sum[i] x[b, i] * W[i, o] + c[o]
        output product = x @ W + c
        output turned[b, o] = c[o] + sum[i] W[i, o] * x[b, i]
      }`);
    const nodes = program.graph("predict").outputs.map((o) => o.node);
    expect(nodes).toHaveLength(3);
    expect(new Set(nodes).size).toBe(1);
  });

  it("two equal layers share one pipeline", () => {
    const program = programOf(`
      model Twice { input x: f32[N, 8]; a = relu(dense(x, 8)); b = relu(dense(a, 8)); output c = relu(dense(b, 8)) }`, {}, ["stages"]);
    const { plan, texts } = program.lower("predict", { capacity: { N: 4 }, profile: profiles.software });
    expect(plan.block).toHaveLength(3);
    expect(texts.length).toBeLessThan(3);
  });
});

describe.each(backends)("draws on %s", (backend) => {
  it("differ between turns of a fold, between steps and between seeds, and repeat for the same", async () => {
    const program = programOf(`
      model M {
        input x: f32[N]
        param w: f32 ~ ones
        output drawn = scan t in 0..3 with h = zeros[4] { h * 0 + uniform(0, 1)[4] }
        loss = w * (mean[n] x[n])
      }
      train M { batch = 1, steps = 1, optimizer = sgd(lr = 0) }`);
    const drawn = async (seed: number, steps: number): Promise<number[]> => {
      const session = await open(program, backend, seed);
      for (let t = 0; t < steps; t++) await session.step({ x: [1] });
      return [...((await session.predict({ x: [1] }))["drawn"]?.data ?? [])];
    };
    const first = await drawn(1, 1);
    expect(first).toHaveLength(12);
    expect(new Set(first).size).toBe(12);
    expect(await drawn(1, 1)).toEqual(first);
    expect(await drawn(2, 1)).not.toEqual(first);
    expect(await drawn(1, 2)).not.toEqual(first);
  });
});

describe.each(backends)("guards and stable forms on %s", (backend) => {
  const values = async (p: string, x: readonly number[]): Promise<{ p: number[]; loss: number; slope: number }> => {
    const program = programOf(`
      model M { input x: f32[N]; param w: f32 ~ ones; s = sqrt(x); output p = ${p}; unused = s; loss = mean(p) }
      train M { batch = 2, steps = 1, optimizer = sgd(lr = 0.1) }`);
    const session = await open(program, backend);
    const outputs = await session.gradients({ x });
    const found = [...((await session.predict({ x }))["p"]?.data ?? [])];
    return { p: found, loss: outputs["loss"]?.data[0] ?? Number.NaN, slope: outputs["M.w"]?.data[0] ?? Number.NaN };
  };

  it.each([
    ["where(x > 0, w * 2 * log(x), 0) + where(x > 1, x / x * log(x), 0)", [-1, 2], [0, 3 * Math.log(2)]],
    ["where(x > 0, s * w, 0) + where(x > 1, s * exp(x), 0)", [-1, 2], [0, Math.SQRT2 * (1 + Math.exp(2))]],
    ["where(x > 0, w / x, 0) + where(x > 1, exp(x) / x, 0)", [0, 2], [0, (1 + Math.exp(2)) / 2]],
  ] as const)("a factor never leaves two guards: %s", async (p, x, wanted) => {
    const found = await values(p, x);
    expect(worst(found.p, wanted)).toBeLessThan(2e-5);
    expect(worst([found.loss], [(wanted[0] + wanted[1]) / 2])).toBeLessThan(2e-5);
    expect(Number.isFinite(found.slope)).toBe(true);
  });

  it("constants that f32 cannot hold together stay apart", async () => {
    // 1e60 is no f32, and x * 1e30 * 1e30 is one.
    expect(worst((await values("w * x * 1e30 * 1e30", [2e-38, 3e-38])).p, [2e22, 3e22])).toBeLessThan(2e-5);
    // Twice 3e38 times, and a product of numbers read as one coefficient.
    expect(worst((await values("w * x * 3e38 + w * x * 3e38", [2e-38, 3e-38])).p, [12, 18])).toBeLessThan(2e-5);
    expect(worst((await values("w * x * 1e30 * 1e30 + w * x * 1e30 * 1e30", [2e-38, 3e-38])).p, [4e22, 6e22])).toBeLessThan(2e-5);
  });

  it("softplus of a rectified value does not overflow", async () => {
    const found = await values("w * log(1 + exp(relu(x)))", [1000, -1]);
    expect(worst(found.p, [1000, Math.log(2)])).toBeLessThan(2e-5);
    expect(worst([found.slope], [(1000 + Math.log(2)) / 2])).toBeLessThan(2e-5);
  });
});
