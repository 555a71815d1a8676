/** State and `<-` in text order, and what exists in training alone. */
import { describe, expect, it } from "vitest";
import type { Core } from "../../src/check/core.ts";
import { errorsOf, modelOf, output } from "./check-text.ts";

/** A Core of scalars as text. */
function show(core: Core): string {
  switch (core.kind) {
    case "number":
      return String(core.value);
    case "leaf":
      return core.path;
    case "apply":
      return `(${core.args.map(show).join(` ${typeof core.op === "string" ? core.op : core.op.compare} `)})`;
    case "training":
      return `training(${show(core.then)}, ${show(core.otherwise)})`;
    case "binding":
      return show(core.value);
    default:
      return core.kind;
  }
}

describe("updates", () => {
  it("rebind in text order and compose into one per state", () => {
    const model = modelOf(`model M {
      state a: f32 ~ zeros
      state b: f32 ~ ones
      before = a
      a <- a + 1
      b <- a * 2
      a <- a + b
      output before
      output after = a }`);
    expect(model.updates.map((u) => [u.path, show(u.value)])).toEqual([
      ["M.a", "(training((M.a add 1), M.a) add training((training((M.a add 1), M.a) mul 2), M.b))"],
      ["M.b", "(training((M.a add 1), M.a) mul 2)"],
    ]);
    expect(show(output(model, "before"))).toBe("M.a");
    expect(show(output(model, "after"))).toMatch(/^training\(.*, training\(.*\)\)$/);
  });

  it("swap", () => {
    const model = modelOf("model M { state a: f32 ~ zeros\nstate b: f32 ~ ones\na, b <- b, a\noutput s = a + b }");
    expect(model.updates.map((u) => show(u.value))).toEqual(["M.b", "M.a"]);
  });

  it("of batch_norm read the stored averages elsewhere", () => {
    const model = modelOf("model M { input x: f32[N, 3]\noutput h = batch_norm(x) }");
    expect(model.states.map((s) => s.path)).toEqual(["M.h.running_mean", "M.h.running_var"]);
    expect(model.updates.map((u) => u.path)).toEqual(["M.h.running_mean", "M.h.running_var"]);
  });

  it("need a state", () => {
    expect(errorsOf("model M { param w: f32 ~ zeros\nw <- 1\noutput w }")[0]).toMatch(/^E0307/);
  });
});

describe("training", () => {
  it("chooses between two graphs, through `not` and `and`", () => {
    const model = modelOf(`model M {
      output a = cases { 1 if training
                         2 otherwise }
      output b = cases { 1 if not training
                         2 otherwise }
      output c = cases { 1 if training and false
                         2 otherwise } }`);
    expect(["a", "b", "c"].map((n) => show(output(model, n)))).toEqual(["training(1, 2)", "training(2, 1)", "2"]);
  });
});
