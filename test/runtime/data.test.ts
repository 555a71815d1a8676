import { describe, expect, it } from "vitest";
import { readCsv } from "../../src/harness/runtime/csv.ts";
import { makeDataset, split } from "../../src/harness/runtime/dataset.ts";
import type { InputInfo } from "../../src/harness/runtime/program.ts";
import { shuffled } from "../../src/harness/runtime/shuffle.ts";
import type { DataPlan } from "../../src/harness/runtime/train-plan.ts";

const N = { terms: [{ coefficient: 1, symbols: ["N"] }] };
const inputs: InputInfo[] = [
  { name: "x", role: "input", dtype: "f32", shape: [N, 2] },
  { name: "y", role: "target", dtype: "i32", shape: [N], range: { lo: 0, hi: 3 } },
];
const program = { inputs, batch: "N" };
const csvPlan: DataPlan = {
  kind: "csv", path: "d.csv",
  fields: [
    { name: "x", expr: { kind: "binary", op: "/", a: { kind: "columns", from: 0, to: 2 }, b: { kind: "number", value: 4 } } },
    { name: "y", expr: { kind: "column", name: "label" } },
  ],
};
const from = (text: string) => makeDataset(csvPlan, program, { text });

describe("readCsv", () => {
  it("reads LF, CRLF, quotes, a byte-order mark and empty lines at the end", () => {
    const csv = readCsv('\uFEFFa,"b, c"\r\n1,"2"\r\n-3.5e1,.5\r\n\r\n', "f.csv");
    expect(csv.names).toEqual(["a", "b, c"]);
    expect([...csv.values]).toEqual([1, 2, -35, 0.5]);
  });

  it.each([
    ["", /f\.csv: the file is empty/],
    ["a,b\n", /a header but no row/],
    ["a,a\n1,2\n", /"a" occurs twice/],
    ["a,b\n1,2\n3\n", /f\.csv: row 2: 1 cells where the header has 2/],
    ["a,b\n1,2\n3,4,5\n", /row 2: 3 cells/],
    ["a,b\n1,x\n", /row 1, column "b": "x" is not a finite number/],
    ["a,b\n1,\n", /row 1, column "b": the cell is empty/],
    ["a,b\n1,1e999\n", /column "b": "1e999" is not a finite number/],
    ["a,b\n1,nan\n", /not a finite number/],
    ["a,b\n1,0x10\n", /not a finite number/],
    ["a,b\n1,2\n\n3,4\n", /row 2: the line is empty/],
  ])("refuses %j", (text, message) => {
    expect(() => readCsv(text, "f.csv")).toThrow(message);
  });
});

describe("makeDataset", () => {
  it("evaluates column expressions per row", () => {
    const data = from("a,b,label\n4,8,0\n2,6,2\n");
    expect(data.rows).toBe(2);
    expect([...(data.fields[0]?.values ?? [])]).toEqual([1, 2, 0.5, 1.5]);
    expect([...(data.fields[1]?.values ?? [])]).toEqual([0, 2]);
  });

  it("names row and column of a label out of range or not whole", () => {
    expect(() => from("a,b,label\n1,2,0\n1,2,3\n")).toThrow("d.csv: row 2, column y: 3 is outside 0..3");
    expect(() => from("a,b,label\n1,2,0.5\n")).toThrow("row 1, column y: 0.5 is not a whole number; y is declared i32");
  });

  it("names an unknown column and what there is", () => {
    expect(() => from("a,b,digit\n1,2,0\n")).toThrow('there is no column "label"; the header has a, b, digit');
  });

  it("reads tables and checks their width", () => {
    const plan: DataPlan = { kind: "table", rows: 2, fields: [{ name: "x", shape: [2, 2], values: [1, 2, 3, 4] }, { name: "y", shape: [2], values: [0, 1] }] };
    expect([...(makeDataset(plan, program, {}).fields[0]?.values ?? [])]).toEqual([1, 2, 3, 4]);
    const narrow: DataPlan = { ...plan, fields: [{ name: "x", shape: [2, 1], values: [1, 2] }, { name: "y", shape: [2], values: [0, 1] }] };
    expect(() => makeDataset(narrow, program, {})).toThrow("x has 1 numbers an example; the model declares 2");
    expect(() => makeDataset({ ...plan, fields: plan.fields.slice(0, 1) }, program, {})).toThrow("the target y has no column");
  });
});

describe("split and shuffled", () => {
  const data = makeDataset({ kind: "table", rows: 10, fields: [{ name: "x", shape: [10, 2], values: Array.from({ length: 20 }, (_, k) => k) }, { name: "y", shape: [10], values: new Array<number>(10).fill(1) }] }, program, {});

  it("gives disjoint parts that cover everything, the same for the same seed", () => {
    const parts = split(data, { validation: 0.2, test: 0.3 }, 7);
    const firsts = [parts.training, parts.validation, parts.test].map((p) => Array.from({ length: p.rows }, (_, k) => p.fields[0]?.values[2 * k] ?? -1));
    expect(firsts.map((f) => f.length)).toEqual([5, 2, 3]);
    expect(firsts.flat().sort((a, b) => a - b)).toEqual([0, 2, 4, 6, 8, 10, 12, 14, 16, 18]);
    expect(split(data, { validation: 0.2, test: 0.3 }, 7)).toEqual(parts);
    expect(split(data, { validation: 0.2, test: 0.3 }, 8)).not.toEqual(parts);
  });

  it("keeps file order when nothing is split off, and refuses to leave nothing", () => {
    expect(split(data, { validation: 0, test: 0 }, 7).training).toEqual(data);
    expect(() => split(data, { validation: 0.5, test: 0.5 }, 7)).toThrow(/nothing is left to train on/);
  });

  it("shuffles differently by seed and by round, evenly over positions", () => {
    expect([...shuffled(50, 1, 1)]).not.toEqual([...shuffled(50, 1, 2)]);
    expect([...shuffled(50, 1, 1)]).not.toEqual([...shuffled(50, 2, 1)]);
    const sums = new Float64Array(5);
    const rounds = 4000;
    for (let r = 0; r < rounds; r++) shuffled(5, 3, r).forEach((v, k) => { sums[k] = (sums[k] ?? 0) + v; });
    for (const s of sums) expect(Math.abs(s / rounds - 2)).toBeLessThan(0.1);
  });
});
