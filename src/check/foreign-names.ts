/**
 * Names that people bring along from NumPy, PyTorch and other languages, and what is written here. They are looked up
 * only where a name is unknown, so each may be defined by a program.
 *
 *     foreignHint("CrossEntropyLoss")    // "here it is `cross_entropy(logits, y)`"
 */

/** What each is called here; a code span, or a sentence. */
const spelling: ReadonlyMap<string, string> = new Map(Object.entries({
  Linear: "dense(x, units)", linear: "dense(x, units)", fc: "dense(x, units)", Dense: "dense(x, units)", Embedding: "embedding(ids, rows, units)",
  Conv2d: "conv2d(x, filters)", Conv2D: "conv2d(x, filters)", Convolution2D: "conv2d(x, filters)", Conv1d: "conv1d(x, filters)", Conv1D: "conv1d(x, filters)", Convolution1D: "conv1d(x, filters)",
  ConvTranspose2d: "conv2d_transpose(x, filters)", Conv2DTranspose: "conv2d_transpose(x, filters)", Conv2dTranspose: "conv2d_transpose(x, filters)", conv_transpose2d: "conv2d_transpose(x, filters)",
  ConvTranspose1d: "conv1d_transpose(x, filters)", Conv1DTranspose: "conv1d_transpose(x, filters)", conv_transpose1d: "conv1d_transpose(x, filters)",
  Deconvolution2D: "conv2d_transpose(x, filters)", DepthwiseConv2D: "depthwise_conv2d(x)", DepthwiseConv2d: "depthwise_conv2d(x)", SeparableConv2D: "separable_conv2d(x, filters)",
  SeparableConv2d: "separable_conv2d(x, filters)", MaxPool2d: "max_pool(x)", MaxPool2D: "max_pool(x)", MaxPooling2D: "max_pool(x)", max_pool2d: "max_pool(x)", maxpool: "max_pool(x)",
  MaxPool1d: "max_pool1d(x)", MaxPooling1D: "max_pool1d(x)", AvgPool2d: "avg_pool(x)", AveragePooling2D: "avg_pool(x)", avg_pool2d: "avg_pool(x)", avgpool: "avg_pool(x)", AvgPool1d: "avg_pool1d(x)",
  AveragePooling1D: "avg_pool1d(x)", AdaptiveAvgPool2d: "global_avg_pool(x)", GlobalAveragePooling2D: "global_avg_pool(x)", GlobalAveragePooling1D: "global_avg_pool(x)",
  GlobalAvgPool2D: "global_avg_pool(x)", AdaptiveMaxPool2d: "global_max_pool(x)", GlobalMaxPooling2D: "global_max_pool(x)", GlobalMaxPooling1D: "global_max_pool(x)",
  Upsample: "upsample_nearest(x, 2)", UpSampling2D: "upsample_nearest(x, 2)", UpsamplingNearest2d: "upsample_nearest(x, 2)", interpolate: "upsample_nearest(x, 2)",
  UpsamplingBilinear2d: "upsample_bilinear(x, 2)", SqueezeExcite: "squeeze_excite(x)", SqueezeExcitation: "squeeze_excite(x)", SEBlock: "squeeze_excite(x)", BatchNorm2d: "batch_norm(x)",
  BatchNormalization: "batch_norm(x)", batchnorm: "batch_norm(x)", LayerNormalization: "layer_norm(x)", layernorm: "layer_norm(x)", GroupNorm: "group_norm(x, groups)",
  GroupNormalization: "group_norm(x, groups)", InstanceNorm2d: "instance_norm(x)", InstanceNorm1d: "instance_norm(x)", RMSNorm: "rms_norm(x)", RMSNormalization: "rms_norm(x)",
  Dropout1d: "dropout(x, rate)", AlphaDropout: "dropout(x, rate)", GaussianNoise: "gaussian_noise(x, std)", GaussianDropout: "gaussian_dropout(x, rate)", DropPath: "stochastic_depth(x, rate)",
  drop_path: "stochastic_depth(x, rate)", droppath: "stochastic_depth(x, rate)", StochasticDepth: "stochastic_depth(x, rate)", DropConnect: "dropconnect(x, units)", MixUp: "mixup(x, y)",
  Mixup: "mixup(x, y)", Bilinear: "bilinear(x, y, units)", Flatten: "flatten(x)", mlp: "feed_forward(x)", MLP: "feed_forward(x)", FeedForward: "feed_forward(x)", ffn: "feed_forward(x)",
  RNN: "rnn(x, units)", SimpleRNN: "rnn(x, units)", LSTM: "lstm(x, units)", GRU: "gru(x, units)", RNNCell: "rnn_cell(x, h)", SimpleRNNCell: "rnn_cell(x, h)", LSTMCell: "lstm_cell(x, h, c)",
  GRUCell: "gru_cell(x, h)", MultiheadAttention: "multi_head_attention(x, heads)", MultiHeadAttention: "multi_head_attention(x, heads)", multihead_attention: "multi_head_attention(x, heads)",
  scaled_dot_product_attention: "attention(q, k, v)", sdpa: "attention(q, k, v)", Attention: "attention(q, k, v)", TransformerEncoderLayer: "transformer_block(x, heads)",
  TransformerBlock: "transformer_block(x, heads)", TransformerEncoderBlock: "transformer_block(x, heads)", PositionalEncoding: "sinusoidal_positions(T, C)",
  positional_encoding: "sinusoidal_positions(T, C)", SinePositionEncoding: "sinusoidal_positions(T, C)", PositionEmbedding: "learned_positions(x)", PositionalEmbedding: "learned_positions(x)",
  RotaryEmbedding: "rotary(x)", rope: "rotary(x)", RoPE: "rotary(x)", apply_rotary_emb: "rotary(x)", Orthogonal: "orthogonal", orthogonal_: "orthogonal", trunc_normal: "truncated_normal(0, 1)",
  TruncatedNormal: "truncated_normal(0, 1)", trunc_normal_: "truncated_normal(0, 1)", xavier_uniform_: "glorot_uniform", GlorotUniform: "glorot_uniform", xavier_normal_: "glorot_normal",
  GlorotNormal: "glorot_normal", kaiming_uniform_: "he_uniform", HeUniform: "he_uniform", kaiming_normal_: "he_normal", HeNormal: "he_normal", LecunNormal: "lecun_normal",
  LecunUniform: "lecun_uniform", sparse_: "sparse(k = 15)", eye_: "eye",
  CrossEntropyLoss: "cross_entropy(logits, y)", crossentropy: "cross_entropy(logits, y)", cross_entropy_loss: "cross_entropy(logits, y)", NLLLoss: "nll(logp, y)",
  MSELoss: "mse(p, y)", mse_loss: "mse(p, y)", mean_squared_error: "mse(p, y)", L1Loss: "mae(p, y)", l1_loss: "mae(p, y)", SmoothL1Loss: "huber(p, y)", smooth_l1_loss: "huber(p, y)", HuberLoss: "huber(p, y, δ = 1)", huber_loss: "huber(p, y, δ = 1)",
  BCELoss: "bce(p, y)", BCEWithLogitsLoss: "bce_from_logits(logits, y)", binary_cross_entropy_with_logits: "bce_from_logits(logits, y)",
  binary_cross_entropy: "bce(p, y)", binary_crossentropy: "bce(p, y)", KLDivLoss: "kl(logp, logq)", kl_div: "kl(logp, logq)", kl_divergence: "kl(logp, logq)",
  nll_loss: "nll(logp, y)", mean_absolute_error: "mae(p, y)", LogCosh: "log_cosh(p, y)", logcosh: "log_cosh(p, y)", PinballLoss: "quantile_loss(p, y, τ)", pinball_loss: "quantile_loss(p, y, τ)",
  BinaryCrossentropy: "bce(p, y)", bce_with_logits: "bce_from_logits(logits, y)", BCEWithLogits: "bce_from_logits(logits, y)", sigmoid_cross_entropy: "bce_from_logits(logits, y)",
  CategoricalCrossentropy: "soft_cross_entropy(logits, q)", categorical_crossentropy: "soft_cross_entropy(logits, q)", softmax_cross_entropy: "soft_cross_entropy(logits, q)",
  SparseCategoricalCrossentropy: "cross_entropy(logits, y)", sparse_categorical_crossentropy: "cross_entropy(logits, y)", label_smoothing: "smooth_labels(q, 0.1)",
  MultiMarginLoss: "hinge(s, y, per_class = true)", multi_margin_loss: "hinge(s, y, per_class = true)", HingeLoss: "binary_hinge(s, y)", hinge_loss: "binary_hinge(s, y)", SoftMarginLoss: "bce_from_logits(logits, y)",
  GaussianNLLLoss: "gaussian_nll(μ, s, y, full = false)", gaussian_nll_loss: "gaussian_nll(μ, s, y, full = false)", PoissonNLLLoss: "poisson_nll(log_rate, y, full = false)",
  poisson_nll_loss: "poisson_nll(log_rate, y, full = false)", CosineEmbeddingLoss: "cosine_loss(p, y)", CosineSimilarity: "cosine_similarity(a, b)", pairwise_distance: "distance(a, b)",
  TripletMarginLoss: "triplet_loss(anchor, positive, negative)", triplet_margin_loss: "triplet_loss(anchor, positive, negative)", ContrastiveLoss: "contrastive_loss(a, b, same)",
  reparameterize: "sample_normal(μ, s)", reparameterise: "sample_normal(μ, s)",
  Dropout: "dropout(x, rate)", BatchNorm1d: "batch_norm(x)", BatchNorm: "batch_norm(x)", LayerNorm: "layer_norm(x)", LogSoftmax: "log_softmax(x)", LeakyReLU: "leaky_relu(x)",
  PReLU: "prelu(x)", ReLU6: "relu6(x)", ELU: "elu(x)", SELU: "selu(x)", GELU: "gelu(x)", SiLU: "silu(x)", Mish: "mish(x)", GLU: "glu(x)", SwiGLU: "swiglu(x)", GEGLU: "geglu(x)", Softplus: "softplus(x)",
  Softsign: "softsign(x)", Hardtanh: "hard_tanh(x)", hardtanh: "hard_tanh(x)", Hardsigmoid: "hard_sigmoid(x)", hardsigmoid: "hard_sigmoid(x)", Hardswish: "hard_swish(x)", hardswish: "hard_swish(x)",
  LogSigmoid: "log_sigmoid(x)", logsigmoid: "log_sigmoid(x)", heaviside: "step(x, at_zero = 0.5)", Maxout: "maxout(x, units)", lgamma: "log_factorial(x - 1)", rectifier: "relu(x)",
  swish: "silu(x)", logistic: "sigmoid(x)", expit: "sigmoid(x)", fabs: "abs(x)", absolute: "abs(x)", ln: "log(x)", sgn: "sign(x)", square: "x^2", pow: "x ^ p", power: "x ^ p",
  matmul: "a @ b", mm: "a @ b", bmm: "a @ b", cat: "concat(a, b, axis = 0)", concatenate: "concat(a, b, axis = 0)", permute: "transpose(x, 1, 0)", view: "reshape(x, …)",
  detach: "stop_gradient(x)", no_grad: "stop_gradient(x)", clamp: "clip(x, lo, hi)", average: "mean(x)", maximum: "max(a, b)", minimum: "min(a, b)",
  randn: "normal(0, 1)[N, k]", rand: "uniform(0, 1)[N, k]", gaussian: "normal(0, 1)[N, k]", xavier_uniform: "glorot_uniform", xavier_normal: "glorot_normal",
  kaiming_uniform: "he_uniform", kaiming_normal: "he_normal", SGD: "sgd(lr = 0.1)", Adam: "adam(lr = 1e-3)", AdamW: "adamw(lr = 1e-3)", RMSprop: "rmsprop(lr = 1e-3)", Adagrad: "adagrad(lr = 1e-2)",
  accuracy_score: "accuracy(scores, y)", Accuracy: "accuracy(scores, y)", BinaryAccuracy: "binary_accuracy(logits, y)", top_k_accuracy_score: "top_k_accuracy(scores, y, k)", topk_accuracy: "top_k_accuracy(scores, y, k)",
  precision_score: "precision(predicted, y)", recall_score: "recall(predicted, y)", f1_score: "f1(predicted, y)", F1: "f1(predicted, y)", fbeta_score: "f1(predicted, y, β = 2)",
  roc_auc_score: "roc_auc(scores, y)", auc: "roc_auc(scores, y)", auroc: "roc_auc(scores, y)", AUC: "roc_auc(scores, y)", average_precision_score: "average_precision(scores, y)", r2_score: "r2(p, y)",
  root_mean_squared_error: "rmse(p, y)", ece: "calibration_error(p, right)", expected_calibration_error: "calibration_error(p, right)", brier_score: "mse(p, y)", brier: "mse(p, y)",
  weight_decay: "l2(weights)", L2: "l2(weights)", L1: "l1(weights)", l1_l2: "elastic_net(weights)", MaxNorm: "max_norm(W, c)", maxnorm: "max_norm(W, c)", activity_regularizer: "activity_penalty(h)",
  onehot: "one_hot(y, classes)", OneHot: "one_hot(y, classes)", float: "f32(x)", float32: "f32(x)", double: "f32(x)", int: "i32(x)", int32: "i32(x)", long: "i32(x)", len: "size(x, 0)", True: "true", False: "false",
}));

