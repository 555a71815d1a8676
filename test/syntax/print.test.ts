/** Printing: parsing gives back what was printed, printing twice changes nothing, comments stay. */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { Diagnostics } from "../../src/support/diagnostic.ts";
import { renderReport } from "../../src/support/report.ts";
import type { File } from "../../src/syntax/ast.ts";
import { parse } from "../../src/syntax/parse.ts";
import { format, lineWidth, printAst } from "../../src/syntax/print-ast.ts";
import { expressions, files } from "./arbitrary-ast.ts";

/** A tree without places. */
const shape = (node: unknown): unknown => JSON.parse(JSON.stringify(node, (key, value) => (key === "span" || key === "opSpan" ? undefined : value)));

function read(text: string): File {
  const diagnostics = new Diagnostics();
  const file = parse({ path: "t.dl", text }, diagnostics);
  expect(renderReport(diagnostics.list), text).toBe("");
  return file;
}

function formatted(text: string): string {
  const diagnostics = new Diagnostics();
  const out = format({ path: "t.dl", text }, diagnostics);
  expect(renderReport(diagnostics.list)).toBe("");
  return out ?? "";
}

test("expressions come back", () => {
  fc.assert(fc.property(expressions, (value) => {
    const span = value.span;
    const file: File = { kind: "file", span, declarations: [{ kind: "const", span, name: { name: "c", span }, value }] };
    expect(shape(read(printAst(file)))).toEqual(shape(file));
  }), { numRuns: 600 });
});

test("files come back, and print the same again", () => {
  fc.assert(fc.property(files, (file) => {
    const text = printAst(file);
    expect(shape(read(text))).toEqual(shape(file));
    expect(formatted(text)).toBe(text);
  }), { numRuns: 150 });
});

test("any text is read without a crash, and what parses keeps its meaning", () => {
  const piece = fc.constantFrom("model", "M", "fn", "f", "(", ")", "[", "]", "{", "}", "=", "<-", "+", "-", "sum", "in", "..", ",", "x", "1", "\n", "cases", "if", "otherwise", "loss", "~", "param", ":", '"s"', "#c\n", "##d\n", "not", "^", "train", "step", ".", "where", "\u202e", "²");
  fc.assert(fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
    const diagnostics = new Diagnostics();
    const source = { path: "t.dl", text: pieces.join(" ") };
    const file = parse(source, diagnostics);
    expect(file.incomplete === true).toBe(diagnostics.hasErrors);
    expect(renderReport(diagnostics.list)).not.toContain("NaN");
    if (!file.incomplete) expect(shape(read(format(source, diagnostics) ?? ""))).toEqual(shape(file));
  }), { numRuns: 1000 });
});

test("a sum in the middle of a product has its parentheses where a note puts them", () => {
  for (const e of ["exp(-(sum[i] x[i]^2) / s^2)", "(sum[i] x[i]) / n", "-(sum[i] x[i]) * a * sum[i] x[i]", "-sum[i] x[i] * y[i]", "a - (sum[i] x[i]) / n"])
    expect(formatted(`const c = ${e}\n`)).toBe(`const c = ${e}\n`);
});

test("the canonical form, with comments where they were", () => {
  const text = `# a file
use "a.dl"
const n=3 # three


## Doc of f,
## two lines.
fn f( x:f32[N,2] , y=1 )=
  sum[ i in 0 .. 2 ]( x [ 0,i ]*y )
model M{ # opening
  a=cases{x if p
          (x+1)*2 otherwise}
  # before b

  b=f(a, # inside
      2) # beside
  for k in 0..n-1{h=f(h)}
  # last
}
train M{lr=1,data=csv("d.csv"){x=columns(0..4)}
step s{over=M}}
# end`;
  const once = formatted(text);
  expect(once).toMatchInlineSnapshot(`
    "# a file
    use "a.dl"

    const n = 3  # three

    ## Doc of f,
    ## two lines.
    fn f(x: f32[N, 2], y = 1) = sum[i in 0..2] x[0, i] * y

    model M {  # opening
      a = cases {
        x            if p
        (x + 1) * 2  otherwise
      }
      # before b

      b = f(
        a,  # inside
        2,
      )  # beside
      for k in 0..n-1 {
        h = f(h)
      }
      # last
    }

    train M {
      lr   = 1
      data = csv("d.csv") { x = columns(0..4) }
      step s { over = M }
    }
    # end
    "
  `);
  expect(formatted(once)).toBe(once);
  expect(shape(read(once))).toEqual(shape(read(text)));
});

