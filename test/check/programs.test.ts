/** Loops, derivatives, objectives, train blocks, and programs made to hurt. */
import { describe, expect, it } from "vitest";
import { check } from "../../src/check/check.ts";
import type { Core } from "../../src/check/core.ts";
import { Diagnostics } from "../../src/support/diagnostic.ts";
import { spanOf } from "../../src/support/span.ts";
import type { Chain, Expr } from "../../src/syntax/ast.ts";
import { parse } from "../../src/syntax/parse.ts";
import { checkText, errorsOf, modelOf, output, outputTypes } from "./check-text.ts";

describe("loops", () => {
  it("carry values and stack them", () => {
    const model = modelOf(`model M { input x: f32[N, 5, 3]
      param U: f32[3, 3] ~ ones
      output h = fold t in 0..5 with h = zeros[N, 3] { tanh(x[:, t] + h @ U) }
      output all_h = scan t in 1..5 with h = zeros[N, 3] { g = x[:, t - 1] + x[:, t]
        g + h }
      a, b = fold k in 0..3 with a = 1, b = 2 { b, a + b }
      output s = a + b }`);
    expect(outputTypes(model)).toEqual({ h: "f32[N, 3]", all_h: "f32[4, N, 3]", s: "f32" });
    const loop = output(model, "h");
    expect(loop.kind === "loop" && loop.loop.trip).toBe(5);
  });

  it("refuse an index out of range and a carry that changes", () => {
    const text = (body: string) => `model M { input x: f32[N, 5]\noutput h = fold t in 0..5 with h = zeros[N] { ${body} } }`;
    expect(errorsOf(text("h + x[:, t + 1]"))[0]).toBe("E0205 the index runs over 1 to 5, and the axis has indices 0 to 4");
    expect(errorsOf(text("x[:, 0..2]"))[0]).toBe("E0214 `h` starts as f32[N] and becomes f32[N, 2]");
  });
});

describe("derivatives", () => {
  it("are forms over named values, sets included", () => {
    const model = modelOf(`model M { input x: f32[N, 3]
      z = tanh(dense(x, 1))
      output slope[n, d] = grad(sum(z), x)[n, d]
      output inner = grad(sum(z^2), z)
      loss = mean(z^2)
      metric sharp = dot(g, hvp(g)) / dot(g, g)
      metric length = norm(grad(loss, params)) }`);
    expect(outputTypes(model)).toEqual({ slope: "f32[N, 3]", inner: "f32[N, 1]" });
    const inner = output(model, "inner");
    expect(inner.kind === "derive" && inner.wrt).toMatchObject({ kind: "binding", name: "z" });
  });

  it("see a function's parameter as a name", () => {
    const inner = output(modelOf("fn slope(a) = grad(sum(a^3), a)\nmodel M { input x: f32[N]\noutput s = slope(x * 2) }"), "s");
    expect(inner.kind === "derive" && inner.wrt.kind).toBe("binding");
  });
});

describe("objectives", () => {
  it("are terms with a sense", () => {
    const model = modelOf("model M { param x: f32 ~ zeros\nloss a = x^2\nloss b = x\nmaximize -x^2 }");
    expect(model.terms.map((t) => [t.name, t.sense])).toEqual([["a", "minimize"], ["b", "minimize"], ["objective", "maximize"]]);
  });

  it("must reach every parameter where a gradient can flow", () => {
    const lost = (e: string) => errorsOf(`model M { param a: f32[3] ~ ones\nloss = ${e} }`);
    expect(lost("sum(a)")).toEqual([]);
    for (const e of ["mean(a > 0)", "stop_gradient(sum(a))", "sum(floor(a))", "f32(argmax(a))"]) expect(lost(e), e).toEqual(["E0302 the loss does not depend on the parameter `M.a`"]);
  });
});

