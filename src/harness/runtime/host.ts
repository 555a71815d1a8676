/**
 * The scalars of a step, computed on the host in f64: schedules, `1 - ρ^t`, coefficients. In f32 `1 - 0.999^t`
 * alone would be off by 2e-5.
 *
 *     evaluateHost([{ op: "step", name: "t", args: [] }, { op: "sqrt", args: [0] }], scalars, live)   // [4, 2] at t = 4
 */
import type { HostInstruction } from "./program.ts";
import type { Live } from "./sizes.ts";
import { sizeOf } from "./sizes.ts";

/** The values of hyperparameters and of `t` and `epoch`. */
export interface StepScalars {
  readonly hyper: Readonly<Record<string, number>>;
  readonly step: Readonly<Record<string, number>>;
}

const truth = (b: boolean): number => (b ? 1 : 0);

const relations: Readonly<Record<string, (x: number, y: number) => boolean>> = {
  "==": (x, y) => x === y,
  "!=": (x, y) => x !== y,
  "<": (x, y) => x < y,
  "<=": (x, y) => x <= y,
  ">": (x, y) => x > y,
  ">=": (x, y) => x >= y,
};

/** erf by its Taylor series near zero and by the continued fraction of erfc beyond; about 1e-15. */
export function erf(x: number): number {
  const a = Math.abs(x);
  if (a > 6) return Math.sign(x);
  if (a < 2.5) {
    let term = a;
    let sum = a;
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum) && n < 200; n++) {
      term *= -(a * a) / n;
      sum += term / (2 * n + 1);
    }
    return Math.sign(x) * (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = 0;
  for (let n = 80; n >= 1; n--) fraction = n / 2 / (a + fraction);
  return Math.sign(x) * (1 - Math.exp(-a * a) / Math.sqrt(Math.PI) / (a + fraction));
}

const functions: Readonly<Record<string, (i: HostInstruction, x: number, y: number, z: number) => number>> = {
  neg: (_, x) => -x,
  exp: (_, x) => Math.exp(x),
  log: (_, x) => Math.log(x),
  log1p: (_, x) => Math.log1p(x),
  expm1: (_, x) => Math.expm1(x),
  sqrt: (_, x) => Math.sqrt(x),
  sin: (_, x) => Math.sin(x),
  cos: (_, x) => Math.cos(x),
  tanh: (_, x) => Math.tanh(x),
  sigmoid: (_, x) => 1 / (1 + Math.exp(-x)),
  erf: (_, x) => erf(x),
  floor: (_, x) => Math.floor(x),
  not: (_, x) => truth(x === 0),
  finite: (_, x) => truth(Number.isFinite(x)),
  stop: (_, x) => x,
  add: (_, x, y) => x + y,
  mul: (_, x, y) => x * y,
  div: (_, x, y) => x / y,
  max: (_, x, y) => Math.max(x, y),
  pow: (i, x) => x ** (i.value ?? 1),
  floordiv: (_, x, y) => Math.floor(x / y),
  mod: (_, x, y) => x - y * Math.floor(x / y),
  compare: (i, x, y) => truth(relations[i.name ?? ""]?.(x, y) ?? false),
  logic: (i, x, y) => (i.name === "and" ? truth(x !== 0 && y !== 0) : truth(x !== 0 || y !== 0)),
  select: (_, c, x, y) => (c !== 0 ? x : y),
  cast: (i, x) => (i.name === "bool" ? truth(x !== 0) : i.name === "f32" ? x : Math.trunc(x)),
};

/** The value of every instruction. Throws when a scalar is not given or an instruction is unknown. */
export function evaluateHost(program: readonly HostInstruction[], scalars: StepScalars, live: Live): Float64Array {
  const values = new Float64Array(program.length);
  program.forEach((instruction, at) => {
    values[at] = evaluateOne(instruction, values, scalars, live);
  });
  return values;
}

function evaluateOne(i: HostInstruction, values: Float64Array, scalars: StepScalars, live: Live): number {
  switch (i.op) {
    case "const":
      return i.value ?? 0;
    case "size":
      return sizeOf(i.size ?? 0, live);
    case "hyper":
    case "step": {
      const value = scalars[i.op][i.name ?? ""];
      if (value === undefined) throw new RangeError(`the scalar ${i.name} is not given`);
      return value;
    }
    default: {
      const apply = functions[i.op];
      if (!apply) throw new Error(`host scalar program: unknown operation ${i.op}`);
      const arg = (k: number): number => values[i.args[k] ?? -1] ?? Number.NaN;
      return apply(i, arg(0), arg(1), arg(2));
    }
  }
}
