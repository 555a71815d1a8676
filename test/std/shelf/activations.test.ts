/** The activations against their formulas by hand. */
import { expect, it } from "vitest";
import { compile } from "../../../src/compile.ts";
import { activations } from "./activations.ts";
import { describeShelf } from "./kit.ts";

describeShelf("activations", activations);

it("a step lets nothing behind it learn, which a warning says", () => {
  const codesWith = (activation: string): readonly string[] => {
    const text = `model M { input x: f32[N, 3]\ntarget y: f32[N, 1]\nh = ${activation}(dense(x, 4))\np = dense(h, 1)\nloss = mse(p, y) }`;
    return compile({ path: "t.dl", text }).diagnostics.map((d) => `${d.code} ${d.message}`);
  };
  expect(codesWith("step")).toEqual(["W0301 no gradient reaches the parameters `M.h.W`, `M.h.b`"]);
  expect(codesWith("relu")).toEqual([]);
});
