/** Calls with equal arguments are made once, and nothing else about a program shows it. */
import { describe, expect, test } from "vitest";
import { compile } from "../../src/compile.ts";
import { nodesOf } from "../limits/nodes-of.ts";
import { openSession } from "../../src/session.ts";
import { errorsOf, modelOf } from "./check-text.ts";

/** The outputs of a model without inputs. */
async function outputs(text: string): Promise<Record<string, number[]>> {
  const { programs: [program], diagnostics } = compile({ path: "test.dl", text });
  if (!program) throw new Error(diagnostics.map((d) => d.message).join("\n"));
  const session = await openSession(program, { backend: "f64" });
  const made = await session.predict();
  session.close();
  return Object.fromEntries(Object.entries(made).map(([name, { data }]) => [name, [...data]]));
}

const doublings = (n: number, body: (inner: string) => string): string => `fn f0(x) = x\n${Array.from({ length: n }, (_, k) => `fn f${k + 1}(x) ${body(`f${k}(x)`)}`).join("\n")}\n`;

describe("forty doublings through functions", () => {
  test.each([
    ["an expression", doublings(40, (f) => `= ${f} + ${f}`), 2 ** 40],
    ["two names in a block", doublings(40, (f) => `{\n  l = ${f}\n  r = ${f}\n  return l + r\n}`), 2 ** 40],
    ["a name for each argument", doublings(40, (f) => `{\n  y = x\n  return ${f.replace("(x)", "(y)")} + ${f.replace("(x)", "(y)")}\n}`), 2 ** 40],
    ["several results", `fn f0(x) = x\n${Array.from({ length: 40 }, (_, k) => `fn g${k + 1}(x) {\n  return f${k}(x), f${k}(x)\n}\nfn f${k + 1}(x) {\n  a, b = g${k + 1}(x)\n  return a + b\n}`).join("\n")}\n`, 2 ** 40],
    ["functions as arguments", `fn twice(h, x) = h(x) + h(x)\nfn f0(x) = x\n${Array.from({ length: 40 }, (_, k) => `fn f${k + 1}(x) = f${k}(x) + f${k}(x)`).join("\n")}\nfn f40t(x) = twice(f39, x)\n`, 2 ** 40],
  ])("%s", async (_, fns, factor) => {
    const text = `${fns}model M {\n  param a: f32 ~ constant(3)\n  output y = f40(a)\n  loss = f40(a)\n}`;
    expect((await outputs(text))["y"]).toEqual([3 * factor]);
    const { programs: [program] } = compile({ path: "test.dl", text });
    expect(nodesOf(program?.graph("gradients")).length).toBeLessThan(100);
  });
});

describe("what a call does beside its value is done each time", () => {
  test("draws have a stream for each place", () => {
    const { outputs: made } = modelOf("fn noisy(x) {\n  e = normal(0, 1)[3]\n  return x + e\n}\nmodel M { param a: f32[3] ~ ones\nu = noisy(a)\nv = noisy(a)\noutput p = u + v\nloss = sum(p) }");
    const paths: string[] = [];
    const open: unknown[] = [made[0]?.value];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      if (typeof at !== "object" || at === null) continue;
      if ("kind" in at && at.kind === "random" && "path" in at) paths.push(String(at.path));
      for (const [key, part] of Object.entries(at)) if (key !== "span" && key !== "type") open.push(part);
    }
    expect([...new Set(paths)].sort()).toEqual(["M.u.e", "M.v.e"]);
  });

  test("layers own parameters for each place", () => {
    const model = modelOf("layer own(x: f32[d]) {\n  param w: f32[d] ~ ones\n  return x * w\n}\nfn f(x) {\n  h = own(x)\n  return h\n}\nmodel M { param a: f32[3] ~ ones\nu = f(a)\nv = f(a)\nloss = sum(u + v) }");
    expect(model.params.map((p) => p.path)).toEqual(["M.a", "M.u.h.w", "M.v.h.w"]);
  });

  test("the loss so far is read anew", async () => {
    const text = "fn so_far() = 1 * loss\nmodel M {\n  param a: f32 ~ constant(3)\n  loss first = a\n  u = so_far()\n  loss second = 10 * a\n  output v = so_far()\n  output w = u\n}";
    expect(await outputs(text)).toEqual({ v: [33], w: [3] });
  });
});

describe("two calls are two things", () => {
  const text = (body: string): string => `fn f(x) ${body}\nmodel M {\n  param a: f32 ~ constant(3)\n  u = f(a)\n  v = f(a)\n  output d = grad(10 * u + v, u)\n  output e = grad(10 * u + v, a)\n  loss = u + v\n}`;
  test.each([["an expression", "= 2 * x"], ["a name", "{\n  l = 2 * x\n  return l\n}"]])("for derivatives by their results: %s", async (_, body) => {
    expect(await outputs(text(body))).toEqual({ d: [10], e: [22] });
  });

  test("for derivatives by one of several results", async () => {
    const pair = "fn f(x) {\n  l = 2 * x\n  r = 3 * x\n  return l, r\n}\nmodel M {\n  param a: f32 ~ constant(3)\n  u, p = f(a)\n  v, q = f(a)\n  output d = grad(10 * u + v + 100 * p + 1000 * q, p)\n  loss = u + v + p + q\n}";
    expect(await outputs(pair)).toEqual({ d: [100] });
  });

  test("with arguments that differ in what is known of them alone", async () => {
    expect(await outputs("fn f(x, k) = x / k + (k // 2)\nmodel M {\n  param a: f32 ~ constant(8)\n  output p = f(a, 4)\n  output q = f(a, 2)\n  output r = f(a, k = 4)\n  loss = a\n}")).toEqual({ p: [4], q: [5], r: [4] });
  });

  test("for what is reported at them", () => {
    expect(errorsOf("fn f(x: f32[d], y: f32[d]) = x + y\nmodel M { param a: f32[2] ~ ones\nparam b: f32[3] ~ ones\nu = f(a, b)\nv = f(a, b)\nloss = sum(u + v) }").length).toBe(2);
  });
});
