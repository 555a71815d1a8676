/** The kit takes parameters, states, draws and training, and finds what is wrong. */
import { describe, expect, it } from "vitest";
import { checkRecord } from "./kit.ts";
import { each, mean, range, type ShelfRecord, zip } from "./record.ts";

const columns = (rows: readonly (readonly number[])[]): number[][] => range(rows[0]?.length ?? 0).map((k) => rows.map((r) => r[k] ?? 0));
const variance = (x: readonly number[]): number => mean(x.map((v) => (v - mean(x)) ** 2));

const dense: ShelfRecord = {
  name: "dense", call: "dense(x, 2)", inputs: { "x: f32[N, 3]": [[1, 2, 3], [-1, 0.5, 0]] }, stored: { "v.W": [[1, 2], [0.5, -1], [0, 3]], "v.b": [0.25, -4] },
  value: (g) => g.rows("x").map((x) => range(2).map((o) => x.reduce((s, v, i) => s + v * (g.rows("v.W")[i]?.[o] ?? 0), g.flat("v.b")[o] ?? 0))),
};

const batchNorm: ShelfRecord = {
  name: "batch_norm", call: "batch_norm(x)", training: true, inputs: { "x: f32[N, 2]": [[1, 2], [-1, 0.5], [3, 0.25]] },
  stored: { "v.γ": [1.5, -0.5], "v.β": [0.25, 2], "v.running_mean": [1, 2], "v.running_var": [3, 4] },
  value: (g) => g.rows("x").map((row) => row.map((x, k) => {
    const column = columns(g.rows("x"))[k] ?? [];
    return ((g.flat("v.γ")[k] ?? 0) * (x - mean(column))) / Math.sqrt(variance(column) + 1e-5) + (g.flat("v.β")[k] ?? 0);
  })),
  updates: (g) => ({
    "v.running_mean": zip(columns(g.rows("x")), g.flat("v.running_mean"), (c, old) => 0.9 * old + 0.1 * mean(c)),
    "v.running_var": zip(columns(g.rows("x")), g.flat("v.running_var"), (c, old) => 0.9 * old + 0.1 * variance(c)),
  }),
};

const elsewhere: ShelfRecord = {
  ...batchNorm, training: false, updates: () => ({}),
  value: (g) => g.rows("x").map((row) => row.map((x, k) =>
    ((g.flat("v.γ")[k] ?? 0) * (x - (g.flat("v.running_mean")[k] ?? 0))) / Math.sqrt((g.flat("v.running_var")[k] ?? 0) + 1e-5) + (g.flat("v.β")[k] ?? 0))),
};

const dropout: ShelfRecord = {
  name: "dropout", call: "dropout(x, 0.25)", training: true, inputs: { "x: f32[N, 4]": [[1, 2, 3, 4], [5, 6, 7, 8]] },
  value: (g) => zip(g.flat("x"), g.uniform(0), (x, u) => (u < 0.75 ? x / 0.75 : 0)),
};

const noise: ShelfRecord = {
  name: "noise", call: "x + normal(0, 0.5)[N, 4]", inputs: { "x: f32[N, 4]": [[1, 2, 3, 4]] }, value: (g) => zip(g.flat("x"), g.normal(0), (x, z) => x + 0.5 * z),
};

const two: ShelfRecord = {
  name: "split", call: "split(x, 2, axis = 1)", results: ["a", "b"], inputs: { "x: f32[N, 4]": [[1, 2, 3, 4]] },
  value: (g) => ({ a: g.rows("x").map((r) => r.slice(0, 2)), b: g.rows("x").map((r) => r.slice(2)) }),
};

describe("the kit", () => {
  const right: readonly (readonly [string, ShelfRecord])[] = [
    ["parameters", dense], ["training and states", batchNorm], ["states elsewhere", elsewhere], ["draws of 0 and 1", dropout], ["normal draws", noise], ["two results", two],
  ];
  it.each(right)("takes %s", (_, record) => checkRecord(record));

  const wrong: readonly (readonly [string, ShelfRecord])[] = [
    ["a value", each("relu", "relu(x)", (x) => Math.max(x, 1e-8))],
    ["a gradient", each("round", "x + stop_gradient(x^2)", (x) => x + x ** 2)],
    ["a second derivative", each("cube", "3 * stop_gradient(x^2) * x - 2 * stop_gradient(x^3)", (x) => x ** 3)],
    ["a gradient that should be zero", each("relu", "relu(x)", (x) => Math.max(x, 0), { still: true })],
    ["a gradient that is zero throughout", each("floor", "floor(x)", Math.floor)],
    ["a point", each("relu", "relu(x)", (x) => Math.max(x, 0), { points: [{ what: "the kink", at: { x: [[0, 0, 0, 0]] }, gradient: { x: [1, 1, 1, 1] } }] })],
    ["an update", { ...batchNorm, updates: (g) => ({ ...batchNorm.updates?.(g), "v.running_mean": [0, 0] }) }],
    ["a shape", { ...two, value: () => ({ a: [1, 2, 3], b: [3, 4] }) }],
  ];
  it.each(wrong)("finds %s that is wrong", (_, record) => expect(() => checkRecord(record)).toThrow(/by hand|differences|how many/));
});
