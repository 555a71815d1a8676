/**
 * TensorFlow.js with its WebGPU backend: the workloads as its users write them, `optimizer.minimize` around a model function.
 * Embeddings are products with one-hot rows, since the gradient of `gather` needs an operation that the backend lacks.
 */
import { createRequire } from "node:module";
import type { Contender, Trainee } from "../contender.ts";
import type { Tensor, Workload } from "../workloads.ts";

/** A tensor of TensorFlow.js, as far as it is used here. */
interface TfTensor {
  readonly shape: readonly number[];
  data(): Promise<ArrayLike<number>>;
  dispose(): void;
}

interface TfOptimizer {
  minimize(loss: () => TfTensor, returnCost: true): TfTensor;
  dispose(): void;
}

/** What is used of the package. */
interface TensorFlow {
  readonly version_core: string;
  setBackend(name: string): Promise<boolean>;
  ready(): Promise<void>;
  disposeVariables(): void;
  tidy<T>(work: () => T): T;
  tensor(data: Float32Array | Int32Array, shape: readonly number[], dtype: "float32" | "int32"): TfTensor;
  variable(initial: TfTensor): TfTensor;
  readonly train: {
    adam(lr: number, beta1: number, beta2: number, epsilon: number): TfOptimizer;
    momentum(lr: number, momentum: number): TfOptimizer;
  };
  readonly losses: {
    softmaxCrossEntropy(labels: TfTensor, logits: TfTensor): TfTensor;
    sigmoidCrossEntropy(labels: TfTensor, logits: TfTensor): TfTensor;
  };
  reshape(x: TfTensor, shape: readonly number[]): TfTensor;
  transpose(x: TfTensor, axes: readonly number[]): TfTensor;
  oneHot(x: TfTensor, depth: number): TfTensor;
  cast(x: TfTensor, dtype: "float32"): TfTensor;
  matMul(a: TfTensor, b: TfTensor, transposeA?: boolean, transposeB?: boolean): TfTensor;
  add(a: TfTensor, b: TfTensor | number): TfTensor;
  sub(a: TfTensor, b: TfTensor | number): TfTensor;
  mul(a: TfTensor, b: TfTensor | number): TfTensor;
  tanh(x: TfTensor): TfTensor;
  relu(x: TfTensor): TfTensor;
  sigmoid(x: TfTensor): TfTensor;
  rsqrt(x: TfTensor): TfTensor;
  softmax(x: TfTensor): TfTensor;
  moments(x: TfTensor, axis: number, keepDims: boolean): { readonly mean: TfTensor; readonly variance: TfTensor };
  conv2d(x: TfTensor, filter: TfTensor, strides: number, pad: "same"): TfTensor;
  maxPool(x: TfTensor, size: number, strides: number, pad: "valid"): TfTensor;
  split(x: TfTensor, parts: number, axis: number): TfTensor[];
  unstack(x: TfTensor, axis: number): TfTensor[];
  stack(x: readonly TfTensor[], axis: number): TfTensor;
  zeros(shape: readonly number[]): TfTensor;
}

type Parameter = (path: string) => TfTensor;
type Model = (x: TfTensor, y: TfTensor) => TfTensor;

export async function tensorflow(): Promise<Contender> {
  const load = createRequire(new URL("package.json", import.meta.url));
  const { warn } = console;
  console.warn = () => undefined; // its banner about a faster package
  const tf = load("@tensorflow/tfjs-core") as TensorFlow;
  load("@tensorflow/tfjs-backend-webgpu");
  // The package for Node leaves out the gradients; their registry is global, so it does not matter who fills it.
  load("@tensorflow/tfjs-core/dist/register_all_gradients.js");
  const found = await tf.setBackend("webgpu");
  await tf.ready();
  console.warn = warn;
  if (!found) throw new Error("TensorFlow.js finds no WebGPU backend");
  return { name: "tensorflow.js", version: tf.version_core, open: async (workload) => open(tf, workload) };
}

