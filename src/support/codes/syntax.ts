/** E00xx: text that is not a program. */
import type { ErrorCode } from "./error-code.ts";

/** In order of their codes. */
export const syntaxCodes: readonly ErrorCode[] = [
  {
    code: "E0001",
    title: "something else was expected here",
    text: "The text up to here is fine, and what follows fits no rule of the language. The message says what would fit. Reading goes on after the line or the declaration, so several such errors come in one run.",
    wrong: "fn f(x) = x +",
    right: "fn f(x) = x + 1",
  },
  {
    code: "E0002",
    title: "a character that has no meaning here",
    text: "The language uses letters, digits, operators and brackets; this character is none of them. Outside strings and comments it must go.",
    wrong: "fn f(x) = x $ 2",
    right: "fn f(x) = x * 2",
  },
  {
    code: "E0003",
    title: "a string without its end, or with an unknown escape",
    text: "Strings stand between double quotes on one line; known escapes are \\n, \\t, \\\" and \\\\.",
    wrong: "use 'layers.dl'",
    right: 'use "layers.dl"',
  },
  {
    code: "E0004",
    title: "a number that cannot be read",
    text: "A number needs a digit after its point (so that `0..2` is a range), is not followed by a letter, and must be one that f32 holds (up to about 3.4e38).",
    wrong: "fn f(x) = 2x + 1.",
    right: "fn f(x) = 2 * x + 1.0",
  },
  {
    code: "E0005",
    title: "a bracket without its partner",
    text: "Every bracket that opens must be closed by one of its kind. Both ends are shown.",
    wrong: "fn f(x) = (x + 1",
    right: "fn f(x) = (x + 1)",
  },
  {
    code: "E0006",
    title: "nested too deeply",
    text: "Brackets and prefix operators are nested more deeply than a reader could follow. Give the inner parts names on lines of their own.",
  },
  {
    code: "E0007",
    title: "an invisible or direction-changing character",
    text: "Such a character can make a line look like something that it is not, so it is refused wherever it stands. Delete it.",
  },
  {
    code: "E0008",
    title: "the left side is not a name",
    text: "`=` and `<-` give a value to a name, or to a name with its indices in brackets. To compare, write `==`.",
    wrong: "model M {\n  x + 1 = y\n}",
    right: "model M {\n  y = x + 1\n}",
  },
  {
    code: "E0009",
    title: "comparisons do not chain",
    text: "`a < b < c` would compare a truth value with c. Write both comparisons.",
    wrong: "fn inside(x) = 0 < x < 1",
    right: "fn inside(x) = 0 < x and x < 1",
  },
  {
    code: "E0010",
    title: "parentheses are needed",
    text: "An operator that binds loosely stands where a tighter one is expected; parentheses say what belongs together.",
  },
  {
    code: "E0011",
    title: "an expression that does nothing",
    text: "A statement gives a name to a value, or declares an output, a loss or a metric. A value that nothing uses is most often a forgotten `return` or `=`.",
    wrong: "layer twice(x) {\n  x * 2\n}",
    right: "layer twice(x) {\n  return x * 2\n}",
  },
  {
    code: "E0012",
    title: "spelled as in another language",
    text: "`**`, `&&`, `!`, `x²`, `x₁` or `Wᵀ` mean something elsewhere; the message says how it is written here.",
    wrong: "fn f(x) = x ** 2",
    right: "fn f(x) = x ^ 2",
  },
  {
    code: "E0013",
    title: "cases without a last `otherwise`",
    text: "A value must be known in every case, so the list of cases ends in one line with `otherwise`, and nothing follows it.",
    wrong: "fn f(x) = cases {\n  x if x > 0\n}",
    right: "fn f(x) = cases {\n  x if x > 0\n  0 otherwise\n}",
  },
  {
    code: "E0014",
    title: "the file is too large",
    text: "Reading stops after a million words and signs. Such a file was most likely generated; use `for`, or several files with `use`.",
  },
  {
    code: "E0015",
    title: "not a declaration",
    text: "A file is a list of declarations: `model`, `layer`, `fn`, `optimizer`, `schedule`, `initializer`, `train`, `const` and `use`. Statements stand inside one of them.",
    wrong: "y = x + 1",
    right: "fn f(x) = x + 1",
  },
  {
    code: "E0016",
    title: "the numbers of names and values differ",
    text: "`a, b = f(x), g(x)` needs as many values as names, or one call that returns as many.",
    wrong: "model M {\n  a, b = 1, 2, 3\n}",
    right: "model M {\n  a, b = 1, 2\n}",
  },
];

/** W0xxx: what is legal and probably not meant. */
export const warningCodes: readonly ErrorCode[] = [
  {
    code: "W0001",
    title: "two letters that look alike",
    text: "Some Greek letters have two forms (ε and ϵ, φ and ϕ, θ and ϑ). A file that uses both has two names that nobody can tell apart.",
    wrong: "fn f(ε, ϵ) = ε + ϵ",
    right: "fn f(ε, δ) = ε + δ",
  },
  {
    code: "W0101",
    title: "a name that is never used",
    text: "The value is computed for nothing, or another name was meant further down. A name that starts with `_` may stay unused.",
    wrong: "model M {\n  input x: f32[N, 2]\n  h = x + 1\n  output p = x\n}",
    right: "model M {\n  input x: f32[N, 2]\n  h = x + 1\n  output p = h\n}",
  },
  {
    code: "W0410",
    title: "a parameter that no step trains",
    text: "The train block has steps, and none of them changes this parameter: it is in no `over`, or in no loss of a step that may change it. It keeps its initial value.",
    wrong: "model M {\n  param a: f32 ~ ones\n  param b: f32 ~ ones\n  loss near = (a - 1)^2\n  loss far = (b - 2)^2\n}\ntrain M {\n  steps = 9\n  optimizer = sgd(0.1)\n  step first  { minimize = near, over = a }\n  step second { minimize = near * far, over = a }\n}",
    right: "model M {\n  param a: f32 ~ ones\n  param b: f32 ~ ones\n  loss near = (a - 1)^2\n  loss far = (b - 2)^2\n}\ntrain M {\n  steps = 9\n  optimizer = sgd(0.1)\n  step first  { minimize = near, over = a }\n  step second { minimize = far, over = b }\n}",
  },
  {
    code: "W0411",
    title: "a loss that no step minimises",
    text: "The model's losses are summed where a train block has no steps; where it has steps, each minimises what it names, and nothing names this one. A number that is only to be watched is a `metric`.",
    wrong: "model M {\n  param a: f32 ~ ones\n  param b: f32 ~ ones\n  loss near = (a - 1)^2\n  loss far = (b - 2)^2\n}\ntrain M {\n  steps = 9\n  optimizer = sgd(0.1)\n  step first  { minimize = near, over = a }\n}",
    right: "model M {\n  param a: f32 ~ ones\n  param b: f32 ~ ones\n  loss near = (a - 1)^2\n  loss far = (b - 2)^2\n}\ntrain M {\n  steps = 9\n  optimizer = sgd(0.1)\n  step first  { minimize = near, over = a }\n  step second { minimize = far, over = b }\n}",
  },
];
