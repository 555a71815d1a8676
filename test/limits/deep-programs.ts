/**
 * Programs as deep as they may be, and what each is answered with: compiled with little stack in Node, and in a worker of
 * a browser.
 *
 *     answers()     // ["parentheses: 1 program", …, "too deep: E0006", …]
 */
import { compile } from "../../src/compile.ts";

const wrap = (times: number, open: string, close: string, x: string): string => open.repeat(times) + x + close.repeat(times);
const model = (value: string): string => `model M {\n  input x: f32[N, 4]\n  param w: f32[4] ~ ones\n  a = x * w\n  y = ${value}\n  loss = mean(y)\n}\ntrain M { steps = 1, optimizer = sgd(lr = 0.1) }\n`;
/** Functions that call each other, `n` deep. */
const tower = (n: number, body: (inner: string) => string): string => `fn f0(x) = x\n${Array.from({ length: n }, (_, k) => `fn f${k + 1}(x: f32[N, d]) ${body(`f${k}(x)`)}`).join("\n")}\n${model(`f${n}(a)`)}`;

/** By name. */
const programs: Readonly<Record<string, string>> = {
  parentheses: model(wrap(120, "(", ")", "a")), calls: model(wrap(100, "sin(", ")", "a")), "library calls": model(wrap(100, "relu(", ")", "a")), products: model(wrap(55, "sum(a * (", "))", "a")),
  "too deep": model(wrap(5000, "(", ")", "a")), "functions": tower(90, (f) => `= ${f}`), "blocks": tower(90, (f) => `{\n  y = ${f}\n  return y\n}`),
  "too many functions": tower(3000, (f) => `{\n  y = ${f}\n  return y\n}`), "deep bodies": tower(30, (f) => `= ${wrap(100, "sin(", ")", f)}`),
  cases: tower(60, (f) => `= cases {\n  ${f} if x > 0\n  x otherwise\n}`), equations: tower(60, (f) => `{\n  z[n, j] = ${f}[n, j] + 1\n  return z\n}`),
  sums: tower(45, (f) => `{\n  z[n, j] = sum[i] (${f}[n, i] * x[n, j])\n  return z\n}`), folds: tower(60, (f) => `= fold t in 0..2 with h = x { ${f} + h }`),
  loops: `model M {\n  input x: f32[N, 4]\n  h = x\n  ${wrap(100, "for k in 0..1 {\n", "\n}", "h = sin(h)")}\n  output p = h\n}`,
};

/** Compiles them one after the other: a line each, with the codes of what was reported. */
export function answers(): readonly string[] {
  return Object.entries(programs).map(([name, text]) => {
    const { diagnostics, programs: made } = compile({ path: "deep.dl", text });
    const codes = new Set(diagnostics.filter((d) => d.severity === "error").map((d) => `${d.code}${d.span ? "" : " nowhere"}`));
    return `${name}: ${[...codes].join(" ") || `${made.length} program`}`;
  });
}

/** What they are to be answered with. */
export const expectedAnswers: readonly string[] = [
  "parentheses: 1 program", "calls: 1 program", "library calls: 1 program", "products: 1 program", "too deep: E0006", "functions: 1 program", "blocks: 1 program",
  "too many functions: E0110", "deep bodies: E0110", "cases: 1 program", "equations: 1 program", "sums: 1 program", "folds: 1 program", "loops: 1 program",
];
