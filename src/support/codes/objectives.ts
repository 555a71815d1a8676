/** E03xx, roles, losses and gradients, and E04xx, train blocks. */
import type { ErrorCode } from "./error-code.ts";

/** In order of their codes. */
export const objectiveCodes: readonly ErrorCode[] = [
  {
    code: "E0301",
    title: "a loss or metric that is not one number",
    text: "Training minimises one number. Take the mean or the sum of what stands here; `mean` keeps the loss independent of the batch size.",
    wrong: "model M {\n  input x: f32[N, 2]\n  output p = dense(x, 1)\n  loss = p^2\n}",
    right: "model M {\n  input x: f32[N, 2]\n  output p = dense(x, 1)\n  loss = mean(p^2)\n}",
  },
  {
    code: "E0303",
    title: "an unknown role",
    text: "A parameter's role is weight, bias or scale. Penalties written over `weights` leave biases and scales out.",
    wrong: "model M {\n  param b: f32[3] ~ zeros as offset\n  loss = sum(b)\n}",
    right: "model M {\n  param b: f32[3] ~ zeros as bias\n  loss = sum(b)\n}",
  },
  {
    code: "E0304",
    title: "a parameter or state whose size depends on data",
    text: "The number of examples differs from batch to batch, and what is learned must not. Use the other dimensions, or a hyperparameter.",
    wrong: "model M {\n  input x: f32[N, 2]\n  param W: f32[N] ~ zeros\n  loss = sum(W)\n}",
  },
  {
    code: "E0305",
    title: "not an initialiser",
    text: "After `~` stands a distribution, a number or an initialiser of the library; it is given the parameter's shape.",
  },
  {
    code: "E0306",
    title: "no gradient of this, or by this",
    text: "A gradient is that of one number by a parameter, an input or a named value. Sum a tensor first, as in `grad(sum(score), x)`.",
  },
  {
    code: "E0307",
    title: "an update of something that is no state",
    text: "`<-` changes a `state`, or `θ` in an optimizer, at the end of the step. Other names are bound once with `=`.",
  },
  {
    code: "E0380",
    title: "no derivative",
    text: "The loss depends on a parameter through an operation that has no derivative there. `stop_gradient` says that none is wanted, `with gradient` gives one of your own.",
  },
  {
    code: "E0401",
    title: "no train block",
    text: "The file describes a model and not how to train it. Add `train Name { … }` with data, epochs and an optimizer.",
  },
  {
    code: "E0403",
    title: "not an optimizer",
    text: "`optimizer =` takes an optimizer of the library or one declared with `optimizer`, with its arguments.",
  },
];
