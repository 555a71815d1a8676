/** Running sums, orders and solves print as a program writes them. */
import { expect, it } from "vitest";
import { compile } from "../../src/compile.ts";
import { printFormulas } from "../../src/report/print-formulas.ts";
import { isLibrarySource } from "../../src/std/library.ts";

const printed = (lines: string): string => {
  const { programs: [program] } = compile({ path: "m.dl", text: `model M {\n${lines}\n}` });
  return program ? printFormulas(program.graph("gradients"), { model: "M", isLibrary: isLibrarySource }) : "";
};

it("running sums and their adjoints", () => {
  expect(printed("param w: f32[4] ~ ones\nparam W: f32[2, 4] ~ ones\nloss = sum(cumsum(3 * w)^2) + sum(cumsum(W, axis = 0, exclusive = true)^2)")).toMatchInlineSnapshot(`
    "v1 = 3 * cumsum(w)
    v2 = cumsum(W, axis = 0, exclusive = true)
    loss = sum(v1²) + sum(v2²)
    ∂loss/∂w = 6 * cumsum(v1, reverse = true)
    ∂loss/∂W = 2 * cumsum(v2, axis = 0, reverse = true, exclusive = true)
    "
  `);
});

it("orders, and what is gathered by them", () => {
  expect(printed("param w: f32[4] ~ ones\nloss = sum(sort(w, descending = true) * [1, 2, 3, 4])")).toMatchInlineSnapshot(`
    "v1 = argsort(w, descending = true)
    loss = sum(w[v1] * [1, 2, 3, 4])
    ∂loss/∂w = scatter_sum{0 4}([1, 2, 3, 4], v1)
    "
  `);
});

it("factors and solves", () => {
  expect(printed("param A: f32[3, 3] ~ ones\nparam b: f32[3, 2] ~ ones\nloss = sum(triangular_solve(A, 2 * b)) + sum(cholesky(A))")).toMatchInlineSnapshot(`
    "v1 = 2 * triangular_solve(A, b)
    v2 = cholesky(0.5 * (A + Aᵀ))
    loss = sum(v1) + sum(v2)
    v3 = (0..3)[i]
    v4 = (0..3)
    v5 = v3 == v4
    v6 = sum(v2, axis = 0)
    v7 = v3 > v4
    v8 = triangular_solve(v2ᵀ, triangular_solve(v2ᵀ, where(v5, 0.5 * v6[i], where(v7, v6[i], 0)), lower = false)ᵀ, lower = false)
    v9 = v8ᵀ + v8
    v10 = 0.5 * where(v5, 0.5 * v9, where(v7, v9, 0))
    v11 = triangular_solve(Aᵀ, 1, lower = false)
    ∂loss/∂A = v10 + v10ᵀ - where(v3 >= v4, v11 @ v1ᵀ, 0)
    ∂loss/∂b = 2 * v11
    "
  `);
});