const sentences: ReadonlyMap<string, string> = new Map(Object.entries({
  einsum: "products and sums are written with their indices: `z[i, k] = sum[j] a[i, j] * b[j, k]`",
  outer: "an outer product is written with its indices: `z[i, j] = a[i] * b[j]`",
  arange: "a range is an equation: `a[i in 0..n] = i`",
  print: "show a value as `output name = …` or `metric name = …`", range: "a range is written `0..n`",
  self: "a layer's parameters are named by themselves", None: "there is no empty value; a parameter with a default may be left out", null: "there is no empty value; a parameter with a default may be left out",
}));

/** Keys of a train block as others call them. */
const keySpelling: ReadonlyMap<string, string> = new Map(Object.entries({
  opt: "optimizer", optim: "optimizer", solver: "optimizer", algorithm: "optimizer", method: "optimizer", batch_size: "batch", batchsize: "batch", minibatch: "batch",
  n_epoch: "epochs", n_epochs: "epochs", num_epochs: "epochs", max_epochs: "epochs", iterations: "steps", iters: "steps", n_iter: "steps", max_iter: "steps", num_steps: "steps", max_steps: "steps",
  dataset: "data", data_set: "data", early_stopping: "stop", stopping: "stop", random_state: "seed", random_seed: "seed", gradient_clip: "clip", clip_norm: "clip", grad_clip: "clip",
  validation_split: "split", train_test_split: "split", holdout: "split",
}));

