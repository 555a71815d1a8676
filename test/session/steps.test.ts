/** Train blocks with `step` sections: who minimises what over which parameters, how often, on which batch, with which draws. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDevice, type OpenDevice } from "../../src/harness/node/index.ts";
import type { Dataset } from "../../src/harness/runtime/dataset.ts";
import { shuffled } from "../../src/harness/runtime/shuffle.ts";
import { openSession, type Session } from "../../src/session.ts";
import type { CompiledProgram } from "../../src/compile.ts";
import { programOf } from "./kit.ts";

let gpu: OpenDevice;
beforeAll(async () => {
  gpu = await openDevice();
});
afterAll(() => {
  gpu.close();
});

const backends = ["f64", "webgpu"] as const;
const open = (program: CompiledProgram, backend: (typeof backends)[number], seed?: number): Promise<Session> =>
  openSession(program, { ...(backend === "f64" ? { backend } : { device: gpu.device }), ...(seed !== undefined && { seed }) });
const one = async (session: Session, path: string): Promise<number> => (await session.get(path))[0] ?? Number.NaN;

/** V(a, b) = a b + a²/2 - b²/2 - a has its saddle where b + a = 1 and a = b: at (1/2, 1/2). */
const game = (steps: number, more = ""): string => `
  model Game {
    param a: f32 ~ constant(2)
    param b: f32 ~ constant(-1)
    loss V = a * b + a^2 / 2 - b^2 / 2 - a
  }
  train Game {
    steps = ${steps}
    optimizer = sgd(0.1)
    step low  { minimize = V, over = a, times = 3 }
    step high { maximize = V, over = b${more} }
  }`;

describe.each(backends)("two players of one game on %s", (backend) => {
  it("take their steps in text order, as often as each says, and see each other's updates", async () => {
    const session = await open(programOf(game(4)), backend);
    const result = await session.train(undefined);
    let [a, b] = [2, -1];
    for (let k = 0; k < 4; k++) {
      for (let j = 0; j < 3; j++) a -= 0.1 * (b + a - 1);
      b += 0.1 * (a - b);
    }
    const digits = backend === "f64" ? 12 : 5;
    expect(await one(session, "Game.a")).toBeCloseTo(a, digits);
    expect(await one(session, "Game.b")).toBeCloseTo(b, digits);
    expect([result.steps, result.updates]).toEqual([4, 16]);
    session.close();
  });

  it("end in the equilibrium", async () => {
    const session = await open(programOf(game(400)), backend);
    const { history } = await session.train(undefined);
    expect(await one(session, "Game.a")).toBeCloseTo(0.5, 5);
    expect(await one(session, "Game.b")).toBeCloseTo(0.5, 5);
    // Each minimises its own: V and -V, -1/4 and 1/4 at the saddle. There is no loss of both.
    expect(history.at(-1)?.losses?.["low"]).toBeCloseTo(-0.25, 4);
    expect(history.at(-1)?.losses?.["high"]).toBeCloseTo(0.25, 4);
    expect(history.at(-1)?.loss).toBeUndefined();
    session.close();
  });
});

const gan = `
  layer critic(x: f32[..., n]) {
    h = relu(dense(x, 6))
    return dense(h, 1)
  }
  model Gan {
    input x: f32[N, 2]
    D = instance critic()
    z = normal(0, 1)[N, 3]
    G = dense(z, 2)
    loss loss_d = mean(D(G)) - mean(D(x)) + 0.01 * mean(D(x)^2)
    loss loss_g = -mean(D(G))
    output sample = G
  }
  train Gan {
    epochs = 2, batch = 4
    data = table { x = [[1, 2], [0, 1], [2, 2], [1, 0], [3, 1], [2, 1], [0, 0], [1, 1]] }
    optimizer = adam(0.01)
    step critic    { minimize = loss_d, over = D, times = 2, clip = norm(1) }
    step generator { minimize = loss_g, over = "G.*" }
  }`;
const feed = { x: Float64Array.of(1, 2, 0, 1, 2, 2, 1, 0) };

describe.each(backends)("over, on %s", (backend) => {
  it("leaves every other parameter and every other step's optimizer state as they are, to the bit", async () => {
    const session = await open(programOf(gan), backend, 4);
    const values = async (): Promise<ReadonlyMap<string, readonly number[]>> =>
      new Map(await Promise.all(session.program.info.store.tensors.map(async (t) => [t.name, [...(await session.get(t.name))]] as const)));
    const mine = (step: string) => (path: string): boolean => path.startsWith(`${step}/`) || path.startsWith(step === "critic" ? "Gan.D." : "Gan.G.");
    for (const step of ["critic", "generator", "critic"]) {
      const before = await values();
      await session.step(feed, { step });
      const after = await values();
      for (const [path, value] of before) {
        if (mine(step)(path)) expect(after.get(path), path).not.toEqual(value);
        else expect(after.get(path), path).toEqual(value);
      }
    }
    session.close();
  });
});