function open(tf: TensorFlow, workload: Workload): Trainee {
  const weights = new Map([...workload.weights()].map(([path, w]) => [path, tf.variable(upload(tf, filterLast(path, w)))]));
  const parameter: Parameter = (path) => {
    const found = weights.get(path);
    if (!found) throw new Error(`${workload.name} has no parameter ${path}`);
    return found;
  };
  const model = models[workload.name](tf, parameter);
  const { kind, lr } = workload.optimizer;
  const optimizer = kind === "adam" ? tf.train.adam(lr, 0.9, 0.999, 1e-8) : tf.train.momentum(lr, 0.9);
  return {
    async step(batch) {
      const x = upload(tf, channelLast(batch.x));
      const y = upload(tf, batch.y);
      const loss = optimizer.minimize(() => model(x, y), true);
      x.dispose();
      y.dispose();
      return {
        async read() {
          const [value] = Array.from(await loss.data());
          loss.dispose();
          return value ?? Number.NaN;
        },
        drop: () => loss.dispose(),
      };
    },
    close() {
      optimizer.dispose();
      for (const weight of weights.values()) weight.dispose();
    },
  };
}

const upload = (tf: TensorFlow, { data, shape }: Tensor): TfTensor => tf.tensor(data, shape, data instanceof Int32Array ? "int32" : "float32");

/** Pictures of one channel, [n, 1, h, w], are [n, h, w, 1] here: the same numbers. */
const channelLast = ({ data, shape }: Tensor): Tensor => (shape.length === 4 ? { data, shape: [shape[0] ?? 1, ...shape.slice(2), 1] } : { data, shape });

/** Filters [out, in, h, w] as [h, w, in, out], and the rows of the layer behind them in the order h, w, channel. */
function filterLast(path: string, { data, shape }: Tensor): Tensor {
  const [a = 1, b = 1, h = 1, w = 1] = shape;
  if (path.endsWith(".K")) return { shape: [h, w, b, a], data: permuted(data, [a, b, h, w], [2, 3, 1, 0]) };
  if (path === "z.W" && a === 1568) return { shape, data: permuted(data, [32, 7, 7, b], [1, 2, 0, 3]) };
  return { data, shape };
}

/** An array of four axes with its axes in another order. */
function permuted(data: ArrayLike<number>, shape: readonly number[], order: readonly number[]): Float32Array {
  const strides = shape.map((_, k) => shape.slice(k + 1).reduce((p, n) => p * n, 1));
  const to = order.map((axis) => ({ size: shape[axis] ?? 1, stride: strides[axis] ?? 1 }));
  return Float32Array.from({ length: data.length }, (_, at) => {
    let rest = at;
    let from = 0;
    for (const { size, stride } of to.toReversed()) {
      from += (rest % size) * stride;
      rest = Math.floor(rest / size);
    }
    return data[from] ?? 0;
  });
}