/** Keys that are written in another way, with the key that says it here, if one does. */
const keySentences: ReadonlyMap<string, { readonly hint: string; readonly key?: string }> = new Map(Object.entries({
  lr: { hint: "the rate is the optimizer's: `optimizer = sgd(lr = 0.1)`", key: "optimizer" }, learning_rate: { hint: "the rate is the optimizer's: `optimizer = sgd(lr = 0.1)`", key: "optimizer" },
  momentum: { hint: "it is the optimizer's: `optimizer = momentum(lr = 0.1)`", key: "optimizer" },
  schedule: { hint: "the rate may be a schedule: `optimizer = adam(lr = cosine(0.01, 0.001, steps = 500))`", key: "optimizer" }, scheduler: { hint: "the rate may be a schedule: `optimizer = adam(lr = cosine(0.01, 0.001, steps = 500))`", key: "optimizer" },
  loss: { hint: "the loss stands in the model: `loss = …`", key: "minimize" }, metrics: { hint: "metrics stand in the model: `metric accuracy = …`" }, metric: { hint: "metrics stand in the model: `metric accuracy = …`" },
  weight_decay: { hint: "a penalty stands in the loss: `loss = … + 1e-4 * l2(weights)`" }, shuffle: { hint: "examples are shuffled in every epoch, as the seed says" },
  validation: { hint: "write `split = holdout(validation = 0.1)`", key: "split" }, test: { hint: "write `split = holdout(test = 0.2)`", key: "split" },
}));

/** What to write in place of a key that a train block does not have, and which key that is; undefined where nothing is known. */
export function foreignKey(name: string, keys: readonly string[]): { readonly hint: string; readonly key?: string } | undefined {
  const key = keySpelling.get(name.toLowerCase());
  return key !== undefined && keys.includes(key) ? { hint: `here it is \`${key}\``, key } : keySentences.get(name.toLowerCase());
}

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