it("gives the steps over one parameter states of their own, keyed by step", () => {
  const program = programOf(`model M { param w: f32 ~ ones; loss near = (w - 1)^2; loss far = (w + 1)^2 }
    train M { steps = 1, optimizer = adam(0.1); step one { minimize = near }; step two { minimize = far + 2 * near } }`);
  expect(program.entries).toEqual(["init", "step.one", "step.two", "evaluate", "predict", "gradients"]);
  const states = program.info.store.tensors.filter((t) => t.kind === "state").map((t) => t.name);
  expect(states).toEqual(["one/adam.s/M.w", "one/adam.r/M.w", "two/adam.s/M.w", "two/adam.r/M.w", "status"]);
});

it("counts t for each step by itself", async () => {
  const text = `model M { param a: f32 ~ zeros; param b: f32 ~ zeros; loss l = a + b }
    optimizer tally() { θ <- θ + g * t }
    train M { steps = 2; optimizer = tally(); step one { minimize = l, over = a, times = 2 }; step two { minimize = l, over = b } }`;
  const session = await open(programOf(text), "f64");
  await session.train(undefined);
  expect([await one(session, "M.a"), await one(session, "M.b")]).toEqual([1 + 2 + 3 + 4, 1 + 2]);
  // Afterwards each goes on where it was.
  await session.step({}, { step: "two" });
  expect(await one(session, "M.b")).toBe(1 + 2 + 3);
});

it("gives an optimizer over all parameters those of its step, and what its step minimises", async () => {
  const text = `model M {
      param a: f32[2] ~ ones; param b: f32[2] ~ ones; param c: f32 ~ ones
      loss la = sum((a - 3)^2) + a[0] * a[1]; loss lb = sum((b - a)^2) + (c - b[0])^2
    }
    train M {
      optimizer = newton()
      step one { minimize = la, over = a }; step two { minimize = la + lb, over = [b, c] }
      phase all { steps = 1 }; phase part { steps = 1, freeze = b, optimizer = bfgs() }
    }`;
  const session = await open(programOf(text), "f64");
  const { phases } = await session.train(undefined);
  // Newton solves a quadratic at once: 2 (a - 3) + (a₁, a₀) = 0, then b = a and c = b₀; nothing is left for the second phase.
  for (const [path, value] of [["M.a", 2], ["M.b", 2], ["M.c", 2]] as const) for (const v of await session.get(path)) expect(v, path).toBeCloseTo(value, 10);
  expect(phases.map((p) => p.end)).toEqual(["finished", "finished"]);
});

const sums = `model M {
    input x: f32[N]
    param u: f32 ~ zeros; param v: f32 ~ zeros
    loss first = u * sum(x); loss second = v * sum(x)
  }
  train M {
    epochs = 2, batch = 2, seed = 7, optimizer = sgd(1)
    step often { minimize = first, over = u, times = 3 }
    step once  { minimize = second, over = v }
  }`;

it("gives the k-th run of each step the k-th batch of the training step", async () => {
  // Ten examples are five batches; three a training step make two training steps, the second ending with the first batch again.
  const x = Float64Array.from({ length: 10 }, (_, k) => 2 ** k);
  const data: Dataset = { rows: 10, fields: [{ name: "x", width: 1, dtype: "f32", values: x }] };
  const session = await open(programOf(sums), "f64");
  const result = await session.train(data);
  let [u, v] = [0, 0];
  for (const round of [1, 2]) {
    const order = shuffled(10, 7, round);
    const batch = (k: number): number => [0, 1].reduce((s, j) => s + (x[order[2 * (k % 5) + j] ?? 0] ?? 0), 0);
    for (const k of [0, 1, 2, 3, 4, 5]) u -= batch(k);
    for (const k of [0, 3]) v -= batch(k);
  }
  expect([await one(session, "M.u"), await one(session, "M.v")]).toEqual([u, v]);
  expect([result.steps, result.updates]).toEqual([4, 16]);
});

it("runs a frequent step on the one batch there is as often as it says", async () => {
  const session = await open(programOf(sums.replace("batch = 2", "batch = all")), "f64");
  const result = await session.train({ rows: 3, fields: [{ name: "x", width: 1, dtype: "f32", values: Float64Array.of(1, 2, 4) }] });
  expect([await one(session, "M.u"), await one(session, "M.v"), result.steps]).toEqual([-7 * 3 * 2, -7 * 2, 2]);
});

