/** Train blocks with `phase` sections: what goes on from one to the next, what is frozen, which examples count, when they stop. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CompiledProgram } from "../../src/compile.ts";
import { openDevice, type OpenDevice } from "../../src/harness/node/index.ts";
import { split, type Dataset } from "../../src/harness/runtime/dataset.ts";
import { shuffled } from "../../src/harness/runtime/shuffle.ts";
import { openSession, type Session } from "../../src/session.ts";
import { programOf } from "./kit.ts";

let gpu: OpenDevice;
beforeAll(async () => {
  gpu = await openDevice();
});
afterAll(() => {
  gpu.close();
});

const backends = ["f64", "webgpu"] as const;
const open = (program: CompiledProgram, backend: (typeof backends)[number] = "f64"): Promise<Session> =>
  openSession(program, backend === "f64" ? { backend } : { device: gpu.device });
const one = async (session: Session, path: string): Promise<number> => (await session.get(path))[0] ?? Number.NaN;

/** The squared error of a line through points, and its mean gradient by hand. */
const line = (train: string): string => `
  model Line {
    input x: f32[N]; target y: f32[N]
    param w: f32 ~ zeros; param b: f32 ~ constant(0.5) as bias
    loss = mean[n] (w * x[n] + b - y[n])^2
    metric worst = max[n] abs(w * x[n] + b - y[n])
  }
  train Line { seed = 3; ${train} }`;

/** y = 2 x - 1 with a little that no line fits. */
function points(rows: number): Dataset {
  const x = Float64Array.from({ length: rows }, (_, k) => k / rows);
  const y = x.map((v, k) => 2 * v - 1 + 0.1 * Math.sin(5 * k));
  return { rows, fields: [{ name: "x", width: 1, dtype: "f32", values: x }, { name: "y", width: 1, dtype: "f32", values: y }] };
}

const columns = (data: Dataset): { x: Float64Array; y: Float64Array } => ({ x: data.fields[0]?.values ?? new Float64Array(), y: data.fields[1]?.values ?? new Float64Array() });

/** Full-batch gradient descent by hand: the values after each step, the first before any. */
function descend(data: Dataset, steps: number, lr: number, from: { w: number; b: number } = { w: 0, b: 0.5 }): { w: number; b: number }[] {
  const { x, y } = columns(data);
  const path = [from];
  for (let k = 0; k < steps; k++) {
    const { w, b } = path.at(-1) ?? from;
    const e = x.map((v, n) => w * v + b - (y[n] ?? 0));
    path.push({ w: w - (lr * 2 * e.reduce((s, v, n) => s + v * (x[n] ?? 0), 0)) / x.length, b: b - (lr * 2 * e.reduce((s, v) => s + v, 0)) / x.length });
  }
  return path;
}

function lossAt(data: Dataset, { w, b }: { w: number; b: number }): number {
  const { x, y } = columns(data);
  return x.reduce((s, v, n) => s + (w * v + b - (y[n] ?? 0)) ** 2, 0) / x.length;
}

function both(a: Dataset, b: Dataset): Dataset {
  return { rows: a.rows + b.rows, fields: a.fields.map((f, k) => ({ ...f, values: Float64Array.from([...f.values, ...(b.fields[k]?.values ?? [])]) })) };
}

describe.each(backends)("phases on %s", (backend) => {
  it("that change no optimizer are one run, to the bit", async () => {
    const run = async (train: string): Promise<Uint8Array> => {
      const session = await open(programOf(line(`batch = 4, optimizer = adam(lr = linear_decay(0.1, 0.01, steps = 12)); ${train}`)), backend);
      await session.train(points(10));
      const saved = await session.save();
      session.close();
      return saved;
    };
    const whole = await run("epochs = 5");
    expect(await run("phase a { epochs = 2 }; phase b { epochs = 3 }")).toEqual(whole);
    expect(await run("phase a { epochs = 2 }; phase b { epochs = 3, start = fresh }")).not.toEqual(whole);
  });

  it("freeze what a pattern names, to the bit, and leave no optimizer state for it", async () => {
    const text = `model Net {
        input x: f32[N, 2]; target y: f32[N, 1]
        trunk = tanh(dense(x, 4)); p = dense(trunk, 1)
        loss = mse(p, y)
      }
      train Net {
        batch = 2, optimizer = adam(0.05)
        phase head { epochs = 2, freeze = "Net.trunk.*" }
        phase all  { epochs = 2 }
      }`;
    const program = programOf(text);
    expect(program.entries.filter((e) => e.startsWith("step"))).toEqual(["step.head", "step"]);
    expect(program.info.store.tensors.filter((t) => t.entry === "step.head").map((t) => t.name)).toEqual(["head/adam.s/Net.p.W", "head/adam.r/Net.p.W", "head/adam.s/Net.p.b", "head/adam.r/Net.p.b"]);
    const session = await open(program, backend);
    const values = async (): Promise<Record<string, readonly number[]>> => Object.fromEntries(await Promise.all(session.parameters.map(async (p) => [p.name, [...(await session.get(p.name))]])));
    const before = await values();
    for (let k = 0; k < 3; k++) await session.step({ x: [1, 0, 0, 1], y: [1, -1] }, { step: "head" });
    const after = await values();
    for (const [path, value] of Object.entries(before)) {
      if (path.startsWith("Net.trunk.")) expect(after[path], path).toEqual(value);
      else expect(after[path], path).not.toEqual(value);
    }
    session.close();
  });
});