describe("train blocks", () => {
  const model = `model M(k = 2) { input x: f32[N, k]
    target y: i32[N] in 0..3
    z = dense(x, 3)
    loss = cross_entropy(z, y)
    metric accuracy = accuracy(z, y) }`;

  it("say everything about a run", () => {
    const { program, diagnostics } = checkText(`${model}
      train M as quick {
        data = csv("d.csv") { x = (columns(1..3) - 8) / 16, y = column("class") - 1 }
        split = holdout(validation = 0.25)
        batch = 16
        epochs = 7
        optimizer = adam(lr = linear_decay(0.1, 0.01, steps = 10))
        clip = norm(1)
        stop = early(patience = 3, monitor = validation.accuracy, restore = last)
        seed = 5
      }`, { seed: 9, batch: "8" });
    expect(diagnostics.list).toEqual([]);
    const [train] = program?.trains ?? [];
    expect(train).toMatchObject({
      name: "quick", model: "M", seed: 9, split: { validation: 0.25, test: 0 },
      phases: [{
        batch: 8, epochs: 7, stop: { kind: "early", patience: 3, restore: "last", monitor: { part: "validation", name: "accuracy" } },
        runs: [{ entry: "step", times: 1, clip: { kind: "norm" } }],
      }],
      data: { kind: "csv", path: "d.csv" },
    });
    expect(train?.phases[0]?.runs[0]?.optimizer.perParam.map((p) => [p.param, p.states.map((s) => s.path), p.updates.map((u) => u.path)])).toEqual([
      ["M.z.W", ["adam.s/M.z.W", "adam.r/M.z.W"], ["adam.s/M.z.W", "adam.r/M.z.W", "M.z.W"]],
      ["M.z.b", ["adam.s/M.z.b", "adam.r/M.z.b"], ["adam.s/M.z.b", "adam.r/M.z.b", "M.z.b"]],
    ]);
  });

  it("hold a table against the model", () => {
    const { program } = checkText(`${model}\ntrain M { data = table { x = [[1, 2], [3, 4]], y = [0, 2] }\n steps = 1\n optimizer = sgd(0.1) }`);
    expect(program?.trains[0]?.data).toMatchObject({ kind: "table", rows: 2, fields: [{ name: "x", shape: [2], values: [1, 2, 3, 4] }, { name: "y", shape: [], values: [0, 2] }] });
  });

  it("need data for every input", () => {
    expect(errorsOf(`${model}\ntrain M { data = csv("d.csv") { x = columns(0..2) }\n epochs = 1\n optimizer = sgd }`)).toEqual(["E0503 the data has no values for the target `y`"]);
    // A block without data gets its batches from a session.
    expect(errorsOf(`${model}\ntrain M { epochs = 1\n optimizer = sgd }`)).toEqual([]);
    expect(errorsOf(`${model}\ntrain M { optimizer = sgd }`)).toEqual(["E0402 this block says neither `epochs` nor `steps`"]);
  });
});

describe("programs made to hurt", () => {
  it("sum a hundred thousand terms", () => {
    const diagnostics = new Diagnostics();
    const file = parse({ path: "t.dl", text: "model M { input x: f32[N]\noutput y = x + x }" }, diagnostics);
    const [model] = file.declarations;
    const statement = model?.kind === "model" ? model.body.statements[1] : undefined;
    if (model?.kind !== "model" || statement?.kind !== "output" || statement.value?.kind !== "chain") throw new Error("unexpected tree");
    const [link] = statement.value.rest;
    if (!link) throw new Error("no link");
    const long: Chain = { ...statement.value, rest: new Array(100_000).fill(link) };
    const body = { ...model.body, statements: [model.body.statements[0], { ...statement, value: long }].filter((s) => s !== undefined) };
    const program = check({ ...file, declarations: [{ ...model, body }] }, {}, diagnostics);
    let depth = 0;
    let core: Core | undefined = program?.models[0]?.outputs[0]?.value;
    for (; core && core.kind !== "leaf"; depth++) core = core.kind === "apply" ? core.args[0] : core.kind === "binding" ? core.value : undefined;
    expect(depth).toBe(100_001);
  });

  it("are refused when they unfold without end", () => {
    const fns = Array.from({ length: 30 }, (_, k) => `fn f${k + 1}(x) = f${k}(x) + f${k}(x + 1)`).join("\n");
    expect(errorsOf(`fn f0(x) = x\n${fns}\nmodel M { input x: f32[N]\noutput y = f30(x) }`)).toEqual(["E0110 calls and `for` unfold into more than 3000000 expressions"]);
    expect(errorsOf("model M { input x: f32[N]\nh = x\nfor k in 0..1000000000 { h = h + 1 }\noutput h }")[0]).toMatch(/^E0110/);
  });

  it("are refused when they nest too deep", () => {
    const fns = Array.from({ length: 3000 }, (_, k) => `fn f${k + 1}(x) = f${k}(x)`).join("\n");
    expect(errorsOf(`fn f0(x) = x\n${fns}\nmodel M { input x: f32[N]\noutput y = f3000(x) }`)).toEqual(["E0110 more than 250 expressions inside each other, through calls"]);
  });

  it("meet wrong syntax without a second complaint", () => {
    const span = spanOf({ path: "t.dl", text: "" }, 0, 0);
    const broken: Expr = { kind: "error", span };
    const diagnostics = new Diagnostics();
    const file = parse({ path: "t.dl", text: "const a = 1\nmodel M { input x: f32[N]\noutput y = x + a }" }, diagnostics);
    check({ ...file, declarations: file.declarations.map((d) => (d.kind === "const" ? { ...d, value: broken } : d)) }, {}, diagnostics);
    expect(diagnostics.list).toEqual([]);
  });
});
