/**
 * What the benchmark trains: six programs of `workloads/`, their initial weights and their batches, the same for everybody
 * who is measured. Comes in: a name. Goes out: plain arrays, by the paths that the `.dl` file gives its parameters, made by
 * a generator that depends on nothing but its seed and position.
 *
 *     const { weights, batches } = workloads.mlp;
 *     weights().get("h1.W")      // { shape: [784, 512], data: Float32Array }
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export interface Tensor {
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array;
}

/** One batch, as the inputs of the program are named; integers are classes or tokens. */
export interface Batch {
  readonly x: Tensor;
  readonly y: Tensor;
}

export interface Workload {
  readonly name: WorkloadName;
  readonly optimizer: { readonly kind: "adam" | "momentum"; readonly lr: number };
  /** Initial weights by path, without the model's name. */
  readonly weights: () => ReadonlyMap<string, Tensor>;
  /** Four of them, to be taken in turn; each is uploaded anew in each step. */
  readonly batches: () => readonly Batch[];
}

export const workloadNames = ["spiral", "mlp", "cnn", "transformer", "gpt", "lstm"] as const;
export type WorkloadName = (typeof workloadNames)[number];

/** Numbers from lo to hi: number i of a stream depends on the stream's seed and on i alone. */
export function uniform(seed: number, count: number, lo: number, hi: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => lo + (hi - lo) * (hash(seed, i) / 2 ** 32));
}

/** 32 well-mixed bits of a seed and a position. */
function hash(seed: number, position: number): number {
  let x = (Math.imul(seed, 0x9e37_79b9) + Math.imul(position, 0x85eb_ca6b) + 0x27d4_eb2f) >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x7feb_352d) >>> 0;
  x = Math.imul(x ^ (x >>> 15), 0x846c_a68b) >>> 0;
  return (x ^ (x >>> 16)) >>> 0;
}

const product = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** How a parameter is filled: between ±1/√fan, between ±fixed, or with one number. */
type Fill = { readonly fan: number } | { readonly within: number } | { readonly value: number };
type Declared = readonly (readonly [path: string, shape: readonly number[], fill: Fill])[];

function fill(declared: Declared): ReadonlyMap<string, Tensor> {
  return new Map(
    declared.map(([path, shape, how], k) => {
      const count = product(shape);
      if ("value" in how) return [path, { shape, data: new Float32Array(count).fill(how.value) }];
      const most = "fan" in how ? 1 / Math.sqrt(how.fan) : how.within;
      return [path, { shape, data: uniform(k + 1, count, -most, most) }];
    }),
  );
}

/** A dense layer's parameters. */
const dense = (path: string, n: number, units: number, bias = true): Declared => [
  [`${path}.W`, [n, units], { fan: n }],
  ...(bias ? ([[`${path}.b`, [units], { value: 0 }]] as const) : []),
];

const norm = (path: string, n: number): Declared => [
  [`${path}.γ`, [n], { value: 1 }],
  [`${path}.β`, [n], { value: 0 }],
];

/** A block of `std`'s `transformer_block`. */
const block = (path: string, width: number): Declared => [
  ...norm(`${path}.first`, width),
  ...["q", "k", "v", "o"].flatMap((part) => dense(`${path}.attended.${part}`, width, width)),
  ...norm(`${path}.second`, width),
  ...dense(`${path}.net.wide`, width, 4 * width),
  ...dense(`${path}.net.back`, 4 * width, width),
];

const rounds = 4;
const each = (make: (k: number) => Batch): readonly Batch[] => Array.from({ length: rounds }, (_, k) => make(k));

/** Pictures of ten classes: noise over a template of the class. */
const pictures = (count: number, shape: readonly number[]): readonly Batch[] => {
  const size = product(shape);
  const templates = uniform(1001, 10 * size, 0, 1);
  return each((k) => {
    const y = Int32Array.from({ length: count }, (_, i) => (i * 7 + k) % 10);
    const noise = uniform(2000 + k, count * size, 0, 1);
    const x = noise.map((v, at) => 0.7 * v + 0.3 * (templates[(y[Math.floor(at / size)] ?? 0) * size + (at % size)] ?? 0));
    return { x: { shape: [count, ...shape], data: x }, y: { shape: [count], data: y } };
  });
};

