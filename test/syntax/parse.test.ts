/** Text to AST: precedence, every form of the language, broken text, long and hostile text. */
import { describe, expect, test } from "vitest";
import { Diagnostics } from "../../src/support/diagnostic.ts";
import { renderReport } from "../../src/support/report.ts";
import type { Expr } from "../../src/syntax/ast.ts";
import { parse } from "../../src/syntax/parse.ts";

function read(text: string): { readonly file: ReturnType<typeof parse>; readonly report: string; readonly codes: readonly string[] } {
  const diagnostics = new Diagnostics();
  const file = parse({ path: "t.dl", text }, diagnostics);
  return { file, report: renderReport(diagnostics.list), codes: diagnostics.list.map((d) => d.code) };
}

/** The tree of `const a = text`, as nested parentheses. */
function tree(text: string): string {
  const { file, report } = read(`const a = ${text}`);
  expect(report).toBe("");
  const [d] = file.declarations;
  return d?.kind === "const" ? show(d.value) : "none";
}

function show(e: Expr): string {
  switch (e.kind) {
    case "number": return e.text;
    case "name": return e.name;
    case "unary": return `(${e.op} ${show(e.operand)})`;
    case "chain": return `(${show(e.first)}${e.rest.map((r) => ` ${r.op} ${show(r.value)}`).join("")})`;
    case "reduction": return `(${e.op}[${e.binders.map((b) => b.name.name).join(",")}] ${show(e.body)})`;
    case "call": return `${show(e.callee)}(${e.args.length})`;
    case "index": return `${show(e.target)}[${e.items.length}]`;
    case "field": return `${show(e.target)}.${e.name.name}`;
    default: return e.kind;
  }
}

describe("precedence", () => {
  test.each([
    ["a + b * c - d", "(a + (b * c) - d)"], ["a - b - c", "(a - b - c)"], ["(a - b) - c", "((a - b) - c)"], ["a / b * c", "(a / b * c)"],
    ["-x^2", "(- (x ^ 2))"], ["2^-x", "(2 ^ (- x))"], ["a^b^c", "(a ^ (b ^ c))"], ["-a * b", "((- a) * b)"], ["a - -b", "(a - (- b))"],
    ["not a == b and c or d", "(((not (a == b)) and c) or d)"], ["a < b + 1", "(a < (b + 1))"],
    ["sum[i] x * y + z", "((sum[i] (x * y)) + z)"], ["a * sum[i] b * c", "(a * (sum[i] (b * c)))"], ["-sum[i] x * y", "(- (sum[i] (x * y)))"],
    ["sum[i] -x", "(sum[i] (- x))"], ["sum[i] a * max[j] b - 1", "((sum[i] (a * (max[j] b))) - 1)"], ["sum[i] x == y", "((sum[i] x) == y)"],
    ["max(a, b)[0].c", "max(2)[1].c"], ["x·W ⊙ y", "(x * W * y)"], ["π * ∇(f, x)", "(pi * grad(2))"], ["∑[i] x", "(sum[i] x)"],
  ])("%s", (text, expected) => {
    expect(tree(text)).toBe(expected);
  });
});

test("names are normalised, docs belong to what stands below", () => {
  const { file } = read("# no\n\n## first\n## second\nconst \u00b5 = 1\n\n## far\n\nconst b = 2");
  expect(file.declarations.map((d) => (d.kind === "const" ? [d.name.name, d.doc] : []))).toEqual([["\u03bc", "first\nsecond"], ["b", undefined]]);
});

test("the span of an expression is its text, parentheses included", () => {
  const text = "const a = (b + c) * f(d)[0]";
  const [d] = read(text).file.declarations;
  const spans: string[] = [];
  if (d?.kind === "const" && d.value.kind === "chain") for (const e of [d.value, d.value.first, d.value.rest[0]?.value ?? d.value]) spans.push(text.slice(e.span.start, e.span.end));
  expect(spans).toEqual(["(b + c) * f(d)[0]", "(b + c)", "f(d)[0]"]);
});

