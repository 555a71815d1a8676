/**
 * jax-js on WebGPU: `jit` around the whole step, optimizer included. Its optimizers are a package that is not on npm, so Adam and
 * momentum are written out. An operation consumes its operands; `.ref` keeps one for another use.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import type { Contender, Trainee } from "../contender.ts";
import type { Workload } from "../workloads.ts";

/** An array of jax-js, as far as it is used here. */
interface JaxArray {
  readonly ref: JaxArray;
  add(other: JaxArray | number): JaxArray;
  sub(other: JaxArray | number): JaxArray;
  mul(other: JaxArray | number): JaxArray;
  div(other: JaxArray | number): JaxArray;
  reshape(shape: readonly number[]): JaxArray;
  data(): Promise<ArrayLike<number>>;
  dispose(): void;
}

type Named = Readonly<Record<string, JaxArray>>;
type LossFunction = (weights: Named, x: JaxArray, y: JaxArray) => JaxArray;
type Step = (weights: Named, state: Readonly<Record<string, Named>>, x: JaxArray, y: JaxArray) => [JaxArray, Named, Readonly<Record<string, Named>>];

/** What is used of the package. */
interface Jax {
  init(device: "webgpu"): Promise<readonly string[]>;
  defaultDevice(device: "webgpu"): void;
  jit<F>(f: F): F;
  valueAndGrad(f: LossFunction): (weights: Named, x: JaxArray, y: JaxArray) => [JaxArray, Named];
  readonly numpy: {
    array(data: Float32Array | Int32Array): JaxArray;
    matmul(a: JaxArray, b: JaxArray): JaxArray;
    tanh(x: JaxArray): JaxArray;
    exp(x: JaxArray): JaxArray;
    log1p(x: JaxArray): JaxArray;
    abs(x: JaxArray): JaxArray;
    sqrt(x: JaxArray): JaxArray;
    square(x: JaxArray): JaxArray;
    subtract(a: number, b: JaxArray): JaxArray;
    max(x: JaxArray, axis: number): JaxArray;
    sum(x: JaxArray, axis: number): JaxArray;
    mean(x: JaxArray): JaxArray;
    split(x: JaxArray, parts: number, axis: number): JaxArray[];
    unstack(x: JaxArray, axis: number): JaxArray[];
    stack(x: readonly JaxArray[], axis: number): JaxArray;
    zeros(shape: readonly number[]): JaxArray;
  };
  readonly nn: {
    relu(x: JaxArray): JaxArray;
    sigmoid(x: JaxArray): JaxArray;
    gelu(x: JaxArray): JaxArray;
    logSoftmax(x: JaxArray, axis: number): JaxArray;
    standardize(x: JaxArray, axis: number): JaxArray;
    oneHot(x: JaxArray, classes: number): JaxArray;
    dotProductAttention(q: JaxArray, k: JaxArray, v: JaxArray, options: { readonly isCausal: boolean }): JaxArray;
  };
  readonly lax: { conv(x: JaxArray, filter: JaxArray, strides: readonly number[], padding: "SAME"): JaxArray };
}

export async function jaxJs(): Promise<Contender> {
  addIteratorHelpers();
  const load = createRequire(new URL("package.json", import.meta.url));
  const file = load.resolve("@jax-js/jax").replace(/\.cjs$/, ".js");
  const jax = (await import(pathToFileURL(file).href)) as Jax;
  const devices = await jax.init("webgpu");
  if (!devices.includes("webgpu")) throw new Error("jax-js finds no WebGPU device");
  jax.defaultDevice("webgpu");
  const { version } = JSON.parse(readFileSync(new URL("node_modules/@jax-js/jax/package.json", import.meta.url), "utf8")) as { version: string };
  return { name: "jax-js", version, open: async (workload) => open(jax, workload) };
}

/** Methods of iterators that jax-js calls; Node has them from version 22. */
function addIteratorHelpers(): void {
  const prototype = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]())) as object;
  const add = (name: string, value: unknown): void => {
    if (!(name in prototype)) Object.defineProperty(prototype, name, { value, configurable: true, writable: true });
  };
  add("map", function* (this: Iterable<unknown>, f: (value: unknown, at: number) => unknown) {
    let at = 0;
    for (const value of this) yield f(value, at++);
  });
  add("filter", function* (this: Iterable<unknown>, f: (value: unknown, at: number) => unknown) {
    let at = 0;
    for (const value of this) if (f(value, at++)) yield value;
  });
  add("toArray", function (this: Iterable<unknown>) {
    return [...this];
  });
}