/** Sequences of 64 tokens that each follow a rule of their row, and the token after each. */
const sequences = (count: number, length: number): readonly Batch[] =>
  each((k) => {
    const all = Array.from({ length: count }, (_, row) => {
      const tokens = [(k * 13 + row * 7) % 64];
      while (tokens.length <= length) tokens.push(((tokens.at(-1) ?? 0) * 5 + 3 + row) % 64);
      return tokens;
    });
    const shape = [count, length];
    return { x: { shape, data: Int32Array.from(all.flatMap((t) => t.slice(0, -1))) }, y: { shape, data: Int32Array.from(all.flatMap((t) => t.slice(1))) } };
  });

const spirals = (count: number): readonly Batch[] =>
  each((k) => {
    const radii = uniform(3000 + k, count, 0.1, 1);
    const x = Float32Array.from({ length: 2 * count }, (_, at) => {
      const i = at >> 1;
      const radius = radii[i] ?? 0;
      const angle = 4 * radius + Math.PI * (i & 1);
      return radius * (at & 1 ? Math.sin(angle) : Math.cos(angle));
    });
    return { x: { shape: [count, 2], data: x }, y: { shape: [count, 1], data: Float32Array.from({ length: count }, (_, i) => i & 1) } };
  });

const adam = { kind: "adam", lr: 1e-3 } as const;

export const workloads: Readonly<Record<WorkloadName, Workload>> = {
  spiral: {
    name: "spiral", optimizer: { kind: "momentum", lr: 0.1 },
    weights: () => fill([...dense("h1", 2, 16), ...dense("h2", 16, 16), ...dense("z", 16, 1)]),
    batches: () => spirals(32),
  },
  mlp: {
    name: "mlp", optimizer: adam,
    weights: () => fill([...dense("h1", 784, 512), ...dense("h2", 512, 256), ...dense("z", 256, 10)]),
    batches: () => pictures(128, [784]),
  },
  cnn: {
    name: "cnn", optimizer: adam,
    weights: () =>
      fill([["h1.K", [16, 1, 3, 3], { fan: 9 }], ["h1.b", [16], { value: 0 }], ["h2.K", [32, 16, 3, 3], { fan: 144 }], ["h2.b", [32], { value: 0 }], ...dense("z", 1568, 10)]),
    batches: () => pictures(64, [1, 28, 28]),
  },
  transformer: {
    name: "transformer", optimizer: adam,
    weights: () =>
      fill([
        ["h0.x.E", [64, 64], { within: 0.1 }], ["h0.P", [64, 64], { within: 0.1 }],
        ...norm("h1.x", 64), ...["q", "k", "v"].flatMap((part) => dense(`h1.${part}`, 64, 64, false)), ...dense("h1", 64, 64),
        ...norm("h2.x", 64), ...dense("h2.wide", 64, 256), ...dense("h2.back", 256, 64),
        ...norm("z.x", 64), ...dense("z", 64, 64, false),
      ]),
    batches: () => sequences(8, 64),
  },
  gpt: {
    name: "gpt", optimizer: adam,
    weights: () =>
      fill([
        ["h0.x.E", [64, 128], { within: 0.1 }], ["h0.P", [128, 128], { within: 0.1 }],
        ...["h1", "h2", "h3", "h4"].flatMap((path) => block(path, 128)), ...norm("z.x", 128), ...dense("z", 128, 64, false),
      ]),
    batches: () => sequences(4, 128),
  },
  lstm: {
    name: "lstm", optimizer: adam,
    weights: () => fill([["h.x.E", [64, 64], { within: 0.1 }], ["h.W", [64, 512], { fan: 64 }], ["h.U", [128, 512], { fan: 128 }], ["h.b", [512], { value: 0 }], ...dense("z", 128, 64)]),
    batches: () => sequences(16, 64),
  },
};

/** The program of a workload. */
export function programText(name: WorkloadName): string {
  return readFileSync(fileURLToPath(new URL(`workloads/${name}.dl`, import.meta.url)), "utf8");
}
