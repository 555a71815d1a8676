/**
 * Random equations against a direct reading of them: an interpreter that loops over index values, one number at a time.
 * Sums, products, means, extrema, searches, counts with guards, nested and beside each other; accesses with shifts, strides, repeats
 * and data, with quotients and remainders; accesses that only a condition keeps inside, and ones that are 0 outside. Each as built
 * and in normal form.
 */
import { expect, test } from "vitest";
import type { Core, FoldOp, IndexVar } from "../../src/check/core.ts";
import { normalise } from "../../src/simplify/normalise.ts";
import { add, apply, at, compare, comprehend, fold, graphOf, guardedAt, index, input, ix, model, mul, N, num, numbers, run, select, sub, value } from "./core-kit.ts";

const sizes = { N: 3 };
const tensors = {
  A: { leaf: input("A", [N, 5]), shape: [3, 5], data: numbers(15, 3) },
  B: { leaf: input("B", [5, 5]), shape: [5, 5], data: numbers(25, 5) },
  v: { leaf: input("v", [5]), shape: [5], data: numbers(5, 7) },
  y: { leaf: input("y", [N], "i32"), shape: [3], data: [4, 0, 2] },
  z: { leaf: input("z", [5], "i32"), shape: [5], data: [1, 1, 3, 0, 2] },
} as const;
const values = Object.fromEntries(Object.entries(tensors).map(([name, { data }]) => [name, data]));

/** The values of a tensor after the rewrites that come before differentiation. */
function inNormalForm(core: Core): readonly number[] {
  const graph = normalise.run(graphOf(model({ outputs: { core } }), "predict"));
  return run(graph, "predict", values, { sizes }).outputs["core"] as number[];
}

/** A stream of whole numbers below `n`, the same every time. */
function chooser(seed: number): (n: number) => number {
  let word = seed >>> 0;
  return (n) => {
    word = (Math.imul(word, 1664525) + 1013904223) >>> 0;
    return Math.floor((word / 2 ** 32) * n);
  };
}

const i32 = (n: number): Core => num(n, "i32");
const whole = (op: "floordiv" | "mod" | "add", a: Core, b: Core): Core => ({ ...apply(op, a, b), type: { dtype: "i32", shape: [] } }) as Core;

/** A scalar expression over the variables: `rows` run over N, `columns` over at most 0..4. */
function expression(choose: (n: number) => number, rows: readonly IndexVar[], columns: readonly IndexVar[], depth: number): Core {
  const pick = <T,>(list: readonly T[]): T => list[choose(list.length)] as T;
  const column = (): Core => {
    const c = pick(columns);
    const [first, last] = [c.lo as number, (c.lo as number) + (c.extent as number) - 1];
    const options: Core[] = [ix(c), at(tensors.y.leaf, pick(rows)), at(tensors.z.leaf, c), i32(choose(5)), sub(i32(last), sub(ix(c), i32(first)))];
    if (last * 2 <= 4) options.push(mul(i32(2), ix(c)), add(ix(c), ix(c)));
    if (last < 4) options.push(add(ix(c), i32(1)));
    options.push(whole("mod", whole("add", ix(c), at(tensors.y.leaf, pick(rows))), i32(5)), whole("floordiv", whole("add", ix(c), i32(last - first)), i32(2)));
    return pick(options);
  };
  /** A position that may leave an axis of 5, and the condition that keeps it inside. */
  const outside = (): { position: Core; inside: Core } => {
    const shift = i32(choose(9) - 4);
    const position = choose(2) === 0 ? add(ix(pick(columns)), shift) : whole("add", at(tensors.z.leaf, ix(pick(columns))), shift);
    return { position, inside: apply("and", compare(">=", position, i32(0)), compare("<", position, i32(5))) };
  };
  const deeper = (): Core => expression(choose, rows, columns, depth - 1);
  if (depth === 0 || choose(5) === 0) {
    return pick([() => at(tensors.A.leaf, pick(rows), column()), () => at(tensors.B.leaf, column(), column()), () => at(tensors.v.leaf, column()), () => num(choose(7) / 2 - 1)])();
  }
  const operation = choose(10);
  if (operation === 0) return select(compare("<", deeper(), deeper()), deeper(), deeper());
  if (operation === 8) {
    const { position, inside } = outside();
    return select(inside, guardedAt(tensors.B.leaf, [1], column(), position), deeper());
  }
  if (operation === 9) {
    // 0 outside the tensor: an index that is affine.
    const position = sub(ix(pick(columns)), i32(choose(7) - 3));
    return { ...at(tensors.v.leaf, position), outside: "zero" } as Core;
  }
  if (operation <= 3) return apply(pick(["add", "mul", "sub", "max"] as const), deeper(), deeper());
  const bound = choose(3) === 0 ? index("r", N) : index("k", 1 + choose(4), choose(2));
  const [innerRows, innerColumns] = bound.extent === N ? [[...rows, bound], columns] : [rows, [...columns, bound]];
  const inner = (): Core => expression(choose, innerRows, innerColumns, depth - 1);
  const other = bound.extent === N ? at(tensors.y.leaf, pick(rows)) : ix(pick(columns));
  const guard = choose(2) === 0 ? compare(pick(["!=", ">=", "<"] as const), ix(bound), other) : compare(">", inner(), num(0));
  // A maximum over nothing has no value, so extrema have no guard here.
  const op = pick(["sum", "mean", "max", "sum", "prod", "min", "argmax", "count", "any", "all"] as const);
  const kept = op !== "max" && op !== "min" && choose(2) === 0 ? guard : undefined;
  if (op === "count" || op === "any" || op === "all") return asNumber(fold(op, [bound], compare(">", inner(), num(0)), kept));
  return op === "argmax" ? asNumber(fold(op, [bound], inner(), kept)) : fold(op, [bound], inner(), kept);
}