/** Something for each name. */
const each = (f: (...values: JaxArray[]) => JaxArray, first: Named, ...others: readonly Named[]): Named =>
  Object.fromEntries(Object.keys(first).map((key) => [key, f(...([first, ...others].map((named) => named[key]) as JaxArray[]))]));

function open(jax: Jax, workload: Workload): Trainee {
  const { numpy: np } = jax;
  const initial = workload.weights();
  const upload = (data: Float32Array | Int32Array, shape: readonly number[]): JaxArray => np.array(data).reshape(shape);
  const zeros = (): Named => Object.fromEntries([...initial].map(([path, { data, shape }]) => [path, upload(new Float32Array(data.length), shape)]));
  const { kind, lr } = workload.optimizer;
  const lossAndGradients = jax.valueAndGrad(losses[workload.name](jax));
  const step = jax.jit(kind === "adam" ? adam(jax, lossAndGradients, lr) : momentum(lossAndGradients, lr));
  let weights: Named = Object.fromEntries([...initial].map(([path, { data, shape }]) => [path, upload(data, shape)]));
  const one = (): JaxArray => np.array(new Float32Array([1])).reshape([]);
  let state: Readonly<Record<string, Named>> = kind === "adam" ? { m: zeros(), v: zeros(), power: { first: one(), second: one() } } : { m: zeros() };
  return {
    async step({ x, y }) {
      const [loss, nextWeights, nextState] = step(weights, state, upload(x.data, x.shape), upload(y.data, y.shape));
      weights = nextWeights;
      state = nextState;
      return { read: async () => Array.from(await loss.data())[0] ?? Number.NaN, drop: () => loss.dispose() };
    },
    close() {
      for (const named of [weights, ...Object.values(state)]) for (const array of Object.values(named)) array.dispose();
    },
  };
}

type LossAndGradients = ReturnType<Jax["valueAndGrad"]>;

const momentum = (lossAndGradients: LossAndGradients, lr: number): Step => (weights, state, x, y) => {
  const [loss, gradients] = lossAndGradients(each((w) => w.ref, weights), x, y);
  const m = each((m, g) => m.mul(0.9).sub(g.mul(lr)), state["m"] ?? {}, gradients);
  return [loss, each((w, m) => w.add(m.ref), weights, m), { m }];
};

const adam = ({ numpy: np }: Jax, lossAndGradients: LossAndGradients, lr: number): Step => (weights, state, x, y) => {
  const [loss, gradients] = lossAndGradients(each((w) => w.ref, weights), x, y);
  const m = each((m, g) => m.mul(0.9).add(g.ref.mul(0.1)), state["m"] ?? {}, gradients);
  const v = each((v, g) => v.mul(0.999).add(np.square(g).mul(0.001)), state["v"] ?? {}, gradients);
  const { first, second } = state["power"] as { readonly first: JaxArray; readonly second: JaxArray };
  const [a, b] = [first.mul(0.9), second.mul(0.999)];
  const update = (w: JaxArray, m: JaxArray, v: JaxArray): JaxArray =>
    w.sub(m.ref.div(np.subtract(1, a.ref)).mul(lr).div(np.sqrt(v.ref.div(np.subtract(1, b.ref))).add(1e-8)));
  return [loss, each((w, m, v) => update(w as JaxArray, m as JaxArray, v as JaxArray), weights, m, v), { m, v, power: { first: a, second: b } }];
};