describe("what bad text gets", () => {
  test("several independent errors in one run, each on its line", () => {
    expect(read("model M {\n  h = relu(a, +, b)\n  k = 2 $ 3\n  ok = 1\n  let c = 3\n}\nfn f(x) = x < 1 < 2\n").report).toMatchInlineSnapshot(`
      "t.dl:2:15 - error E0001: expected an expression after \`,\`, found \`+\`

        2 |   h = relu(a, +, b)
          |               ^ expected an expression

      t.dl:3:9 - error E0002: unexpected character \`$\`

        3 |   k = 2 $ 3
          |         ^ has no meaning here

      t.dl:5:7 - error E0001: expected the end of the statement after \`let\`, found \`c\`

        5 |   let c = 3
          |       ^ expected the end of the statement
        help: a name is bound by \`name = …\` alone

      t.dl:7:17 - error E0009: comparisons do not chain

        7 | fn f(x) = x < 1 < 2
          |                 ^ a second comparison
        help: write \`a < b and b < c\`

      4 errors
      "
    `);
  });

  test.each([
    ["model M {\n a = b<-1\n b = 1 }", "E0001", "write `a < -1`"], ["model M {\n a = b\n  + c\n}", "E0001", "move the `+` to its end"],
    ["model M {\n a = b\n  - c\n}", "E0011", "move the `-` to its end"], ["model M { a = (b = c) }", "E0001", "to compare write `==`"],
    ["model M { if a { } }", "E0001", "cases"], ["model M { f(x) = 1 }", "E0008", "fn f(…)"], ["model M { z[0] = 1 }", "E0008", "z[i in 0..n]"],
    ["model M { max = 1 }", "E0008", "choose another name"], ["model M { param in: f32 ~ 0 }", "E0001", "reserved"],
    ["model M { a, b = 1, 2, 3 }", "E0016", "2 names on the left"], ["model M { h = fold t in 0..3 with h = 0 { k = h } }", "E0016", "1 expression"],
    ["fn f(x) = cases { x if x > 0 }", "E0013", "otherwise"], ["fn f(x) = cases { x otherwise; 1 if x }", "E0013", "never reached"],
    ["const a = b == not c", "E0010", "parentheses"], ["const a = (1", "E0005", "never closed"], ["y = 1", "E0015", "model Name"],
    ["fn f(x) = x with gradiant(d) { x = d }", "E0001", "`gradient`"], ["const a = x\u00b2", "E0012", "x^2"], ["const a = f(\u202e)", "E0007", "delete it"],
    [`const a = ${"(".repeat(200)}`, "E0005", "never closed"], [`const a = ${"-".repeat(200)}1`, "E0006", "128"], ["const", "E0001", "expected a name"],
  ])("%s", (text, code, part) => {
    const { codes, report } = read(text);
    expect(codes).toEqual([code]);
    expect(report).toContain(part);
  });

  test("a broken statement still binds its name", () => {
    const { file } = read("model M {\n  h = f(\n  a, b = 1 +)\n  param W: f32[ ~ zeros\n  k = h\n}\n");
    const [m] = file.declarations;
    const names = m?.kind === "model" ? m.body.statements.flatMap((s) => (s.kind === "bind" ? s.targets.map((t) => t.name.name) : [])) : [];
    expect(names).toContain("k");
    expect(names).toContain("h");
    expect(file.incomplete).toBe(true);
  });

  test("both look-alike letters are a warning and no error", () => {
    expect(read("const ε = 1\nconst ϵ = 2").codes).toEqual(["W0001"]);
  });
});

describe("long and hostile text", () => {
  const body = (text: string): string => `model M {\na = ${text}\n}`;

  test("a sum of 100,000 terms is one chain", () => {
    const { file, report } = read(body(`${"x + ".repeat(99_999)}x`));
    expect(report).toBe("");
    const [m] = file.declarations;
    const [s] = m?.kind === "model" ? m.body.statements : [];
    expect(s?.kind === "bind" && s.values[0]?.kind === "chain" ? s.values[0].rest.length : 0).toBe(99_999);
  });

  test.each([
    ["parentheses", "(", "x", ")"], ["calls", "f(", "x", ")"], ["indices", "f[", "x", "]"], ["arrays", "[", "x", "]"], ["cases", "cases { 1 if ", "x", "; 0 otherwise }"],
    ["reductions", "sum[i] ", "x", ""], ["signs", "-", "x", ""], ["powers", "x^", "x", ""],
  ])("a hundred %s nest", (_name, open, middle, close) => {
    expect(read(body(open.repeat(100) + middle + close.repeat(100))).report).toBe("");
  });

  test("a hundred blocks nest", () => {
    expect(read(body(`1\n${"for k in 0..2 {".repeat(100)} h = k ${"}".repeat(100)}`)).report).toBe("");
  });

  test.each([
    ["a name of 10 MB", body("x".repeat(10_000_000)), []],
    ["a line of 10 MB", body(`${"x".repeat(300)} + `.repeat(33_000) + "x"), []],
    ["a string without end", body(`"${"x".repeat(1_000_000)}`), ["E0003"]],
    ["opened parentheses", body("(".repeat(300_000)), ["E0005"]],
    ["closed parentheses", body(")".repeat(100_000)), ["E0005"]],
    ["postfix forms in a row", body(`x${"[0].a()".repeat(50_000)}`), ["E0006"]],
    ["reductions with signs", body("sum[i] - ".repeat(50_000)), ["E0006"]],
    ["more than a million words", body("x ".repeat(1_100_000)), ["E0014"]],
  ])("%s", (_name, text, codes) => {
    expect(read(text).codes).toEqual(codes);
  });

  test("twenty thousand errors end in a report of five hundred at most", () => {
    expect(read(`model M {\n${"a = f(x, 2\n".repeat(20_000)}}`).codes).toHaveLength(500);
    expect(read(`model M {\n${"a = b c\n".repeat(20_000)}}`).codes.length).toBeLessThanOrEqual(500);
    expect(read("model A {\n".repeat(20_000)).codes).toHaveLength(500);
  });
});

describe("recovery inside unclosed braces", () => {
  test.each(["model L {\n param w: {\n x = 1\n}\n", "model L {\n a = 1\n fold k in 0..T with a = 0 { a + w {\n", "train M { data = csv( { x = 1 \n"])("ends: %j", (text) => {
    const diagnostics = new Diagnostics();
    parse({ path: "test.dl", text }, diagnostics);
    expect(diagnostics.hasErrors).toBe(true);
  });
});