/** Positions, counts and conditions among other numbers. */
function asNumber(core: Core): Core {
  return core.type.dtype === "f32" ? core : { kind: "cast", to: "f32", arg: core, type: { dtype: "f32", shape: [] }, span: core.span };
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
      const leaves = core.index.some((c, axis) => of(c) < 0 || of(c) >= (shape[axis] as number));
      if (leaves && core.outside) return 0;
      if (leaves) throw new Error("an access outside its tensor");
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
      if (core.op === "and") return Number(a !== 0 && b !== 0);
      if (core.op === "floordiv") return Math.floor(a / b);
      if (core.op === "mod") return a - b * Math.floor(a / b);
      const relation = typeof core.op === "object" ? core.op.compare : "";
      return Number(relation === "<" ? a < b : relation === ">" ? a > b : relation === ">=" ? a >= b : a !== b);
    }
    case "fold": {
      const [variable] = core.indices as [IndexVar];
      const kept: number[] = [];
      const places: number[] = [];
      const extent = variable.extent === N ? sizes.N : (variable.extent as number);
      for (let k = 0; k < extent; k++) {
        const here = new Map(at_).set(variable, (variable.lo as number) + k);
        if (core.guard && read(core.guard, here) === 0) continue;
        kept.push(read(core.body, here));
        places.push((variable.lo as number) + k);
      }
      return joined(core.op, kept, places, variable.lo as number);
    }
    case "cast":
      return of(core.arg);
    default:
      throw new Error(`${core.kind} is not read here`);
  }
}

/** What a reduction makes of the values that are kept. */
function joined(op: FoldOp, kept: readonly number[], places: readonly number[], lo: number): number {
  const sum = kept.reduce((a, b) => a + b, 0);
  switch (op) {
    case "sum":
    case "count":
      return sum;
    case "mean":
      return sum / Math.max(1, kept.length);
    case "prod":
      return kept.reduce((a, b) => a * b, 1);
    case "max":
      return Math.max(...kept);
    case "min":
      return Math.min(...kept);
    case "any":
      return Number(kept.some((v) => v !== 0));
    case "all":
      return Number(kept.every((v) => v !== 0));
    case "argmax":
      return places[kept.indexOf(Math.max(...kept))] ?? lo;
    default:
      throw new Error(`${op} is not read here`);
  }
}

test.each(Array.from({ length: 250 }, (_, k) => k + 1))("equation %i", (seed) => {
  const choose = chooser(seed * 7919);
  const [row, column] = [index("n", N), index("c", 3, choose(2))];
  const body = expression(choose, [row], [column], 4);
  const whole = comprehend([row, column], body);
  const actual = value(whole, values, { sizes });
  const normal = inNormalForm(whole);
  for (let r = 0; r < sizes.N; r++) {
    for (let c = 0; c < 3; c++) {
      const expected = read(body, new Map([[row, r], [column, (column.lo as number) + c]]));
      for (const [form, found] of [["as built", actual], ["in normal form", normal]] as const) {
        expect(Math.abs((found[r * 3 + c] as number) - expected), `${form}, at ${r}, ${c}`).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(expected)));
      }
    }
  }
});