test("the author's spelling stays", () => {
  const text = "fn f(x, µ_1) = ∑[i] x[i]·µ_1 + x ⊙ π\nlayer g(x) {\n  s ← s * 2\n  p = s ≠ 1 or s ≤ 2 and s >= 3\n  return ∇(s, x)\n}\n";
  expect(formatted(text)).toBe("fn f(x, μ_1) = ∑[i] x[i] · μ_1 + x ⊙ π\n\nlayer g(x) {\n  s ← s * 2\n  p = s ≠ 1 or s ≤ 2 and s >= 3\n  return ∇(s, x)\n}\n");
});

test("a name has one form, however its letters are composed", () => {
  expect(formatted("const e\u0301te\u0301 = 1\n")).toBe("const \u00e9t\u00e9 = 1\n");
});

test("a file keeps its kind of line ends; a byte order mark goes", () => {
  expect(formatted("const a=1\r\n# c\r\nconst b=2")).toBe("const a = 1\r\n# c\r\nconst b = 2\r\n");
  expect(formatted("\ufeffconst a=1\n")).toBe("const a = 1\n");
  expect(formatted("")).toBe("");
  expect(formatted("# alone")).toBe("# alone\n");
});

test("long things break where the language lets them", () => {
  expect(formatted(`const row = [${Array.from({ length: 30 }, (_, k) => k + 100).join(", ")}]
fn f(first_argument: f32[N, d], second_argument: f32[N, d], third = 1.0, the_fourth_argument = 2.0) = first_argument * third
fn g(x) = x with gradient(dy) { x = dy * (1 + x)^2 * exp(-x) + dy * (1 + x)^2 * exp(-x) + dy, y = dy }
model M {
  S[n, f, i, j] = sum[c in 0..channels, u in 0..height, v in 0..width where i + u < H and j + v < W and c != f] I[n, c, i + u, j + v] * K[f, c, u, v]
  z = any[i] x[i] > 0
  h = dropout(relu(dense(x, hidden, activation = cases { relu if training; tanh otherwise })), rate = 0.5, something_else = 12345678)
  loss = cross_entropy(a_long_name_of_logits, target_labels) + decay * l2(weights) + another_term(weights) + final_term
  return some_long_expression_one + some_long_expression_two, some_long_expression_three + some_long_expression_four
}
train M {
  data = table { x = [[0, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0], [0, 0, 1, 1], [0, 1, 0, 0], [0, 1, 0, 1], [0, 1, 1, 0]], y = [[0], [1]] }
  optimizer = adam(lr = linear_decay(3e-3, 3e-5, steps = 600), ρ1 = 0.9, ρ2 = 0.999, δ = 1e-8, more = 1)
}
`)).toMatchInlineSnapshot(`
  "const row = [
    100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112, 113, 114, 115, 116, 117, 118, 119, 120, 121, 122,
    123, 124, 125, 126, 127, 128, 129,
  ]

  fn f(first_argument: f32[N, d], second_argument: f32[N, d], third = 1.0, the_fourth_argument = 2.0) =
    first_argument * third

  fn g(x) = x with gradient(dy) { x = dy * (1 + x)^2 * exp(-x) + dy * (1 + x)^2 * exp(-x) + dy, y = dy }

  model M {
    S[n, f, i, j] =
      sum[
        c in 0..channels,
        u in 0..height,
        v in 0..width
        where i + u < H and j + v < W and c != f
      ] I[n, c, i + u, j + v] * K[f, c, u, v]
    z = (any[i] x[i]) > 0
    h = dropout(
      relu(dense(x, hidden, activation = cases {
        relu  if training
        tanh  otherwise
      })), rate = 0.5, something_else = 12345678
    )
    loss = cross_entropy(a_long_name_of_logits, target_labels) + decay * l2(weights) + another_term(weights) + final_term
    return some_long_expression_one + some_long_expression_two, some_long_expression_three + some_long_expression_four
  }

  train M {
    data      = table {
      x = [[0, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0], [0, 0, 1, 1], [0, 1, 0, 0], [0, 1, 0, 1], [0, 1, 1, 0]]
      y = [[0], [1]]
    }
    optimizer = adam(lr = linear_decay(3e-3, 3e-5, steps = 600), ρ1 = 0.9, ρ2 = 0.999, δ = 1e-8, more = 1)
  }
  "
`);
});

test("long files are laid out in seconds", () => {
  const long = (text: string): void => {
    const once = formatted(text);
    expect(once.split("\n").length).toBeGreaterThan(5000);
    expect(Math.max(...once.split("\n").map((l) => l.length))).toBeLessThanOrEqual(lineWidth);
  };
  long(`fn f(x) = ${Array.from({ length: 100_000 }, (_, k) => `x${k}`).join(" + ")}`);
  long(`const a = [${Array.from({ length: 20_000 }, (_, k) => `[${k}, 1, 2]`).join(", ")}]`);
});
