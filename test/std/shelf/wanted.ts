/** The entries that the library is to have, by shelf, and those that are still to be written. */

/** By shelf the names that must be documented, have a record and a golden gradient. */
export const wanted: Readonly<Record<string, readonly string[]>> = {
  activations: [
    "identity", "step", "sigmoid", "tanh", "relu", "leaky_relu", "prelu", "abs", "elu", "selu", "softplus", "hard_tanh", "hard_sigmoid", "softsign", "gelu", "gelu_tanh", "silu", "mish",
    "maxout", "rbf", "softmax", "log_softmax", "glu", "reglu", "geglu", "swiglu", "relu6",
  ],
  losses: [
    "mse", "mae", "huber", "log_cosh", "bce", "bce_from_logits", "cross_entropy", "soft_cross_entropy", "nll", "hinge", "squared_hinge", "crammer_singer", "binary_hinge", "kl", "gaussian_nll",
    "poisson_nll", "cosine_loss", "triplet_loss", "contrastive_loss", "kl_normal", "kl_normals", "bernoulli_nll", "negative_elbo", "quantile_loss",
  ],
  penalties: ["l1", "l2", "elastic_net", "group_lasso", "max_norm", "activity_penalty", "orthogonality"],
  metrics: [
    "accuracy", "binary_accuracy", "top_k_accuracy", "precision", "recall", "f1", "confusion_matrix", "roc_auc", "average_precision", "rmse", "r2", "perplexity", "log_loss", "calibration_error",
  ],
};

/** What is not there yet. A name leaves the list with the entry; the test sees to that. */
export const missing: ReadonlySet<string> = new Set();
