/**
 * Programs far larger than people write: graphs of every entry, in time and memory linear in the graph. Sizes are counted in
 * nodes, which no machine changes; times are only a guard against what never ends.
 */
import { describe, expect, test } from "vitest";
import { compile, type CompiledProgram } from "../../src/compile.ts";
import { profiles } from "../../kernels/profiles.ts";
import { nodesOf } from "./nodes-of.ts";

const hang = 240_000;

function programOf(text: string): CompiledProgram {
  const { programs: [program], diagnostics } = compile({ path: "large.dl", text });
  if (!program) throw new Error(diagnostics.map((d) => `${d.code} ${d.message.slice(0, 200)}`).join("\n"));
  return program;
}

/** A model that trains, around the lines that make `y` of `a`. */
const training = (lines: string, before = ""): string => `${before}model M {\n  input x: f32[N, 4]\n  param w: f32[4] ~ ones\n  a = x * w\n${lines}\n  loss = mean(y)\n}\ntrain M { steps = 1, optimizer = sgd(lr = 0.1) }\n`;
const list = (n: number, one: (k: number) => string, by: string): string => Array.from({ length: n }, (_, k) => one(k)).join(by);
/** Nodes of all entries together. */
const size = (program: CompiledProgram): number => program.entries.reduce((sum, entry) => sum + nodesOf(program.graph(entry)).length, 0);

describe("a sum of 100,000 terms", () => {
  test("of one thing is that thing scaled", () => {
    expect(size(programOf(training(`  y = ${list(100_000, () => "a", " + ")}`)))).toBeLessThan(80);
  }, hang);
});

describe("size grows as the text does", () => {
  const kinds: Readonly<Record<string, readonly [number, (n: number) => string]>> = {
    "distinct products": [200, (n) => training(`  y = ${list(n, (k) => `sin(${k + 1} * a) * cos(${k + 2} * a)`, " + ")}`)],
    "factors": [300, (n) => training(`  y = ${list(n, (k) => `sin(${k + 1} * a)`, " * ")}`)],
    "dense layers in a loop": [100, (n) => training(`  h = a\n  for k in 0..${n} { h = tanh(dense(h, 4)) }\n  y = h`)],
    "rectifiers in a loop": [300, (n) => training(`  h = a\n  for k in 0..${n} { h = relu(h + k) }\n  y = h`)],
    "scales in a loop": [100, (n) => training(`  h = a\n  for k in 0..${n} { h = own(h) }\n  y = h`, "layer own(x: f32[N, d]) {\n  param s: f32[d] ~ ones as scale\n  return tanh(x * s)\n}\n")],
    "cases": [60, (n) => training(`  y = cases {\n${list(n, (k) => `    ${["sin", "exp", "1 / "][k % 3]}(${k + 2} * a) if a < ${k}`, "\n")}\n    0 otherwise\n  }`)],
    "cases, differentiated twice": [20, (n) => training(`  z = cases {\n${list(n, (k) => `    a * sin(${k + 2} * a) if a < ${k}`, "\n")}\n    a^3 otherwise\n  }\n  y = z + grad(sum(z), a)^2`)],
    "bindings": [500, (n) => training(`  y0 = a\n${list(n, (k) => `  y${k + 1} = sin(y${k}) + a`, "\n")}\n  y = y${n}`)],
    "functions": [250, (n) => training(`  y = ${list(n, (k) => `f${k}(a)`, " + ")}`, `${list(n, (k) => `fn f${k}(x) = sin(x + ${k})`, "\n")}\n`)],
    "parameters": [100, (n) => training(`${list(n, (k) => `  param w${k}: f32[4] ~ ones`, "\n")}\n  y = ${list(n, (k) => `w${k} * sin(x + ${k})`, " + ")} + a`)],
    "losses": [100, (n) => training(`${list(n, (k) => `  loss l${k} = mean(sin(${k + 1} * a))`, "\n")}\n  y = a`)],
  };
  test.each(Object.entries(kinds))("%s", (_, [n, text]) => {
    const [once, twice, thrice] = [1, 2, 3].map((times) => size(programOf(text(times * n)))) as [number, number, number];
    // Twice the text adds what the first added; a few nodes are made once.
    expect(twice - once).toBeGreaterThan(n / 2);
    expect(Math.abs(thrice - twice - (twice - once))).toBeLessThanOrEqual(0.02 * twice);
  }, hang);
});

describe("ten thousand layers", () => {
  test("elementwise, for every entry of training", () => {
    const program = programOf(training("  h = a\n  for k in 0..10000 { h = tanh(h) }\n  y = h"));
    expect(size(program)).toBeLessThan(150_000);
  }, hang);

  test("with parameters of their own, for prediction and initial values", () => {
    const program = programOf("model M {\n  input x: f32[N, 4]\n  h = x\n  for k in 0..10000 { h = tanh(dense(h, 4)) }\n  output p = h\n}");
    expect(program.model.params.length).toBe(20_000);
    expect(size(program)).toBeLessThan(300_000);
  }, hang);

  test("become kernels in time linear in their number", () => {
    const program = programOf(training("  h = a\n  for k in 0..100 { h = tanh(dense(h, 4)) }\n  y = h"));
    const { kernels } = program.lower("step", { capacity: { N: 8 }, profile: profiles.software });
    expect(kernels.length).toBeGreaterThan(100);
  }, hang);
});

describe("a line of 10 MB", () => {
  const megabytes = 10 * 2 ** 20;
  test.each([
    ["of blanks", training(`  y = a +${" ".repeat(megabytes)}a`), ""],
    ["of a comment", training(`  y = a # ${"x".repeat(megabytes)}`), ""],
    ["of one name", training(`  ${"n".repeat(megabytes)} = a\n  y = a`), ""],
    ["of text that ends", `use "${"x".repeat(megabytes)}.dl"`, "E0130"],
    ["of words", training(`  y = ${list(megabytes / 4, () => "a", " + ")}`), "E0014"],
    ["of brackets", training(`  y = ${"(".repeat(megabytes)}`), "E0014"],
  ])("%s", (_, text, code) => {
    const { diagnostics } = compile({ path: "line.dl", text });
    const errors = diagnostics.filter((d) => d.severity === "error");
    expect(errors[0]?.code ?? "").toBe(code);
    for (const d of errors) expect(d.span).toBeDefined();
  }, hang);
});