describe("a phase", () => {
  it("with an optimizer of its own begins it anew: states as they were at first, t from 1", async () => {
    const text = line("batch = all, epochs = 3, optimizer = nesterov(lr = 0.1); phase a { }; phase b { optimizer = momentum(lr = inverse_decay(0.2, 1), α = 0.5) }; phase c { }");
    const data = points(6);
    const session = await open(programOf(text));
    await session.train(data);
    let at = { w: 0, b: 0.5 };
    const phase = (α: number, rate: (t: number) => number, nesterov: boolean): void => {
      let v = { w: 0, b: 0 };
      for (let t = 1; t <= 3; t++) {
        const next = descend(data, 1, 1, at)[1] ?? at;
        const g = { w: at.w - next.w, b: at.b - next.b };
        v = { w: α * v.w - rate(t) * g.w, b: α * v.b - rate(t) * g.b };
        at = nesterov ? { w: at.w + α * v.w - rate(t) * g.w, b: at.b + α * v.b - rate(t) * g.b } : { w: at.w + v.w, b: at.b + v.b };
      }
    };
    phase(0.9, () => 0.1, true);
    phase(0.5, (t) => 0.2 / t, false);
    // The third has the first's optimizer, but not right after it.
    phase(0.9, () => 0.1, true);
    expect(await one(session, "Line.w")).toBeCloseTo(at.w, 12);
    expect(await one(session, "Line.b")).toBeCloseTo(at.b, 12);
  });

  it("sees the examples that its condition keeps", async () => {
    const data = points(10);
    const keep = (test: (x: number, y: number) => boolean): Dataset => {
      const { x, y } = columns(data);
      const rows = [...x.keys()].filter((n) => test(x[n] ?? 0, y[n] ?? 0));
      return { rows: rows.length, fields: data.fields.map((f) => ({ ...f, values: Float64Array.from(rows, (n) => f.values[n] ?? 0) })) };
    };
    const session = await open(programOf(line("batch = all, optimizer = sgd(0.1); phase easy { epochs = 4, only = x < 0.35 and not y > 0 }; phase all { epochs = 3 }")));
    const result = await session.train(data);
    const easy = descend(keep((x, y) => x < 0.35 && !(y > 0)), 4, 0.1).at(-1) ?? { w: 0, b: 0 };
    const wanted = descend(data, 3, 0.1, easy).at(-1) ?? easy;
    expect(await one(session, "Line.w")).toBeCloseTo(wanted.w, 12);
    expect(await one(session, "Line.b")).toBeCloseTo(wanted.b, 12);
    expect(result.phases.map((p) => [p.name, p.epochs, p.steps, p.end])).toEqual([["easy", 4, 4, "finished"], ["all", 3, 3, "finished"]]);
    // What is measured at the end is measured over everything.
    expect(result.final?.training?.["loss"]).toBeCloseTo(lossAt(data, wanted), 12);
  });

  it("picks numbers of examples by position, whatever axis the batch is", async () => {
    const text = `model M { input x: f32[3, N]; target y: f32[N]; param w: f32[3] ~ zeros
        loss = -(sum[i, n] w[i] * x[i, n] * y[n]) }
      train M { epochs = 1, batch = all, optimizer = sgd(1), only = x[2] // 2 == 1 or x[0] * -1 >= 9 }`;
    // Examples (1, 2, 3), (4, 5, 6), (7, 8, 2), (-9, 0, 9).
    const values = Float64Array.of(1, 2, 3, 4, 5, 6, 7, 8, 2, -9, 0, 9);
    const session = await open(programOf(text));
    await session.train({ rows: 4, fields: [{ name: "x", width: 3, before: 3, dtype: "f32", values }, { name: "y", width: 1, dtype: "f32", values: Float64Array.of(1, 1, 1, 1) }] });
    expect([...(await session.get("M.w"))]).toEqual([1 + 7 - 9, 2 + 8 + 0, 3 + 2 + 9]);
  });

  it("whose condition keeps nothing says so", async () => {
    const session = await open(programOf(line("epochs = 1, optimizer = sgd(0.1), only = x > 5")));
    await expect(session.train(points(4))).rejects.toMatchObject({ code: "E0521", message: expect.stringContaining("x > 5") });
  });

  it("stops once a condition is reached", async () => {
    const data = points(8);
    const path = descend(data, 400, 0.1);
    const wanted = path.findIndex((p, k) => k > 0 && lossAt(data, p) < 0.05 && k > 3);
    const session = await open(programOf(line("batch = all, epochs = 400, optimizer = sgd(0.1), stop = reach(training.worst > 100 or validation.loss < 0.05), split = holdout(validation = 0.5)")));
    // The same examples in both parts: the validation loss is the training loss.
    const doubled = both(data, data);
    const order = shuffled(16, 3, 0);
    const fields = doubled.fields.map((f) => ({ ...f, values: new Float64Array(16) }));
    for (let k = 0; k < 16; k++) for (const [j, f] of fields.entries()) f.values[order[k] ?? 0] = doubled.fields[j]?.values[k] ?? 0;
    const result = await session.train({ rows: 16, fields });
    expect([result.end, result.epochs]).toEqual(["reached", wanted]);
    expect(await one(session, "Line.w")).toBeCloseTo(path[wanted]?.w ?? Number.NaN, 12);
  });

  it("runs the block's steps, or steps of its own", async () => {
    const text = `model M { param a: f32 ~ zeros; param b: f32 ~ zeros; loss la = (a - 1)^2; loss lb = (b - 1)^2 }
      train M {
        optimizer = sgd(0.25)
        step left  { minimize = la, over = a }
        step right { minimize = lb, over = b, times = 2 }
        phase one   { steps = 1 }
        phase two   { steps = 1, step only { minimize = la + lb } }
        phase three { steps = 1, optimizer = sgd(0.5) }
      }`;
    // A step of which everything is frozen is left out, and none may be left.
    const half = programOf(text.replace("optimizer = sgd(0.5)", "freeze = a"));
    expect(half.trainPlan?.phases.map((p) => p.runs.map((r) => r.entry))).toEqual([["step.left", "step.right"], ["step.two.only"], ["step.three.right"]]);
    expect(() => programOf(text.replace("phase three { steps = 1, optimizer = sgd(0.5) }", "phase three { steps = 1, freeze = b, step last { minimize = lb } }"))).toThrow("E0416");
    const program = programOf(text);
    expect(program.entries.filter((e) => e.startsWith("step"))).toEqual(["step.left", "step.right", "step.two.only", "step.three.left", "step.three.right"]);
    const session = await open(program);
    expect(session.steps).toEqual(["left", "right", "two.only", "three.left", "three.right"]);
    const result = await session.train(undefined);
    // The distance from 1 halves with each update at the rate 0.25, and vanishes at 0.5.
    expect(result.history.map((h) => [h.phase, ...Object.entries(h.losses ?? {}).flat()])).toEqual([
      ["one", "left", 1, "right", (1 + 0.25) / 2],
      ["two", "only", 0.25 + 0.0625],
      ["three", "left", 0.0625, "right", 0.015625 / 2],
    ]);
    expect([await one(session, "M.a"), await one(session, "M.b")]).toEqual([1, 1]);
  });
});