it("draws anew for every run of every step", async () => {
  const text = `model M {
      param a: f32[1] ~ zeros; param b: f32[1] ~ zeros
      z = normal(0, 1)[1]
      loss la = sum(a * z); loss lb = sum(b * z)
    }
    train M { steps = 1, optimizer = sgd(1); step one { minimize = la, over = a, times = 2 }; step two { minimize = lb, over = b } }`;
  const session = await open(programOf(text), "f64");
  const seen: number[] = [];
  let before = 0;
  for (const step of ["one", "one", "two"]) {
    await session.step({}, { step });
    const [a, b] = [await one(session, "M.a"), await one(session, "M.b")];
    seen.push(step === "one" ? a - before : b);
    before = a;
  }
  expect(new Set(seen.map((s) => s.toFixed(9))).size).toBe(3);
  // A training step makes the same three updates.
  const [a, b] = [await one(session, "M.a"), await one(session, "M.b")];
  await session.reset();
  await session.train(undefined);
  expect([await one(session, "M.a"), await one(session, "M.b")]).toEqual([a, b]);
});

it("evaluates with draws that are none of training's", async () => {
  const text = `model M { param a: f32[4] ~ zeros; z = normal(0, 1)[4]; loss = sum(a * z); output seen = z }
    train M { steps = 1, optimizer = sgd(1) }`;
  const session = await open(programOf(text), "f64");
  await session.step();
  const trained = [...(await session.get("M.a"))].map((v) => -v);
  const evaluated = [...((await session.evaluate())["seen"]?.data ?? [])];
  expect(evaluated).toHaveLength(4);
  for (const [k, v] of evaluated.entries()) expect(v).not.toBeCloseTo(trained[k] ?? 0, 6);
  expect([...((await session.predict())["seen"]?.data ?? [])]).toEqual(evaluated);
});

describe("what is measured", () => {
  it("is each step's loss and the terms in it; evaluation has the terms alone, gradients say whose each is", async () => {
    const session = await open(programOf(gan), "f64");
    expect(Object.keys(await session.step(feed, { step: "critic" }))).toEqual(["loss", "loss_d"]);
    expect(Object.keys(await session.evaluate(feed))).toEqual(["loss_d", "loss_g", "sample"]);
    const gradients = await session.gradients(feed);
    expect(Object.entries(gradients).map(([name, g]) => `${g.kind} ${name}`)).toEqual([
      "loss critic.loss", "loss generator.loss", ...session.parameters.map((p) => `gradient ${p.name}`),
    ]);
  });

  it("has one loss where every step minimises the same", async () => {
    const text = `model M { param a: f32 ~ ones; param b: f32 ~ ones; loss l = (a - 3)^2 + (b + 1)^2; loss r = a^2 }
      train M { steps = 300, optimizer = sgd(0.1); step slow { minimize = l + 0.5 * r, over = a, optimizer = sgd(0.01) }; step fast { minimize = l + 0.5 * r, over = b } }`;
    const session = await open(programOf(text), "f64");
    const { history } = await session.train(undefined);
    expect(history.at(-1)?.loss).toBeCloseTo(history.at(-1)?.losses?.["slow"] ?? Number.NaN, 12);
    expect(Object.keys(await session.evaluate())).toEqual(["loss", "l", "r"]);
    // (a - 3)² + a²/2 is least at a = 2.
    expect(await one(session, "M.a")).toBeCloseTo(2, 2);
    expect(await one(session, "M.b")).toBeCloseTo(-1, 6);
  });

  it("names a step that does not exist, and asks which where there are several", async () => {
    const session = await open(programOf(gan), "f64");
    await expect(session.step(feed)).rejects.toThrow("critic, generator");
    await expect(session.step(feed, { step: "critc" })).rejects.toMatchObject({ code: "E0520" });
  });
});

it.each(backends)("keeps the last good values of all steps on %s once a loss is not finite, and names the step", async (backend) => {
  const text = `model M {
      input x: f32[N]
      param a: f32 ~ ones; param b: f32 ~ ones
      loss la = mean(x) * a; loss lb = b * mean(x^2)
    }
    train M { epochs = 1, batch = 1, seed = 3, optimizer = sgd(0.5); step one { minimize = la, over = a }; step two { minimize = lb, over = b } }`;
  const order = shuffled(6, 3, 1);
  const x = Float64Array.from({ length: 6 }, () => 1);
  // The square of the third batch's number alone leaves the range of f32 and f64.
  x[order[2] ?? 0] = backend === "f64" ? 1e200 : 1e30;
  const session = await open(programOf(text), backend);
  const result = await session.train({ rows: 6, fields: [{ name: "x", width: 1, dtype: "f32", values: x }] });
  expect(result.end).toBe("not finite");
  expect(result.failure).toEqual({ step: 3, run: "two", names: ["two.loss", "the gradient of M.b"] });
  expect(await one(session, "M.b")).toBe(0);
  expect((await one(session, "M.a")) / (-0.5 * (x[order[2] ?? 0] ?? 0))).toBeCloseTo(1, 6);
  session.close();
});
