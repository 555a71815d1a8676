/** Examples of a dataset become inputs in the model's own order of axes. */
import { expect, it } from "vitest";
import { fieldsOf, rowsOf } from "../../src/harness/runtime/batch.ts";
import { makeDataset } from "../../src/harness/runtime/dataset.ts";
import type { InputInfo } from "../../src/harness/runtime/program.ts";

const N = { terms: [{ coefficient: 1, symbols: ["N"] }] };
const input = (shape: InputInfo["shape"]): InputInfo => ({ name: "x", dtype: "f32", shape, role: "input" });
const plan = { kind: "csv", path: "f.csv", fields: [{ name: "x", expr: { kind: "columns", from: 0, to: 4 } }] } as const;
const text = "a,b,c,d\n1,2,3,4\n5,6,7,8\n9,10,11,12\n";

it("keeps example after example where the batch is the first axis", () => {
  const data = makeDataset(plan, { inputs: [input([N, 4])], batch: "N" }, { text });
  expect([...(fieldsOf(data)["x"] ?? [])]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
});

it("puts the batch where the model has it: last, or between others", () => {
  const last = makeDataset(plan, { inputs: [input([4, N])], batch: "N" }, { text });
  expect([...(fieldsOf(last)["x"] ?? [])]).toEqual([1, 5, 9, 2, 6, 10, 3, 7, 11, 4, 8, 12]);
  const between = makeDataset(plan, { inputs: [input([2, N, 2])], batch: "N" }, { text });
  expect([...(fieldsOf(rowsOf(between, [2, 0]))["x"] ?? [])]).toEqual([9, 10, 1, 2, 11, 12, 3, 4]);
});
