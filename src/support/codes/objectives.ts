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
    code: "E0302",
    title: "a parameter that the loss does not reach",
    text: "Its gradient is zero whatever the data, so it would never learn. Most often a line uses another name than was meant. What shall not learn is a `state`, or a constant.",
    wrong: "model M {\n  input x: f32[N, 2]\n  param W: f32[2] ~ zeros\n  loss = mean(x)\n}\ntrain M {\n  data = table { x = [[1, 2]] }\n  epochs = 1\n  optimizer = sgd(0.1)\n}",
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
    code: "E0310",
    title: "two draws with one stream",
    text: "Random numbers belong to the path of the draw, by a 32-bit hash of it. Two paths of this program have the same hash, so both would draw the same numbers. Rename one of them.",
  },
  {
    code: "E0320",
    title: "an entry of a gradient that fits no argument",
    text: "After `with gradient(dy)` stands one `argument = adjoint` for each argument that a derivative flows to. Labels, functions, sets and plain numbers have none. An argument without an entry has the derivative zero.",
    wrong: "fn f(x) = floor(x) with gradient(dy) { y = dy }\nmodel M { param w: f32[3] ~ ones; loss = sum(f(w)) }",
    right: "fn f(x) = floor(x) with gradient(dy) { x = dy }\nmodel M { param w: f32[3] ~ ones; loss = sum(f(w)) }",
  },
  {
    code: "E0321",
    title: "an adjoint of another shape than its argument",
    text: "The adjoint of an argument has the shape of that argument: it says, for each element, how the loss changes with it. One number counts for all elements. Where an elementwise function stretched the argument to its result, the adjoint may have the shape of the result; it is then summed over the stretched axes.",
    wrong: "fn total(x) = sum(x) with gradient(dy) { x = [1, 2] * dy }\nmodel M { param w: f32[3] ~ ones; loss = total(w) }",
    right: "fn total(x) = sum(x) with gradient(dy) { x = dy }\nmodel M { param w: f32[3] ~ ones; loss = total(w) }",
  },
  {
    code: "E0322",
    title: "a parameter that a gradient given by hand leaves out",
    text: "A gradient given by hand has entries for arguments. A parameter that the function reaches by another way, through an instance or a set, would silently never learn, so it is passed as an argument.",
    wrong: "fn penal(s) = sum(s^2) with gradient(dy) { }\nmodel M { param w: f32[3] ~ ones; loss = sum(w) + penal(weights) }",
  },
  {
    code: "E0325",
    title: "a forward derivative of a rule that is not linear",
    text: "`jvp` is made from the gradient rules by transposing them, which needs rules that are linear in what arrives. A rule that cuts or signs its adjoint, as gradient clipping does, has no forward derivative; `grad` and `hvp` take it.",
    wrong: "fn cut(x) = x with gradient(dy) { x = min(max(dy, -1), 1) }\nmodel M { param w: f32[3] ~ ones; output j = jvp(cut(w), w, w); loss = sum(w) }",
    right: "fn cut(x) = x with gradient(dy) { x = min(max(dy, -1), 1) }\nmodel M { param w: f32[3] ~ ones; output j = hvp(sum(cut(w)^2), w, w); loss = sum(w) }",
  },
  {
    code: "E0380",
    title: "no derivative",
    text: "The loss depends on a parameter through an operation that has no derivative there. `stop_gradient` says that none is wanted, `with gradient` gives one of your own.",
  },
  {
    code: "E0401",
    title: "a key that train blocks do not have",
    text: "Keys of a block are `data split batch epochs steps optimizer clip stop seed`, those of a `step` section `minimize maximize over optimizer clip times`. The message suggests one that is spelled alike.",
    wrong: "model M {\n  param x: f32 ~ zeros\n  minimize (x - 1)^2\n}\ntrain M {\n  setps = 10\n  optimizer = sgd(0.1)\n}",
    right: "model M {\n  param x: f32 ~ zeros\n  minimize (x - 1)^2\n}\ntrain M {\n  steps = 10\n  optimizer = sgd(0.1)\n}",
  },
  {
    code: "E0402",
    title: "a train block that lacks something",
    text: "A block needs an optimizer; a model with inputs needs `data` and `epochs`; one without inputs needs `steps`.",
    wrong: "model M {\n  param x: f32 ~ zeros\n  minimize (x - 1)^2\n}\ntrain M {\n  steps = 10\n}",
    right: "model M {\n  param x: f32 ~ zeros\n  minimize (x - 1)^2\n}\ntrain M {\n  steps = 10\n  optimizer = sgd(0.1)\n}",
  },
  {
    code: "E0403",
    title: "a value that this key does not take",
    text: "Each key of a train block has its own form: `batch = 64` or `all`, `split = holdout(validation = 0.1, test = 0.2)`, `optimizer = adam(lr = 1e-3)`, `clip = norm(1.0)`. The message says what the key takes.",
    wrong: "model M {\n  param x: f32 ~ zeros\n  minimize (x - 1)^2\n}\ntrain M {\n  steps = 10\n  optimizer = relu\n}",
    right: "model M {\n  param x: f32 ~ zeros\n  minimize (x - 1)^2\n}\ntrain M {\n  steps = 10\n  optimizer = sgd(0.1)\n}",
  },
  {
    code: "E0404",
    title: "an unknown model",
    text: "`train Name { … }` trains a model of this file, or of one that it uses, and there is none of this name.",
    wrong: "model Digits {\n  param x: f32 ~ zeros\n  minimize x^2\n}\ntrain Digit {\n  steps = 1\n  optimizer = sgd(0.1)\n}",
  },
  {
    code: "E0405",
    title: "a model with nothing to train for",
    text: "Training needs a number to make small or large: a `loss`, `minimize` or `maximize`.",
    wrong: "model M {\n  param x: f32 ~ zeros\n  output y = x\n}\ntrain M {\n  steps = 1\n  optimizer = sgd(0.1)\n}",
  },
  {
    code: "E0406",
    title: "something given twice in train blocks",
    text: "A key stands twice in a block, both `epochs` and `steps` are given, or two blocks have one name. Both places are shown.",
  },
  {
    code: "E0407",
    title: "no train block",
    text: "The file describes a model and not how to train it. Add `train Name { … }` with data, epochs and an optimizer. `nabla eval` shows a model's values without training.",
  },
  {
    code: "E0410",
    title: "a step that minimises no loss",
    text: "`minimize` and `maximize` of a step take one number made of the model's losses, by their names: `loss_d`, `fit + 0.1 * smooth`, `loss` for all of them together. What else should count belongs into a `loss` of the model.",
    wrong: "model Gan {\n  input x: f32[N, 2]\n  D = instance dense(units = 1)\n  z = normal(0, 1)[N, 2]\n  fake = dense(z, 2)\n  loss loss_d = mean(D(fake)) - mean(D(x))\n  loss loss_g = -mean(D(fake))\n}\ntrain Gan {\n  epochs = 1\n  optimizer = sgd(0.1)\n  step critic    { minimize = 3, over = D }\n  step generator { minimize = loss_g, over = fake }\n}",
    right: "model Gan {\n  input x: f32[N, 2]\n  D = instance dense(units = 1)\n  z = normal(0, 1)[N, 2]\n  fake = dense(z, 2)\n  loss loss_d = mean(D(fake)) - mean(D(x))\n  loss loss_g = -mean(D(fake))\n}\ntrain Gan {\n  epochs = 1\n  optimizer = sgd(0.1)\n  step critic    { minimize = loss_d, over = D }\n  step generator { minimize = loss_g, over = fake }\n}",
  },
  {
    code: "E0411",
    title: "no parameter is meant",
    text: "`over` and `freeze` name parameters: a set (`weights`, `biases`, `params`), a name of the model (everything under it), a pattern in which `*` stands for anything (`\"Gan.D.*\"`), or several in brackets. Here nothing fits; the message lists what there is.",
    wrong: "model Gan {\n  input x: f32[N, 2]\n  D = instance dense(units = 1)\n  z = normal(0, 1)[N, 2]\n  fake = dense(z, 2)\n  loss loss_d = mean(D(fake)) - mean(D(x))\n  loss loss_g = -mean(D(fake))\n}\ntrain Gan {\n  epochs = 1\n  optimizer = sgd(0.1)\n  step critic    { minimize = loss_d, over = critic }\n  step generator { minimize = loss_g, over = fake }\n}",
    right: "model Gan {\n  input x: f32[N, 2]\n  D = instance dense(units = 1)\n  z = normal(0, 1)[N, 2]\n  fake = dense(z, 2)\n  loss loss_d = mean(D(fake)) - mean(D(x))\n  loss loss_g = -mean(D(fake))\n}\ntrain Gan {\n  epochs = 1\n  optimizer = sgd(0.1)\n  step critic    { minimize = loss_d, over = D }\n  step generator { minimize = loss_g, over = fake }\n}",
  },
  {
    code: "E0412",
    title: "a step that trains nothing",
    text: "What the step minimises depends on none of the parameters that it may change, so that every gradient is zero. Either the loss or `over` is another step's.",
    wrong: "model Gan {\n  input x: f32[N, 2]\n  D = instance dense(units = 1)\n  z = normal(0, 1)[N, 2]\n  fake = dense(z, 2)\n  param a: f32 ~ ones\n  loss loss_d = a * mean(D(stop_gradient(fake))) - mean(D(x))\n  loss loss_g = -mean(D(fake))\n}\ntrain Gan {\n  epochs = 1\n  optimizer = sgd(0.1)\n  step critic    { minimize = loss_d, over = fake }\n  step generator { minimize = loss_g, over = fake }\n}",
    right: "model Gan {\n  input x: f32[N, 2]\n  D = instance dense(units = 1)\n  z = normal(0, 1)[N, 2]\n  fake = dense(z, 2)\n  loss loss_d = mean(D(fake)) - mean(D(x))\n  loss loss_g = -mean(D(fake))\n}\ntrain Gan {\n  epochs = 1\n  optimizer = sgd(0.1)\n  step critic    { minimize = loss_d, over = D }\n  step generator { minimize = loss_g, over = fake }\n}",
  },
];