const models: Readonly<Record<Workload["name"], (tf: TensorFlow, p: Parameter) => Model>> = {
  spiral: (tf, p) => {
    const layer = dense(tf, p);
    return (x, y) => tf.losses.sigmoidCrossEntropy(y, layer(tf.tanh(layer(tf.tanh(layer(x, "h1")), "h2")), "z"));
  },
  mlp: (tf, p) => {
    const layer = dense(tf, p);
    return (x, y) => crossEntropy(tf, layer(tf.relu(layer(tf.relu(layer(x, "h1")), "h2")), "z"), y, 10);
  },
  cnn: (tf, p) => {
    const stage = (h: TfTensor, path: string): TfTensor => tf.maxPool(tf.relu(tf.add(tf.conv2d(h, p(`${path}.K`), 1, "same"), p(`${path}.b`))), 2, 2, "valid");
    return (x, y) => crossEntropy(tf, dense(tf, p)(tf.reshape(stage(stage(x, "h1"), "h2"), [x.shape[0] ?? 1, 1568]), "z"), y, 10);
  },
  transformer: (tf, p) => {
    const { layer, norm, attention, gelu, embed } = transformerParts(tf, p, 64, 64, 4);
    return (x, y) => {
      const h0 = embed(x);
      const n = norm(h0, "h1.x");
      const h1 = tf.add(h0, layer(attention(layer(n, "h1.q", false), layer(n, "h1.k", false), layer(n, "h1.v", false), x), "h1"));
      const h2 = tf.add(h1, layer(gelu(layer(norm(h1, "h2.x"), "h2.wide")), "h2.back"));
      return crossEntropy(tf, layer(norm(h2, "z.x"), "z", false), y, 64);
    };
  },
  gpt: (tf, p) => {
    const { layer, norm, attention, gelu, embed } = transformerParts(tf, p, 128, 128, 4);
    return (x, y) => {
      let h = embed(x);
      for (const path of ["h1", "h2", "h3", "h4"]) {
        const n = norm(h, `${path}.first`);
        const [q, k, v] = ["q", "k", "v"].map((part) => layer(n, `${path}.attended.${part}`)) as [TfTensor, TfTensor, TfTensor];
        h = tf.add(h, layer(attention(q, k, v, x), `${path}.attended.o`));
        h = tf.add(h, layer(gelu(layer(norm(h, `${path}.second`), `${path}.net.wide`)), `${path}.net.back`));
      }
      return crossEntropy(tf, layer(norm(h, "z.x"), "z", false), y, 64);
    };
  },
  lstm: (tf, p) => (x, y) => {
    const [rows = 1, length = 1] = x.shape;
    const embedded = tf.matMul(oneHot(tf, x, 64), p("h.x.E"));
    const inputs = tf.unstack(tf.reshape(tf.add(tf.matMul(embedded, p("h.W")), p("h.b")), [rows, length, 512]), 1);
    let h = tf.zeros([rows, 128]);
    let c = tf.zeros([rows, 128]);
    const states = inputs.map((input) => {
      const [i, f, g, o] = tf.split(tf.add(input, tf.matMul(h, p("h.U"))), 4, 1) as [TfTensor, TfTensor, TfTensor, TfTensor];
      c = tf.add(tf.mul(tf.sigmoid(tf.add(f, 1)), c), tf.mul(tf.sigmoid(i), tf.tanh(g)));
      h = tf.mul(tf.sigmoid(o), tf.tanh(c));
      return h;
    });
    return crossEntropy(tf, dense(tf, p)(tf.reshape(tf.stack(states, 1), [rows * length, 128]), "z"), y, 64);
  },
};

const dense = (tf: TensorFlow, p: Parameter) => (x: TfTensor, path: string, bias = true): TfTensor => {
  const product = tf.matMul(x, p(`${path}.W`));
  return bias ? tf.add(product, p(`${path}.b`)) : product;
};

const oneHot = (tf: TensorFlow, x: TfTensor, classes: number): TfTensor => tf.cast(tf.oneHot(tf.reshape(x, [-1]), classes), "float32");

/** Mean over rows. */
const crossEntropy = (tf: TensorFlow, logits: TfTensor, y: TfTensor, classes: number): TfTensor => tf.losses.softmaxCrossEntropy(oneHot(tf, y, classes), logits);

/** What transformers of one width are made of; all tensors between are [rows · places, width]. */
function transformerParts(tf: TensorFlow, p: Parameter, places: number, width: number, heads: number) {
  const size = width / heads;
  const mask = tf.tensor(Float32Array.from({ length: places * places }, (_, at) => (at % places > Math.floor(at / places) ? -1e9 : 0)), [places, places], "float32");
  const byHead = (x: TfTensor): TfTensor => tf.transpose(tf.reshape(x, [-1, places, heads, size]), [0, 2, 1, 3]);
  return {
    layer: dense(tf, p),
    embed: (x: TfTensor): TfTensor => tf.reshape(tf.add(tf.reshape(tf.matMul(oneHot(tf, x, 64), p("h0.x.E")), [-1, places, width]), p("h0.P")), [-1, width]),
    norm: (x: TfTensor, path: string): TfTensor => {
      const { mean, variance } = tf.moments(x, -1, true);
      return tf.add(tf.mul(tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, 1e-5))), p(`${path}.γ`)), p(`${path}.β`));
    },
    gelu: (x: TfTensor): TfTensor => tf.mul(tf.mul(x, 0.5), tf.add(tf.tanh(tf.mul(tf.add(x, tf.mul(tf.mul(tf.mul(x, x), x), 0.044715)), Math.sqrt(2 / Math.PI))), 1)),
    attention: (q: TfTensor, k: TfTensor, v: TfTensor, x: TfTensor): TfTensor => {
      const seen = tf.softmax(tf.add(tf.mul(tf.matMul(byHead(q), byHead(k), false, true), 1 / Math.sqrt(size)), mask));
      return tf.reshape(tf.transpose(tf.matMul(seen, byHead(v)), [0, 2, 1, 3]), [(x.shape[0] ?? 1) * places, width]);
    },
  };
}
