/**
 * Random equations against a direct reading of them: an interpreter that loops over index values, one number at a time.
 * Sums, means, maxima with guards, nested and beside each other; accesses with shifts, strides, repeats and data.
 */
import { expect, test } from "vitest";
import type { Core, IndexVar } from "../../src/check/core.ts";
import { add, apply, at, compare, comprehend, fold, index, input, ix, mul, N, num, numbers, select, sub, value } from "./core-kit.ts";

const sizes = { N: 3 };
const tensors = {
  A: { leaf: input("A", [N, 5]), shape: [3, 5], data: numbers(15, 3) },
  B: { leaf: input("B", [5, 5]), shape: [5, 5], data: numbers(25, 5) },
  v: { leaf: input("v", [5]), shape: [5], data: numbers(5, 7) },
  y: { leaf: input("y", [N], "i32"), shape: [3], data: [4, 0, 2] },
  z: { leaf: input("z", [5], "i32"), shape: [5], data: [1, 1, 3, 0, 2] },
} as const;
const values = Object.fromEntries(Object.entries(tensors).map(([name, { data }]) => [name, data]));

/** A stream of whole numbers below `n`, the same every time. */
function chooser(seed: number): (n: number) => number {
  let word = seed >>> 0;
  return (n) => {
    word = (Math.imul(word, 1664525) + 1013904223) >>> 0;
    return Math.floor((word / 2 ** 32) * n);
  };
}

const i32 = (n: number): Core => num(n, "i32");

/** A scalar expression over the variables: `rows` run over N, `columns` over at most 0..4. */
function expression(choose: (n: number) => number, rows: readonly IndexVar[], columns: readonly IndexVar[], depth: number): Core {
  const pick = <T,>(list: readonly T[]): T => list[choose(list.length)] as T;
  const column = (): Core => {
    const c = pick(columns);
    const [first, last] = [c.lo as number, (c.lo as number) + (c.extent as number) - 1];
    const options: Core[] = [ix(c), at(tensors.y.leaf, pick(rows)), at(tensors.z.leaf, c), i32(choose(5)), sub(i32(last), sub(ix(c), i32(first)))];
    if (last * 2 <= 4) options.push(mul(i32(2), ix(c)), add(ix(c), ix(c)));
    if (last < 4) options.push(add(ix(c), i32(1)));
    return pick(options);
  };
  const deeper = (): Core => expression(choose, rows, columns, depth - 1);
  if (depth === 0 || choose(5) === 0) {
    return pick([() => at(tensors.A.leaf, pick(rows), column()), () => at(tensors.B.leaf, column(), column()), () => at(tensors.v.leaf, column()), () => num(choose(7) / 2 - 1)])();
  }
  const operation = choose(8);
  if (operation === 0) return select(compare("<", deeper(), deeper()), deeper(), deeper());
  if (operation <= 3) return apply(pick(["add", "mul", "sub", "max"] as const), deeper(), deeper());
  const bound = choose(3) === 0 ? index("r", N) : index("k", 1 + choose(4), choose(2));
  const [innerRows, innerColumns] = bound.extent === N ? [[...rows, bound], columns] : [rows, [...columns, bound]];
  const inner = (): Core => expression(choose, innerRows, innerColumns, depth - 1);
  const other = bound.extent === N ? at(tensors.y.leaf, pick(rows)) : ix(pick(columns));
  const guard = choose(2) === 0 ? compare(pick(["!=", ">=", "<"] as const), ix(bound), other) : compare(">", inner(), num(0));
  // A maximum over nothing has no value, so maxima have no guard here.
  const op = pick(["sum", "mean", "max", "sum"] as const);
  return fold(op, [bound], inner(), op !== "max" && choose(2) === 0 ? guard : undefined);
}

/** The number that a scalar expression is at some values of its variables. */
function read(core: Core, at_: ReadonlyMap<IndexVar, number>): number {
  const of = (c: Core): number => read(c, at_);
  switch (core.kind) {
    case "number":
      return core.value;
    case "index":
      return at_.get(core.variable) as number;
    case "at": {
      const { shape, data } = tensors[(core.base as { path: keyof typeof tensors }).path];
      return data[core.index.reduce((flat, c, axis) => flat * (shape[axis] as number) + of(c), 0)] as number;
    }
    case "select":
      return of(core.condition) !== 0 ? of(core.then) : of(core.otherwise);
    case "apply": {
      const [a, b] = core.args.map(of) as [number, number];
      if (core.op === "add") return a + b;
      if (core.op === "sub") return a - b;
      if (core.op === "mul") return a * b;
      if (core.op === "max") return Math.max(a, b);
      const relation = typeof core.op === "object" ? core.op.compare : "";
      return Number(relation === "<" ? a < b : relation === ">" ? a > b : relation === ">=" ? a >= b : a !== b);
    }
    case "fold": {
      const [variable] = core.indices as [IndexVar];
      const kept: number[] = [];
      const extent = variable.extent === N ? sizes.N : (variable.extent as number);
      for (let k = 0; k < extent; k++) {
        const here = new Map(at_).set(variable, (variable.lo as number) + k);
        if (!core.guard || read(core.guard, here) !== 0) kept.push(read(core.body, here));
      }
      const sum = kept.reduce((a, b) => a + b, 0);
      return core.op === "max" ? Math.max(...kept) : core.op === "mean" ? sum / Math.max(1, kept.length) : sum;
    }
    default:
      throw new Error(`${core.kind} is not read here`);
  }
}

test.each(Array.from({ length: 150 }, (_, k) => k + 1))("equation %i", (seed) => {
  const choose = chooser(seed * 7919);
  const [row, column] = [index("n", N), index("c", 3, choose(2))];
  const body = expression(choose, [row], [column], 4);
  const actual = value(comprehend([row, column], body), values, { sizes });
  for (let r = 0; r < sizes.N; r++) {
    for (let c = 0; c < 3; c++) {
      const expected = read(body, new Map([[row, r], [column, (column.lo as number) + c]]));
      expect(Math.abs((actual[r * 3 + c] as number) - expected), `at ${r}, ${c}`).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(expected)));
    }
  }
});