it("is the last when it is interrupted or not finite, and the result says so", async () => {
  const text = line("batch = all, optimizer = sgd(0.1); phase one { epochs = 3 }; phase two { epochs = 5, optimizer = sgd(0.2) }; phase three { epochs = 2 }");
  const session = await open(programOf(text));
  let steps = 0;
  const stopped = await session.train(points(6), { onStep: () => steps++, interrupted: () => steps >= 5 });
  expect(stopped.phases.map((p) => [p.name, p.steps, p.end])).toEqual([["one", 3, "finished"], ["two", 2, "interrupted"]]);
  expect([stopped.end, stopped.epochs, stopped.steps]).toEqual(["interrupted", 5, 5]);
  const wild = await open(programOf(text.replace("sgd(0.2)", "sgd(1e20^10)")));
  const result = await wild.train(points(6));
  expect(result.phases.map((p) => [p.name, p.end])).toEqual([["one", "finished"], ["two", "not finite"]]);
  // The second update of the phase meets the loss that the first one's leap left.
  expect(result.failure).toMatchObject({ step: 2, names: expect.arrayContaining(["loss"]) as string[] });
});

it("lasts as long as the settings say: for all phases, or for one", () => {
  const text = line("optimizer = sgd(0.1), epochs = 9; phase warm { batch = 2 }; phase all { epochs = warm.best_epoch, batch = 3 }");
  const lengths = (set: Record<string, number>): unknown[] => (programOf(text, set).trainPlan?.phases ?? []).map((p) => [typeof p.epochs === "object" ? p.epochs.text : p.epochs, p.batch]);
  expect(lengths({})).toEqual([[9, 2], ["warm.best_epoch", 3]]);
  expect(lengths({ "warm.epochs": 4, "all.batch": 5 })).toEqual([[4, 2], ["warm.best_epoch", 5]]);
  expect(lengths({ epochs: 1, "all.epochs": 2 })).toEqual([[1, 2], [2, 3]]);
  expect(() => programOf(text, { "cold.epochs": 2 })).toThrow("E0104");
});

