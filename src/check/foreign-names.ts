/**
 * Names that people bring along from NumPy, PyTorch and other languages, and what is written here. They are looked up
 * only where a name is unknown, so each may be defined by a program.
 *
 *     foreignHint("CrossEntropyLoss")    // "here it is `cross_entropy(logits, y)`"
 */

/** What each is called here; a code span, or a sentence. */
const spelling: ReadonlyMap<string, string> = new Map(Object.entries({
  Linear: "dense(x, units)", linear: "dense(x, units)", fc: "dense(x, units)", Dense: "dense(x, units)", Embedding: "embedding(ids, rows, units)",
  CrossEntropyLoss: "cross_entropy(logits, y)", crossentropy: "cross_entropy(logits, y)", cross_entropy_loss: "cross_entropy(logits, y)", NLLLoss: "nll(logp, y)",
  MSELoss: "mse(p, y)", mse_loss: "mse(p, y)", mean_squared_error: "mse(p, y)", L1Loss: "mae(p, y)", l1_loss: "mae(p, y)", SmoothL1Loss: "huber(p, y)",
  BCELoss: "bce(p, y)", BCEWithLogitsLoss: "bce_from_logits(logits, y)", binary_cross_entropy_with_logits: "bce_from_logits(logits, y)",
  binary_cross_entropy: "bce(p, y)", binary_crossentropy: "bce(p, y)", KLDivLoss: "kl(logp, logq)",
  Dropout: "dropout(x, rate)", BatchNorm1d: "batch_norm(x)", BatchNorm: "batch_norm(x)", LayerNorm: "layer_norm(x)", LogSoftmax: "log_softmax(x)", LeakyReLU: "leaky_relu(x)",
  swish: "silu(x)", logistic: "sigmoid(x)", expit: "sigmoid(x)", fabs: "abs(x)", absolute: "abs(x)", ln: "log(x)", sgn: "sign(x)", square: "x^2", pow: "x ^ p", power: "x ^ p",
  matmul: "a @ b", mm: "a @ b", bmm: "a @ b", cat: "concat(a, b, axis = 0)", concatenate: "concat(a, b, axis = 0)", permute: "transpose(x, 1, 0)", view: "reshape(x, …)",
  detach: "stop_gradient(x)", no_grad: "stop_gradient(x)", clamp: "clip(x, lo, hi)", average: "mean(x)", maximum: "max(a, b)", minimum: "min(a, b)",
  randn: "normal(0, 1)[N, k]", rand: "uniform(0, 1)[N, k]", gaussian: "normal(0, 1)[N, k]", xavier_uniform: "glorot_uniform", xavier_normal: "glorot_normal",
  kaiming_uniform: "he_uniform", kaiming_normal: "he_normal", SGD: "sgd(lr = 0.1)", Adam: "adam(lr = 1e-3)", AdamW: "adamw(lr = 1e-3)", RMSprop: "rmsprop(lr = 1e-3)", Adagrad: "adagrad(lr = 1e-2)",
  float: "f32(x)", float32: "f32(x)", double: "f32(x)", int: "i32(x)", int32: "i32(x)", long: "i32(x)", len: "size(x, 0)", True: "true", False: "false",
}));

const sentences: ReadonlyMap<string, string> = new Map(Object.entries({
  einsum: "products and sums are written with their indices: `z[i, k] = sum[j] a[i, j] * b[j, k]`",
  outer: "an outer product is written with its indices: `z[i, j] = a[i] * b[j]`",
  one_hot: "a one-hot table is a comparison: `h[n, k] = y[n] == k`", onehot: "a one-hot table is a comparison: `h[n, k] = y[n] == k`",
  eye: "an identity is a comparison: `I[i in 0..3, j in 0..3] = i == j`", arange: "a range is an equation: `a[i in 0..n] = i`",
  print: "show a value as `output name = …` or `metric name = …`", range: "a range is written `0..n`",
  self: "a layer's parameters are named by themselves", None: "there is no empty value; a parameter with a default may be left out", null: "there is no empty value; a parameter with a default may be left out",
}));

const modules: ReadonlySet<string> = new Set(["np", "numpy", "torch", "nn", "F", "tf", "jnp", "jax", "math", "Math", "keras", "optim"]);

/** What to write in place of a name that is unknown here, or undefined. */
export function foreignHint(name: string): string | undefined {
  const here = spelling.get(name);
  return here === undefined ? sentences.get(name) : `here it is written \`${here}\``;
}

/** What to write in place of `np.exp`, `torch.nn`: the member by itself, if the module is one of the known ones. */
export function moduleHint(module: string, member: string, known: (name: string) => boolean): string | undefined {
  if (!modules.has(module)) return undefined;
  const lower = member.toLowerCase();
  const found = [member, lower].find(known);
  return found !== undefined ? `functions stand by themselves: \`${found}(…)\`` : (foreignHint(member) ?? `functions stand by themselves, without \`${module}.\``);
}

/** What to write in place of a member or method of a tensor. */
export function memberHint(member: string, known: (name: string) => boolean): string | undefined {
  if (member === "T" || member === "mT") return "write `transpose(x)`";
  if (member === "shape" || member === "size") return "a size has a name where the tensor is declared (`x: f32[N, k]`), or is `size(x, axis = 0)`";
  if (known(member)) return `write \`${member}(x)\``;
  return foreignHint(member);
}

/** The element type that another name means. */
export function foreignDtype(name: string): string | undefined {
  if (/^(float(16|32|64)?|f16|f64|double|half|real|number|tensor|Tensor)$/.test(name)) return "f32";
  if (/^(u?int(8|16|32|64)?|[iu](8|16|64)|long|integer|Int)$/.test(name)) return "i32";
  return /^(boolean|Bool|bit)$/.test(name) ? "bool" : undefined;
}