const losses: Readonly<Record<Workload["name"], (jax: Jax) => LossFunction>> = {
  spiral: ({ numpy: np, nn }) => (weights, x, y) => {
    const { dense } = parts(np, weights);
    const z = dense(np.tanh(dense(np.tanh(dense(x, "h1")), "h2")), "z");
    // max(z, 0) - z y + log(1 + exp(-|z|))
    return np.mean(nn.relu(z.ref).sub(z.ref.mul(y)).add(np.log1p(np.exp(np.abs(z).mul(-1)))));
  },
  mlp: ({ numpy: np, nn }) => (weights, x, y) => {
    const { dense } = parts(np, weights);
    return crossEntropy(np, nn, dense(nn.relu(dense(nn.relu(dense(x, "h1")), "h2")), "z"), y, 10);
  },
  cnn: ({ numpy: np, nn, lax }) => (weights, x, y) => {
    const { p, dense } = parts(np, weights);
    const stage = (h: JaxArray, path: string, channels: number, size: number): JaxArray => {
      const a = nn.relu(lax.conv(h, p(`${path}.K`), [1, 1], "SAME").add(p(`${path}.b`).reshape([channels, 1, 1])));
      return np.max(np.max(a.reshape([64, channels, size / 2, 2, size / 2, 2]), 5), 3);
    };
    return crossEntropy(np, nn, dense(stage(stage(x, "h1", 16, 28), "h2", 32, 14).reshape([64, 1568]), "z"), y, 10);
  },
  transformer: ({ numpy: np, nn }) => (weights, x, y) => {
    const { dense, norm, embed, attention } = transformerParts(np, nn, weights, { rows: 8, places: 64, width: 64 });
    const h0 = embed(x);
    const n = norm(h0.ref, "h1.x");
    const h1 = h0.add(dense(attention(dense(n.ref, "h1.q", false), dense(n.ref, "h1.k", false), dense(n, "h1.v", false)), "h1"));
    const h2 = h1.ref.add(dense(nn.gelu(dense(norm(h1, "h2.x"), "h2.wide")), "h2.back"));
    return crossEntropy(np, nn, dense(norm(h2, "z.x"), "z", false), y, 64);
  },
  gpt: ({ numpy: np, nn }) => (weights, x, y) => {
    const { dense, norm, embed, attention } = transformerParts(np, nn, weights, { rows: 4, places: 128, width: 128 });
    let h = embed(x);
    for (const path of ["h1", "h2", "h3", "h4"]) {
      const n = norm(h.ref, `${path}.first`);
      h = h.add(dense(attention(dense(n.ref, `${path}.attended.q`), dense(n.ref, `${path}.attended.k`), dense(n, `${path}.attended.v`)), `${path}.attended.o`));
      h = h.ref.add(dense(nn.gelu(dense(norm(h, `${path}.second`), `${path}.net.wide`)), `${path}.net.back`));
    }
    return crossEntropy(np, nn, dense(norm(h, "z.x"), "z", false), y, 64);
  },
  lstm: ({ numpy: np, nn }) => (weights, x, y) => {
    const { p, dense } = parts(np, weights);
    const embedded = np.matmul(nn.oneHot(x.reshape([1024]), 64), p("h.x.E"));
    const inputs = np.unstack(np.matmul(embedded, p("h.W")).add(p("h.b")).reshape([16, 64, 512]), 1);
    let h = np.zeros([16, 128]);
    let c = np.zeros([16, 128]);
    const states = inputs.map((input) => {
      const [i, f, g, o] = np.split(input.add(np.matmul(h, p("h.U"))), 4, 1) as [JaxArray, JaxArray, JaxArray, JaxArray];
      c = nn.sigmoid(f.add(1)).mul(c).add(nn.sigmoid(i).mul(np.tanh(g)));
      h = nn.sigmoid(o).mul(np.tanh(c.ref));
      return h.ref;
    });
    c.dispose();
    h.dispose();
    return crossEntropy(np, nn, dense(np.stack(states, 1).reshape([1024, 128]), "z"), y, 64);
  },
};

/** Parameters by path, each for one more use, and dense layers. */
function parts(np: Jax["numpy"], weights: Named) {
  const p = (path: string): JaxArray => {
    const found = weights[path];
    if (!found) throw new Error(`there is no parameter ${path}`);
    return found.ref;
  };
  const dense = (x: JaxArray, path: string, bias = true): JaxArray => {
    const product = np.matmul(x, p(`${path}.W`));
    return bias ? product.add(p(`${path}.b`)) : product;
  };
  return { p, dense };
}

/** What transformers with 4 heads are made of; all arrays between are [rows · places, width]. */
function transformerParts(np: Jax["numpy"], nn: Jax["nn"], weights: Named, { rows, places, width }: { readonly rows: number; readonly places: number; readonly width: number }) {
  const { p, dense } = parts(np, weights);
  const byHead = (x: JaxArray): JaxArray => x.reshape([rows, places, 4, width / 4]);
  return {
    dense,
    embed: (x: JaxArray): JaxArray => np.matmul(nn.oneHot(x.reshape([rows * places]), 64), p("h0.x.E")).reshape([rows, places, width]).add(p("h0.P")).reshape([rows * places, width]),
    norm: (x: JaxArray, path: string): JaxArray => nn.standardize(x, -1).mul(p(`${path}.γ`)).add(p(`${path}.β`)),
    attention: (q: JaxArray, k: JaxArray, v: JaxArray): JaxArray => nn.dotProductAttention(byHead(q), byHead(k), byHead(v), { isCausal: true }).reshape([rows * places, width]),
  };
}

/** Mean over rows of -log of the softmax at the class. */
const crossEntropy = (np: Jax["numpy"], nn: Jax["nn"], logits: JaxArray, y: JaxArray, classes: number): JaxArray =>
  np.mean(np.sum(nn.logSoftmax(logits, -1).mul(nn.oneHot(y.reshape([-1]), classes)), -1)).mul(-1);
