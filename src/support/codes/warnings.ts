/** W0xxx: what is legal and probably not meant. A comment `# nabla: allow W0202` on the line lets one pass. */
import type { ErrorCode } from "./error-code.ts";

/** In order of their codes. */
export const warningCodes: readonly ErrorCode[] = [
  {
    code: "W0001",
    title: "two letters that look alike",
    text: "Some Greek letters have two forms (ε and ϵ, φ and ϕ, θ and ϑ), and some Cyrillic and Greek letters look like Latin ones. A file that uses both has names that nobody can tell apart.",
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
    code: "W0102",
    title: "a name that hides another",
    text: "The name means something else further out, and a reader may take the one for the other: a declaration with a name of the library, a binding with that of a declaration of the file, an index with that of a value or of an index around. Sizes, parameters of functions and what `for` carries from turn to turn are left alone, and so are names that start with `_`.",
    wrong: "fn relu(x) = max(x, 0.1 * x)\nmodel M {\n  input x: f32[N, 2]\n  output p = relu(x)\n}",
    right: "fn leaky(x) = max(x, 0.1 * x)\nmodel M {\n  input x: f32[N, 2]\n  output p = leaky(x)\n}",
    see: ["E0102"],
  },
  {
    code: "W0103",
    title: "a case that is never reached",
    text: "The first case whose condition holds is taken. A condition that stands above already, that a wider one above includes, or that is false whatever the data and the settings, never decides. Conditions on hyperparameters, sizes and `training` are left alone.",
    wrong: "model M {\n  input x: f32[N]\n  output p = cases {\n    x      if x > 0\n    2 * x  if x > 1\n    0      otherwise\n  }\n}",
    right: "model M {\n  input x: f32[N]\n  output p = cases {\n    2 * x  if x > 1\n    x      if x > 0\n    0      otherwise\n  }\n}",
    see: ["E0013"],
  },
  {
    code: "W0104",
    title: "a comment that allows nothing",
    text: "`# nabla: allow W0202` lets warnings of that code pass on its line, or on the next line when it stands alone. Where there is no such warning (any more) the comment would hide the next one. Errors cannot be allowed.",
    wrong: "fn f(x) = x + 1 # nabla: allow W0202",
    right: "fn f(x) = x + 1",
  },
  {
    code: "W0201",
    title: "a division of whole numbers that may be the other one",
    text: "`i / n` is a real number and `i // n` a whole one. A real quotient that is compared for equality or has its remainder taken, a whole quotient that is always 0, and a count divided to a whole number are most often slips.",
    wrong: "model M {\n  input x: f32[N, 8]\n  p[n, j in 0..4] = sum[i in 0..8 where i / 2 == j] x[n, i]\n  output p\n}",
    right: "model M {\n  input x: f32[N, 8]\n  p[n, j in 0..4] = sum[i in 0..8 where i // 2 == j] x[n, i]\n  output p\n}",
  },
  {
    code: "W0202",
    title: "a formula that is not finite, or has no finite gradient, where its argument reaches a limit",
    text: "Logarithms of softmax, sigmoid and sums of exponentials are rewritten into forms that stay finite. For this formula there is none: its argument reaches 0 (a rectifier, a square, a sum or a product of exponentials, which f32 rounds to 0), or both sides of a quotient overflow. Only what the formula itself says counts; of data and parameters nothing is assumed, and what `where`, `cases` or a guard protects is left alone.",
    wrong: "model M {\n  input x: f32[N, 4]\n  output p = x / norm(x)\n}",
    right: "model M {\n  input x: f32[N, 4]\n  output p = x / (norm(x) + 1e-6)\n}",
    see: ["E0606"],
  },
  {
    code: "W0301",
    title: "a parameter without gradient",
    text: "The loss depends on the parameter, but only through steps, comparisons, choices of an index or `stop_gradient`, where the derivative is zero: it keeps its initial value. That may be meant, for features that are trained elsewhere; most often a smooth function was.",
    wrong: "model M {\n  input x: f32[N, 3]\n  target y: f32[N]\n  param w: f32[3] ~ zeros\n  p = dense(stop_gradient(x * w), 1)\n  loss = mse(p[:, 0], y)\n}",
    right: "model M {\n  input x: f32[N, 3]\n  target y: f32[N]\n  param w: f32[3] ~ zeros\n  p = dense(x * w, 1)\n  loss = mse(p[:, 0], y)\n}",
    see: ["E0302"],
  },
  {
    code: "W0302",
    title: "probabilities where logits are expected",
    text: "A parameter called `logits` takes values before the softmax or sigmoid, which its function takes itself. Given probabilities, it squeezes them once more: training is slow, and the optimum another one.",
    wrong: "model M {\n  input x: f32[N, 4]\n  target y: i32[N] in 0..3\n  p = softmax(dense(x, 3))\n  loss = cross_entropy(p, y)\n}",
    right: "model M {\n  input x: f32[N, 4]\n  target y: i32[N] in 0..3\n  z = dense(x, 3)\n  output p = softmax(z)\n  loss = cross_entropy(z, y)\n}",
  },
  {
    code: "W0303",
    title: "two linear layers with nothing between them",
    text: "(x A + a) B + b is one linear layer of x: the first adds parameters and no ability. Most often an activation was forgotten. Where the width between is less than what goes in and what comes out, the product has a low rank, which may be what is meant, and nothing is said.",
    wrong: "model M {\n  input x: f32[N, 8]\n  h = dense(x, 32)\n  output p = dense(h, 3)\n}",
    right: "model M {\n  input x: f32[N, 8]\n  h = relu(dense(x, 32))\n  output p = dense(h, 3)\n}",
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
