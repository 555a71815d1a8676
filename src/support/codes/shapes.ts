/** E02xx: shapes, sizes and types. */
import type { ErrorCode } from "./error-code.ts";

/** In order of their codes. */
export const shapeCodes: readonly ErrorCode[] = [
  {
    code: "E0201",
    title: "shapes that do not go together",
    text: "Elementwise operations need equal shapes; an axis of size 1 or a missing leading axis is stretched. Two different named dimensions are never taken for equal, and [N, 1] with [N] is an error rather than [N, N]. Both sides are shown with where their sizes come from.",
    wrong: "model M {\n  input a: f32[N, 3]\n  input b: f32[N, 4]\n  output p = a + b\n}",
    right: "model M {\n  input a: f32[N, 3]\n  input b: f32[N, 3]\n  output p = a + b\n}",
  },
  {
    code: "E0202",
    title: "a shape that does not fit what is declared",
    text: "A parameter of a function or layer, a state or a distribution has a declared shape, and the value has another.",
    wrong: "fn first(x: f32[n, 3]) = x[:, 0]\nmodel M {\n  input a: f32[N, 4]\n  output p = first(a)\n}",
    right: "fn first(x: f32[n, 3]) = x[:, 0]\nmodel M {\n  input a: f32[N, 3]\n  output p = first(a)\n}",
  },
  {
    code: "E0203",
    title: "matrices that cannot be multiplied",
    text: "`a @ b` joins the last axis of a with the second-to-last axis of b (the only one, if b is a vector); the two must have one size.",
    wrong: "model M {\n  input a: f32[N, 3]\n  param W: f32[4, 2] ~ zeros\n  output p = a @ W\n}",
    right: "model M {\n  input a: f32[N, 3]\n  param W: f32[3, 2] ~ zeros\n  output p = a @ W\n}",
  },
  {
    code: "E0204",
    title: "the number of indices does not fit",
    text: "In index notation a tensor is indexed in full, one index per axis. A slice may leave trailing axes out, never have more than there are. `argmax` and `argmin` have exactly one index, since they yield its value.",
  },
  {
    code: "E0205",
    title: "an index that leaves its axis",
    text: "Every access is proven to lie inside its tensor before anything runs. Here it does not: the message shows what the index runs over and what the axis has. A smaller range (`j in 0..W-1`) or a guard (`where j > 0`) mends it.",
    wrong: "model M {\n  input x: f32[N, 5]\n  d[n, j in 0..5] = x[n, j + 1] - x[n, j]\n  output p = d\n}",
    right: "model M {\n  input x: f32[N, 5]\n  d[n, j in 0..4] = x[n, j + 1] - x[n, j]\n  output p = d\n}",
  },
  {
    code: "E0206",
    title: "an index without a range",
    text: "An index takes its range from an axis that it indexes alone, or from where it is bound (`u in 0..3`). Comparisons and arithmetic outside brackets never fix a range.",
  },
  {
    code: "E0207",
    title: "an index over axes of different sizes",
    text: "All axes that an index runs over alone must have one size. Both are shown; give the index a range, or use two indices.",
    wrong: "model M {\n  input a: f32[N, 3]\n  input b: f32[N, 4]\n  d[n] = sum[i] a[n, i] * b[n, i]\n  output p = d\n}",
    right: "model M {\n  input a: f32[N, 3]\n  input b: f32[N, 3]\n  d[n] = sum[i] a[n, i] * b[n, i]\n  output p = d\n}",
  },
  {
    code: "E0208",
    title: "a value of another type is needed",
    text: "Conditions are bool, indices are whole numbers (i32), parameters are f32. Numbers do not become conditions by themselves: compare them.",
  },
  {
    code: "E0209",
    title: "not known before anything runs",
    text: "Sizes, axes, bounds of `for` and conditions of `require` decide what is compiled, so they may depend on hyperparameters and sizes and not on data.",
  },
  {
    code: "E0210",
    title: "a tensor where index notation needs one number",
    text: "Inside an equation or the body of a reduction every value is one number: index tensors in full, and index what whole-tensor functions return, as in `softmax(s)[n, k]`.",
  },
  {
    code: "E0211",
    title: "a requirement that does not hold",
    text: "The library or your own code says `require`, and the sizes at hand do not meet it. The message is the requirement's own.",
    wrong: 'layer halves(x: f32[N, c]) {\n  require c % 2 == 0, "an even number of channels"\n  return x * 2\n}\nmodel M {\n  input x: f32[N, 3]\n  output p = halves(x)\n}',
  },
  {
    code: "E0212",
    title: "no such axis",
    text: "Axes are numbered from 0. The message says how many there are.",
  },
  {
    code: "E0213",
    title: "a type that is missing or open",
    text: "A state of a model or layer needs a full type, and `...` stands for axes only where a parameter's type has bound it.",
  },
  {
    code: "E0214",
    title: "a carried value that changes its type",
    text: "`fold` and `scan` run one body for all turns, so what a turn hands on must have the type that it received.",
  },
  {
    code: "E0215",
    title: "nothing to reduce",
    text: "A maximum, minimum, argmax or logsumexp over an empty range has no value, and a range that runs backwards is most often a slip. Sums and products over nothing are 0 and 1.",
  },
  {
    code: "E0216",
    title: "data that may index outside an axis",
    text: "An input whose values pick rows or classes declares which values it takes, as in `target y: i32[N] in 0..10`, and they must lie inside the axis. Data is checked against the declaration, so no access ever leaves a tensor.",
  },
  {
    code: "E0217",
    title: "a computed index that may be any number",
    text: "Every index is proven to lie inside its axis before anything runs. This one is computed, and nothing bounds it. Remainders, minima and maxima, positions found by `argmax`, conditions (`where k[n] >= 0 and k[n] < 3`, the arms of `cases`) and the declared ranges of inputs are understood.",
    wrong: "model M {\n  input x: f32[N, 3]\n  output p[n] = x[n, i32(x[n, 0])]\n}",
    right: "model M {\n  input x: f32[N, 3]\n  output p[n] = x[n, max(0, min(i32(x[n, 0]), 2))]\n}",
  },
  {
    code: "E0218",
    title: "arithmetic that u32 does not have",
    text: "u32 holds whole numbers from 0 up. It goes with other u32 and with numbers written in the program, in `+`, `*`, `//`, `%`, `max` and comparisons. What may lead below 0, or mixes it with signed numbers, needs a conversion that says what is meant: `i32(…)` or `f32(…)`.",
    wrong: "model M {\n  input x: f32[N]\n  output p = u32(x) - 1\n}",
    right: "model M {\n  input x: f32[N]\n  output p = i32(x) - 1\n}",
  },
];
