/**
 * Twenty mistakes that somebody could make, each in one place: a gradient rule, the order of a reduction, a rewrite, a kernel. The
 * tests of those rooms must find every one; `run.ts` tries it.
 */

/** One text of one file, and what a mistake would make of it. */
export interface Fault {
  readonly what: string;
  readonly file: string;
  readonly right: string;
  readonly wrong: string;
}

/** The faults. */
export const faults: readonly Fault[] = [
  { what: "the gradient of σ loses its factor σ", file: "src/ops/unary.ts", right: "e.mul(out, e.sub(e.like(out, 1), out))", wrong: "e.sub(e.like(out, 1), out)" },
  { what: "the gradient of cos has the wrong sign", file: "src/ops/unary.ts", right: "e.neg(e.mul(g, e.sin(x)))", wrong: "e.mul(g, e.sin(x))" },
  { what: "the gradient of erf loses 2/√π", file: "src/ops/unary.ts", right: "e.like(x, 2 / Math.sqrt(Math.PI))", wrong: "e.like(x, 1)" },
  { what: "the gradient of a quotient by its divisor has the wrong sign", file: "src/ops/binary.ts", right: "e.neg(e.mul(e.div(h, y), node))", wrong: "e.mul(e.div(h, y), node)" },
  { what: "both sides of a tie get the whole gradient", file: "src/ops/binary.ts", right: "const half = e.mul(g, e.like(g, 0.5));", wrong: "const half = g;" },
  { what: "the gradient of a power has the new exponent in front", file: "src/ops/binary.ts", right: "e.mul(e.like(x, n), power)", wrong: "e.mul(e.like(x, n - 1), power)" },
  { what: "the gradient of a product over an axis forgets the other factors", file: "src/ops/reduce.ts", right: "e.mul(spread(e, g, node), others(e, node))", wrong: "spread(e, g, node)" },
  { what: "masked-out elements get a gradient", file: "src/ops/reduce.ts", right: "e.select(mask, toX, e.like(toX, 0))", wrong: "toX" },
  { what: "the other branch of a choice gets the gradient of the first", file: "src/ops/choice.ts", right: "e.select(condition, none, g)", wrong: "e.select(condition, g, none)" },
  { what: "a row that is read gives its gradient to later rows too", file: "src/ops/by-data.ts", right: "e.compare(\"==\", e.broadcast(e.iota(rows)", wrong: "e.compare(\">=\", e.broadcast(e.iota(rows)" },
  { what: "the adjoint of a view forgets the view's own guards", file: "src/ops/view-adjoint.ts", right: "for (const guard of map.guards) {", wrong: "for (const guard of map.guards.slice(1)) {" },
  { what: "a value used twice keeps the last adjoint alone", file: "src/grad/accumulate.ts", right: "adjoints.set(to, sofar ? d.e.add(sofar, adjoint) : adjoint);", wrong: "adjoints.set(to, adjoint);" },
  { what: "the gradient of a loop runs forwards", file: "src/grad/loop.ts", right: "reverse: !loop.attrs.reverse,", wrong: "reverse: loop.attrs.reverse," },
  { what: "like terms are subtracted where they add", file: "src/simplify/rules/arithmetic.ts", right: "const coefficient = a.coefficient + b.coefficient;", wrong: "const coefficient = a.coefficient - b.coefficient;" },
  { what: "like terms that stand apart lose the sign of the second", file: "src/simplify/terms.ts", right: "const by = found.by + added.by;", wrong: "const by = found.by + Math.abs(added.by);" },
  { what: "dividing twice by constants adds them", file: "src/simplify/rules/arithmetic.ts", right: "return e.div(a, e.like(n, c * d));", wrong: "return e.div(a, e.like(n, c + d));" },
  { what: "a softmax is of its maximum alone", file: "src/simplify/rules/softmax.ts", right: "const exp = e.exp(e.sub(x, spread(e, max, x.type.shape, axes)));", wrong: "const exp = e.exp(spread(e, max, x.type.shape, axes));" },
  { what: "a long sum cut in parts leaves the mask of the rest out", file: "src/schedule/split-reduce.ts", right: "needsMask ? e.view(open, map) : undefined", wrong: "undefined" },
  { what: "a long sum cut in parts reads each element beside its place", file: "src/schedule/split-reduce.ts", right: "device === \"gpu\" ? [rows, 1] : [1, count]", wrong: "device === \"gpu\" ? [rows, 1] : [1, count - 1]" },
  { what: "a kernel folds products by adding", file: "kernels/accumulators.ts", right: "{ sum: \"add\", prod: \"mul\",", wrong: "{ sum: \"add\", prod: \"add\"," },
];