describe("retraining on all data after early stopping (Goodfellow et al., 7.8)", () => {
  const data = points(20);
  const { training, validation } = split(data, { validation: 0.3, test: 0 }, 3);
  const all = both(training, validation);
  // Overshoots along the steep direction and creeps along the flat one: the validation loss has a minimum on the way.
  const early = "batch = all, optimizer = sgd(0.3), split = holdout(validation = 0.3); phase first { epochs = 300, stop = early(patience = 4) }";

  function stopped(): { best: number; path: { w: number; b: number }[] } {
    const path = descend(training, 300, 0.3);
    const losses = path.slice(1).map((p) => lossAt(validation, p));
    let best = 0;
    for (let k = 0; k < losses.length && k - best < 4; k++) if ((losses[k] ?? 0) < (losses[best] ?? 0)) best = k;
    return { best: best + 1, path };
  }

  it("Algorithm 7.2: from the beginning, for as many steps as were best", async () => {
    const session = await open(programOf(line(`${early}; phase second { start = fresh, fit = training + validation, steps = first.best_step }`)));
    const result = await session.train(data);
    const { best } = stopped();
    const wanted = descend(all, best, 0.3).at(-1) ?? { w: 0, b: 0 };
    expect(result.phases[0]).toMatchObject({ name: "first", bestEpoch: best, bestStep: best });
    expect(result.phases[1]).toMatchObject({ name: "second", steps: best, end: "finished" });
    expect(best).toBeGreaterThan(1);
    expect(await one(session, "Line.w")).toBeCloseTo(wanted.w, 12);
    expect(await one(session, "Line.b")).toBeCloseTo(wanted.b, 12);
  });

  it("Algorithm 7.3: on from there, until the validation loss is below the training loss at the stop", async () => {
    const session = await open(programOf(line(`${early}; phase second { start = previous, fit = training + validation, epochs = 500, stop = reach(validation.loss < first.best_training_loss * 1.5) }`)));
    const result = await session.train(data);
    const { best, path } = stopped();
    const from = path[best] ?? { w: 0, b: 0 };
    const bound = 1.5 * lossAt(training, from);
    const on = descend(all, 500, 0.3, from);
    const met = on.findIndex((p, k) => k > 0 && lossAt(validation, p) < bound);
    const steps = met < 0 ? 500 : met;
    expect(result.phases[1]).toMatchObject({ epochs: steps, end: met < 0 ? "finished" : "reached" });
    expect(await one(session, "Line.w")).toBeCloseTo(on[steps]?.w ?? Number.NaN, 10);
  });

  it("says when a formula gives no length", async () => {
    const session = await open(programOf(line(`${early}; phase second { steps = first.best_step / 0 - 1 / 0 }`)));
    await expect(session.train(data)).rejects.toMatchObject({ code: "E0522" });
  });
});
