/** Hyperparameters: static where they fix a size, a bound or a branch, else values that may change. */
import { describe, expect, it } from "vitest";
import { checkText, errorsOf, modelOf, output, outputTypes } from "./check-text.ts";

describe("hyperparameters", () => {
  const text = `model M(hidden = 8, decay = 0.5, double = hidden * 2, deep = true, f = relu) {
    input x: f32[N, 4]
    h = f(dense(x, hidden))
    output s = decay * sum(h)
    output size = hidden + x
    output d = cases { decay if deep
                       x otherwise }
    output t = double * decay }`;

  it("are static exactly where they must be", () => {
    expect(modelOf(text).hypers.map((h) => [h.name, h.value, h.static])).toEqual([["hidden", 8, true], ["decay", 0.5, false], ["double", 16, false], ["deep", 1, true]]);
  });

  it("are Core values unless static", () => {
    const model = modelOf(text);
    expect(output(model, "d")).toMatchObject({ kind: "hyper", name: "decay" });
    const size = output(model, "size");
    expect(size.kind === "apply" && size.args[0]).toMatchObject({ kind: "number", value: 8 });
  });

  it("can be set from outside", () => {
    const model = modelOf(text, { hidden: 3, deep: "false" });
    expect(model.params.map((p) => p.type.shape)).toEqual([[4, 3], [3]]);
    expect(outputTypes(model)["d"]).toBe("f32[N, 4]");
  });

  it("refuse names and values that mean nothing", () => {
    expect(errorsOf(text, { hiden: 3 })).toEqual(["E0104 there is no hyperparameter `hiden` to set"]);
    expect(errorsOf(text, { decay: "much" })).toEqual(['E0208 `decay` must be a number, true or false, and is set to "much"']);
    expect(errorsOf(text, { hidden: 2.5 })[0]).toMatch(/^E0209 a dimension must be a whole number known before anything runs; it is 2.5/);
  });

  it("fix an exponent of a tensor", () => {
    expect(modelOf("model M(p = 3) { input x: f32[N]\noutput y = x^p }").hypers[0]?.static).toBe(true);
  });

  it("warn when they are never used", () => {
    const warnings = checkText("model M(p = 3) { input x: f32[N]\n_skip = x\nspare = x\noutput y = x }").diagnostics.list.map((d) => d.message);
    expect(warnings).toEqual(["`p` is never used", "`spare` is never used"]);
  });
});
