/** Printing: parsing gives back what was printed, printing twice changes nothing, comments stay. */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { Diagnostics } from "../../src/support/diagnostic.ts";
import { renderReport } from "../../src/support/report.ts";
import type { File } from "../../src/syntax/ast.ts";
import { parse } from "../../src/syntax/parse.ts";
import { format, printAst } from "../../src/syntax/print-ast.ts";
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

    model M {
      # opening
      a = cases {
        x            if p
        (x + 1) * 2  otherwise
      }
      # before b

      # inside
      b = f(a, 2)  # beside
      for k in 0..n-1 {
        h = f(h)
      }
      # last
    }

    train M {
      lr   = 1
      data = csv("d.csv") { x = columns(0..4) }
      step s {
        over = M
      }
    }
    # end
    "
  `);
  expect(formatted(once)).toBe(once);
  expect(shape(read(once))).toEqual(shape(read(text)));
});
