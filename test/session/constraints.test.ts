/** `constrain`: what is stored after each update is the projection of it, of the parameters that are meant. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDevice, type OpenDevice } from "../../src/harness/node/index.ts";
import { openSession, type Session } from "../../src/session.ts";
import { codesOf } from "../derive/kit.ts";
import { programsOf } from "./kit.ts";

let gpu: OpenDevice;
beforeAll(async () => {
  gpu = await openDevice();
});
afterAll(() => gpu.close());

const model = `
  model M {
    input x: f32[N, 3]
    target y: f32[N, 2]
    h = dense(x, 4, init = constant(0.25))
    z = dense(h, 2, init = constant(0.25))
    loss = mse(z, y)
  }`;
const block = (more: string, optimizer = "sgd(0.1)"): string => `${model}\n train M { steps = 4\n data = table { x = [[1, 2, 3]], y = [[5, -5]] }\n optimizer = ${optimizer}\n ${more} }`;
const feed = { x: [1, 2, 3], y: [5, -5] };
const open = (text: string, backend: "f64" | "webgpu"): Promise<Session> => {
  const [program] = programsOf(text);
  if (!program) throw new Error("no program");
  return openSession(program, backend === "f64" ? { backend } : { device: gpu.device });
};
const columns = (data: ArrayLike<number>, width: number): number[] => Array.from({ length: width }, (_, k) => Math.hypot(...Array.from(data).filter((_, i) => i % width === k)));

describe.each(["f64", "webgpu"] as const)("a constraint on %s", (backend) => {
  it("keeps the weights of each unit short, and leaves biases alone", async () => {
    const session = await open(block("constrain = max_norm(θ, 0.75)"), backend);
    const free = await open(block(""), backend);
    await session.step(feed);
    await free.step(feed);
    const [bound, unbound] = [await session.get("M.z.W"), await free.get("M.z.W")];
    const lengths = columns(unbound, 2);
    expect(Math.max(...lengths)).toBeGreaterThan(0.75);
    Array.from(bound).forEach((w, i) => expect(w).toBeCloseTo((unbound[i] as number) * Math.min(1, 0.75 / (lengths[i % 2] as number)), 5));
    expect(Array.from(await session.get("M.z.b"))).toEqual(Array.from(await free.get("M.z.b")));
    for (let k = 0; k < 3; k++) await session.step(feed);
    for (const length of [...columns(await session.get("M.z.W"), 2), ...columns(await session.get("M.h.W"), 4)]) expect(length).toBeLessThan(0.75 + 1e-6);
    session.close();
    free.close();
  });

  it("speaks of the parameters that `over` chooses, and follows any optimizer", async () => {
    const session = await open(block('constrain = clip(θ, -0.01, 0.01) { over = [biases, "M.h.W"] }', "steepest_descent"), backend);
    await session.step(feed);
    for (const path of ["M.h.W", "M.h.b", "M.z.b"]) expect(Math.max(...Array.from(await session.get(path), Math.abs)), path).toBeLessThan(0.01 + 1e-8);
    expect(Math.max(...Array.from(await session.get("M.z.W"), Math.abs))).toBeGreaterThan(0.1);
    session.close();
  });

  it("decays weights beside their gradient", async () => {
    const session = await open(block("constrain = 0.5 * θ"), backend);
    const free = await open(block(""), backend);
    await session.step(feed);
    await free.step(feed);
    const [decayed, plain] = [await session.get("M.h.W"), await free.get("M.h.W")];
    Array.from(plain).forEach((w, i) => expect(decayed[i]).toBeCloseTo(w / 2, 5));
    session.close();
    free.close();
  });
});

describe("a constraint of a step or a phase", () => {
  it("is the step's own, or the block's", async () => {
    const text = `
      model Two { param a: f32 ~ constant(3); param b: f32 ~ constant(3)
        loss la = (a - 5)^2
        loss lb = (b - 5)^2 }
      train Two { steps = 3
        optimizer = sgd(0.4)
        constrain = min(θ, 4)
        step one { minimize = la, over = a }
        step two { minimize = lb, over = b, constrain = min(θ, 4.5) } }`;
    const session = await open(text, "f64");
    await session.train(undefined);
    expect([(await session.get("Two.a"))[0], (await session.get("Two.b"))[0]]).toEqual([4, 4.5]);
    session.close();
  });

  it("changes from phase to phase", async () => {
    const text = `
      model One { param a: f32 ~ constant(3); loss = (a - 5)^2 }
      train One { optimizer = sgd(0.4)
        phase tight { steps = 3, constrain = min(θ, 3.5) }
        phase free  { steps = 50 } }`;
    const session = await open(text, "f64");
    await session.train(undefined);
    expect((await session.get("One.a"))[0]).toBeCloseTo(5, 6);
    session.close();
  });
});

it("decoupled decay is of weights alone, or of all", async () => {
  const decayed = async (more: string): Promise<readonly number[]> => {
    const text = `model D { param w: f32 ~ constant(2); param b: f32 ~ constant(2) as bias; loss = 0 * (w + b) }\n train D { steps = 1\n optimizer = adamw(lr = 0.1, decay = 0.5${more}) }`;
    const session = await open(text, "f64");
    await session.step();
    const values = [(await session.get("D.w"))[0] ?? 0, (await session.get("D.b"))[0] ?? 0];
    session.close();
    return values;
  };
  expect(await decayed("")).toEqual([1.9, 2]);
  expect(await decayed(", decay_all = true")).toEqual([1.9, 1.9]);
});

it("refuses what constrains nothing, has another shape or another key", () => {
  expect(codesOf(block("constrain = θ[0..1]"))).toEqual(["E0202"]);
  expect(codesOf(block('constrain = clip(θ, 0, 1) { over = "M.q.*" }'))).toEqual(["E0411"]);
  expect(codesOf(block("constrain = clip(θ, 0, 1) { on = weights }"))).toEqual(["E0401"]);
  expect(codesOf("model B { param b: f32 ~ ones as bias; loss = b^2 }\n train B { steps = 1\n optimizer = sgd(0.1)\n constrain = max(θ, 0) }")).toEqual(["E0411"]);
});
