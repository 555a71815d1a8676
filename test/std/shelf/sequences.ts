/** Recurrent cells and layers, step by step by hand. */
import { elements, made, numbers, reader, sigmoid, total } from "./by-hand.ts";
import type { Given, Nested, ShelfRecord } from "./record.ts";

const [N, T, n, k] = [2, 3, 2, 2];
type Row = readonly number[];

/** x W of one row. */
const times = (x: Row, W: Row, width: number): Row => Array.from({ length: width }, (_, o) => total([x.length], (i = 0) => (x[i] ?? 0) * (W[i * width + o] ?? 0)));
const plus = (...rows: readonly Row[]): Row => (rows[0] ?? []).map((_, i) => rows.reduce((s, r) => s + (r[i] ?? 0), 0));

type Step = (x: Row, h: Row, c: Row) => readonly [Row, Row];

const rnnStep = (g: Given, at: string, activation: (x: number) => number): Step => (x, h) =>
  [plus(times(x, g.flat(`${at}.W`), k), times(h, g.flat(`${at}.U`), k), g.flat(`${at}.b`)).map(activation), []];

const lstmStep = (g: Given, at: string, forget: number): Step => (x, h, c) => {
  const z = plus(times(x, g.flat(`${at}.W`), 4 * k), times(h, g.flat(`${at}.U`), 4 * k), g.flat(`${at}.b`));
  const gate = (which: number, o: number): number => z[which * k + o] ?? 0;
  const next = c.map((v, o) => sigmoid(gate(1, o) + forget) * v + sigmoid(gate(0, o)) * Math.tanh(gate(2, o)));
  return [next.map((v, o) => sigmoid(gate(3, o)) * Math.tanh(v)), next];
};

const gruStep = (g: Given, at: string, after: boolean): Step => (x, h) => {
  const f = (name: string): Row => g.flat(`${at}.${name}`);
  const gates = plus(times(x, f("W"), 2 * k), times(h, f("U"), 2 * k), f("b")).map(sigmoid);
  const r = gates.slice(k);
  const past = after ? plus(times(h, f("R"), k), f("e")).map((v, o) => v * (r[o] ?? 0)) : times(h.map((v, o) => v * (r[o] ?? 0)), f("R"), k);
  const fresh = plus(times(x, f("V"), k), f("d"), past).map(Math.tanh);
  return [h.map((v, o) => (gates[o] ?? 0) * v + (1 - (gates[o] ?? 0)) * (fresh[o] ?? 0)), []];
};

/** All states of a sequence, from 0, read forwards or backwards. */
function run(g: Given, step: Step, reverse = false): Nested {
  const x = elements(g, "x");
  return Array.from({ length: N }, (_, b) => {
    let state: readonly [Row, Row] = [new Array<number>(k).fill(0), new Array<number>(k).fill(0)];
    const states: Row[] = new Array<Row>(T).fill([]);
    for (let s = 0; s < T; s++) {
      const t = reverse ? T - 1 - s : s;
      state = step(Array.from({ length: n }, (__, i) => x(b, t, i)), ...state);
      states[t] = state[0];
    }
    return states;
  });
}

/** One step for each row. */
function one(g: Given, of: Step, cell?: string): { readonly h: Nested; readonly c: Nested } {
  const rows = g.rows("x").map((x, b) => of(x, g.rows("h")[b] ?? [], cell === undefined ? [] : (g.rows(cell)[b] ?? [])));
  return { h: rows.map((r) => r[0]), c: rows.map((r) => r[1]) };
}

const sequence = { "x: f32[N, 3, 2]": numbers([N, T, n], 1) };
const step = { "x: f32[N, 2]": numbers([3, n], 1), "h: f32[N, 2]": numbers([3, k], 2) };
const at = (path: string, shapes: Readonly<Record<string, readonly number[]>>): Record<string, Nested> => Object.fromEntries(Object.entries(shapes).map(([name, shape], i) => [`${path}.${name}`, numbers(shape, 3 + i)]));
const rnnShapes = { W: [n, k], U: [k, k], b: [k] };
const lstmShapes = { W: [n, 4 * k], U: [k, 4 * k], b: [4 * k] };
const gruShapes = { W: [n, 2 * k], U: [k, 2 * k], b: [2 * k], V: [n, k], R: [k, k], d: [k] };

export const sequences: readonly ShelfRecord[] = [
  { name: "rnn_cell", call: "rnn_cell(x, h)", inputs: step, stored: at("v", rnnShapes), value: (g) => one(g, rnnStep(g, "v", Math.tanh)).h },
  { name: "rnn_cell", call: "rnn_cell(x, h, activation = sigmoid)", inputs: step, stored: at("v", rnnShapes), value: (g) => one(g, rnnStep(g, "v", sigmoid)).h },
  { name: "rnn", call: "rnn(x, 2)", inputs: sequence, stored: at("v", rnnShapes), value: (g) => run(g, rnnStep(g, "v", Math.tanh)) },
  { name: "rnn", call: "rnn(x, 2, activation = sigmoid, reverse = true)", inputs: sequence, stored: at("v", rnnShapes), value: (g) => run(g, rnnStep(g, "v", sigmoid), true) },
  {
    name: "lstm_cell", call: "lstm_cell(x, h, c)", inputs: { ...step, "c: f32[N, 2]": numbers([3, k], 5) }, results: ["a", "b"], stored: at("a", lstmShapes),
    value: (g) => ({ a: one(g, lstmStep(g, "a", 1), "c").h, b: one(g, lstmStep(g, "a", 1), "c").c }),
  },
  { name: "lstm", call: "lstm(x, 2)", inputs: sequence, stored: at("v", lstmShapes), value: (g) => run(g, lstmStep(g, "v", 1)) },
  { name: "lstm", call: "lstm(x, 2, forget = 0, reverse = true)", inputs: sequence, stored: at("v", lstmShapes), value: (g) => run(g, lstmStep(g, "v", 0), true) },
  { name: "gru_cell", call: "gru_cell(x, h)", inputs: step, stored: at("v", gruShapes), value: (g) => one(g, gruStep(g, "v", false)).h },
  { name: "gru_cell", call: "gru_cell(x, h, reset_after = true)", inputs: step, stored: at("v", { ...gruShapes, e: [k] }), value: (g) => one(g, gruStep(g, "v", true)).h },
  { name: "gru", call: "gru(x, 2)", inputs: sequence, stored: at("v", gruShapes), value: (g) => run(g, gruStep(g, "v", false)) },
  { name: "gru", call: "gru(x, 2, reset_after = true, reverse = true)", inputs: sequence, stored: at("v", { ...gruShapes, e: [k] }), value: (g) => run(g, gruStep(g, "v", true), true) },
  {
    name: "in_order", call: "in_order(x, true)", inputs: sequence, value: (g) => made([N, T, n], (b = 0, t = 0, i = 0) => reader([N, T, n], g.flat("x"))(b, T - 1 - t, i)),
  },
];
