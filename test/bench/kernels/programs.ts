/**
 * What `bench:kernels` measures: small programs whose device code is one kernel, or a few, of a kind. Comes in: nothing. Goes out:
 * texts, and how much arithmetic and traffic each needs at the least.
 */
export interface KernelProgram {
  readonly name: string;
  readonly text: string;
  /** Floating-point operations, where they are what is counted: a product and a sum are two. */
  readonly flops?: number;
  /** Bytes that must be read and written at least once. */
  readonly bytes: number;
  /** Milliseconds of the best kernel written by hand for SwiftShader, on two quiet cores, waited for as ours are: the goal there. */
  readonly byHand?: number;
  /** Too large for a processor that plays GPU, or there to be larger than a GPU's caches. */
  readonly large?: true;
  /** What a goal on GPUs is about: measured first there. */
  readonly goal?: true;
  /** The entry to run; `step` runs are measured in the dispatches that update parameters. */
  readonly entry: "predict" | "step";
}

const model = (lines: string): string => `model Kernel {\n${lines.split("\n").map((line) => `  ${line.trim()}\n`).join("")}}\n`;

/** The product of two matrices, in the four transposed forms. */
function products(n: number, byHand?: number): readonly KernelProgram[] {
  const forms = [["A B", "a @ b"], ["Aᵀ B", "transpose(a) @ b"], ["A Bᵀ", "a @ transpose(b)"], ["Aᵀ Bᵀ", "transpose(a) @ transpose(b)"]] as const;
  return forms.map(([name, formula]) => ({
    name: `${name}, ${n}`, entry: "predict", flops: 2 * n ** 3, bytes: 12 * n * n, ...(byHand !== undefined && { byHand }), text: model(`input a: f32[${n}, ${n}]\ninput b: f32[${n}, ${n}]\noutput c = ${formula}`),
  }));
}

const vectors: readonly KernelProgram[] = [
  ["A v, 1024", "a @ v"],
  ["vᵀ A, 1024", "v @ a"],
].map(([name = "", formula = ""]) => ({
  name, entry: "predict", flops: 2 * 1024 ** 2, bytes: 4 * (1024 ** 2 + 2 * 1024), text: model(`input a: f32[1024, 1024]\ninput v: f32[1024]\noutput c = ${formula}`),
}));

const elements = 2 ** 18;
const million = 2 ** 20;

const elementwise: readonly KernelProgram[] = [
  { name: "a + b, 262144", entry: "predict", bytes: 12 * elements, byHand: 0.95, text: model(`input a: f32[${elements}]\ninput b: f32[${elements}]\noutput o = a + b`) },
  {
    name: "tanh(a b + c) a + b, 262144", entry: "predict", bytes: 16 * elements, byHand: 2.4,
    text: model(`input a: f32[${elements}]\ninput b: f32[${elements}]\ninput c: f32[${elements}]\noutput o = tanh(a * b + c) * a + b`),
  },
  {
    name: "Adam, 1048576", entry: "step", bytes: 28 * million,
    text: `${model(`input g: f32[${million}]\nparam w: f32[${million}] ~ zeros\nloss = sum(w * g)`)}\ntrain Kernel {\n  steps = 1\n  optimizer = adam()\n}\n`,
  },
];

const rows: readonly KernelProgram[] = [
  ["sum of rows, 1024 x 256", "sum(x, axis = 1)", 4 * (1024 * 256 + 1024), 0.47],
  ["sum of columns, 1024 x 256", "sum(x, axis = 0)", 4 * (1024 * 256 + 256), 0.68],
  ["softmax, 1024 x 256", "softmax(x)", 8 * 1024 * 256, 2.0],
  ["layer norm, 1024 x 256", "layer_norm(x)", 8 * 1024 * 256, 1.5],
].map(([name, formula, bytes, byHand]) => ({ name: String(name), entry: "predict", bytes: Number(bytes), byHand: Number(byHand), text: model(`input x: f32[1024, 256]\noutput o = ${formula}`) }));

/** The second convolution of the benchmark's `cnn`: 16 to 32 channels of 14 x 14, 3 x 3, a batch of 64. */
const image = 64 * 14 * 14;
const convolution = (name: string, output: string): KernelProgram => ({
  name: `${name}, 64 x 16 x 14 x 14 to 32, 3 x 3`, entry: "predict", flops: 2 * image * 32 * 16 * 9, bytes: 4 * (image * (16 + 32) + 32 * 16 * 9),
  text: model(`input x: f32[64, 16, 14, 14]\ninput K: f32[32, 16, 3, 3]\ninput g: f32[64, 32, 14, 14]\ny = correlate2d(x, K, padding = 1)\noutput o = ${output}`),
});
const convolutions: readonly KernelProgram[] = [
  convolution("convolution", "y"),
  convolution("its gradient by K", "grad(sum(y * g), K)"),
  convolution("its gradient by x", "grad(sum(y * g), x)"),
];

const large: readonly KernelProgram[] = [
  ...products(2048),
  ...products(4096),
  { name: "a + b, 16777216", entry: "predict", bytes: 12 * 2 ** 24, text: model(`input a: f32[${2 ** 24}]\ninput b: f32[${2 ** 24}]\noutput o = a + b`) },
  { name: "sum of rows, 16384 x 1024", entry: "predict", bytes: 4 * (2 ** 24 + 2 ** 14), text: model("input x: f32[16384, 1024]\noutput o = sum(x, axis = 1)") },
  { name: "sum of columns, 16384 x 1024", entry: "predict", bytes: 4 * (2 ** 24 + 2 ** 10), text: model("input x: f32[16384, 1024]\noutput o = sum(x, axis = 0)") },
  { name: "softmax, 16384 x 1024", entry: "predict", bytes: 8 * 2 ** 24, text: model("input x: f32[16384, 1024]\noutput o = softmax(x)") },
  { name: "layer norm, 16384 x 1024", entry: "predict", bytes: 8 * 2 ** 24, text: model("input x: f32[16384, 1024]\noutput o = layer_norm(x)") },
].map((program): KernelProgram => ({ ...program, entry: "predict", large: true, goal: true }));

export const kernelPrograms: readonly KernelProgram[] = [...products(256, 6.5), ...products(512, 50), ...products(1024).map((program): KernelProgram => ({ ...program, goal: true })), ...vectors, ...elementwise, ...rows, ...convolutions, ...large];
