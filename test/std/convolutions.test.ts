/**
 * Convolutions of every form, as index notation and as calls of the library: values and both adjoints against loops over what meets
 * what, second derivatives against central differences. The adjoints are contractions, as the convolution is.
 */
import { describe, expect, it } from "vitest";
import { topological } from "../../src/graph/topological.ts";
import { rootsOf } from "../../src/graph/walk.ts";
import { near, numbers, opened, program, range, sum } from "../language/kit.ts";

/** Pairs of positions (flat) that meet in an element of the result. */
interface Meeting {
  readonly z: number;
  readonly x: number;
  readonly K: number;
}

interface Form {
  readonly x: readonly number[];
  readonly K: readonly number[];
  readonly z: readonly number[];
  readonly meets: readonly Meeting[];
  /** The lines that define z from x and K; several ways to say one thing. */
  readonly texts: readonly string[];
  /** Its adjoints are contractions. */
  readonly contractions: boolean;
}

/** All that meets, by loops over the axes of some tensors together; `at` gives the places, undefined where they are outside. */
function meetings(x: readonly number[], K: readonly number[], z: readonly number[], loops: readonly number[], at: (i: readonly number[]) => readonly [z: readonly number[], x: readonly number[], K: readonly number[]]): Meeting[] {
  const flat = (index: readonly number[], shape: readonly number[]): number | undefined =>
    index.every((i, a) => i >= 0 && i < (shape[a] ?? 0)) ? index.reduce((n, i, a) => n * (shape[a] ?? 0) + i, 0) : undefined;
  const all = loops.reduce<number[][]>((lists, extent) => lists.flatMap((l) => range(extent).map((i) => [...l, i])), [[]]);
  return all.flatMap((i) => {
    const [pz, px, pk] = at(i);
    const [a, b, c] = [flat(pz, z), flat(px, x), flat(pk, K)];
    return a === undefined || b === undefined || c === undefined ? [] : [{ z: a, x: b, K: c }];
  });
}

/** One axis: z[n, f, t] = Σ x[n, c, s t + d u - p] K[f, c, u]. */
function line(stride: number, dilation: number, padding: number, texts: readonly string[]): Form {
  const [x, K] = [[2, 2, 9], [3, 2, 3]];
  const z = [2, 3, Math.floor((9 + 2 * padding - dilation * 2 - 1) / stride) + 1];
  const meets = meetings(x, K, z, [2, 3, z[2] ?? 0, 2, 3], ([n = 0, f = 0, t = 0, c = 0, u = 0]) => [[n, f, t], [n, c, stride * t + dilation * u - padding], [f, c, u]]);
  return { x, K, z, meets, texts, contractions: stride === 1 || dilation === 1 };
}

/** Two axes, in groups: z[n, g f, i, j] = Σ x[n, g c, s i + d u - p, s j + d v - p] K[g f, c, u, v]. */
function plane(stride: number, dilation: number, padding: number, groups: number, texts: readonly string[]): Form {
  const [x, K] = [[2, 4, 6, 5], [4, 4 / groups, 2, 3]];
  const extent = (size: number, k: number): number => Math.floor((size + 2 * padding - dilation * (k - 1) - 1) / stride) + 1;
  const z = [2, 4, extent(6, 2), extent(5, 3)];
  const per = 4 / groups;
  const meets = meetings(x, K, z, [2, 4, z[2] ?? 0, z[3] ?? 0, per, 2, 3], ([n = 0, f = 0, i = 0, j = 0, c = 0, u = 0, v = 0]) => [
    [n, f, i, j], [n, Math.floor(f / per) * per + c, stride * i + dilation * u - padding, stride * j + dilation * v - padding], [f, c, u, v],
  ]);
  return { x, K, z, meets, texts, contractions: stride === 1 || dilation === 1 };
}

/** Transposed: z[n, f, s i + d u - p, s j + d v - p] collects x[n, c, i, j] K[c, f, u, v]. */
function transposed(stride: number, dilation: number, padding: number, texts: readonly string[]): Form {
  const [x, K] = [[2, 3, 3, 4], [3, 2, 2, 3]];
  const extent = (size: number, k: number): number => (size - 1) * stride - 2 * padding + dilation * (k - 1) + 1;
  const z = [2, 2, extent(3, 2), extent(4, 3)];
  const meets = meetings(x, K, z, [2, 3, 3, 4, 2, 2, 3], ([n = 0, c = 0, i = 0, j = 0, f = 0, u = 0, v = 0]) => [
    [n, f, stride * i + dilation * u - padding, stride * j + dilation * v - padding], [n, c, i, j], [c, f, u, v],
  ]);
  // Its adjoints are convolutions with that stride.
  return { x, K, z, meets, texts, contractions: true };
}

/** Transposed group by group: channels 0 and 1 of four give the filters 0 to 2 of six, and channels 2 and 3 the others. */
function transposedGroups(stride: number, texts: readonly string[]): Form {
  const [x, K, z] = [[2, 4, 3, 4], [4, 3, 2, 3], [2, 6, 2 * stride + 2, 3 * stride + 3]];
  const meets = meetings(x, K, z, [2, 4, 3, 4, 3, 2, 3], ([n = 0, c = 0, i = 0, j = 0, f = 0, u = 0, v = 0]) => [[n, Math.floor(c / 2) * 3 + f, stride * i + u, stride * j + v], [n, c, i, j], [c, f, u, v]]);
  return { x, K, z, meets, texts, contractions: true };
}

/** Transposed along one axis, in two groups. */
function transposedLine(stride: number, dilation: number, texts: readonly string[]): Form {
  const [x, K, z] = [[2, 4, 5], [4, 2, 3], [2, 4, 4 * stride + 2 * dilation + 1]];
  const meets = meetings(x, K, z, [2, 4, 5, 2, 3], ([n = 0, c = 0, i = 0, f = 0, u = 0]) => [[n, Math.floor(c / 2) * 2 + f, stride * i + dilation * u], [n, c, i], [c, f, u]]);
  return { x, K, z, meets, texts, contractions: true };
}

const forms: Readonly<Record<string, Form>> = {
  "one axis": line(1, 1, 0, ["z[n, f, t] = sum[c, u] x[n, c, t + u] * K[f, c, u]", "z[n, f, t] = sum[u, c] K[f, c, u] * x[n, c, t + u]"]),
  "one axis, stride 2": line(2, 1, 0, ["z[n, f, t in 0..4] = sum[c, u] x[n, c, 2 * t + u] * K[f, c, u]"]),
  "one axis, dilation 2": line(1, 2, 0, ["z[n, f, t] = sum[c, u] x[n, c, t + 2 * u] * K[f, c, u]"]),
  "one axis, padding 1": line(1, 1, 1, [
    "z[n, f, t in 0..9] = sum[c, u where t + u >= 1 and t + u < 10] x[n, c, t + u - 1] * K[f, c, u]",
    "y = pad(x, 1, axis = 2)\n  z[n, f, t] = sum[c, u] y[n, c, t + u] * K[f, c, u]",
  ]),
  "one axis, stride 3, dilation 2, padding 2": line(3, 2, 2, ["y = pad(x, 2, axis = 2)\n  z[n, f, t in 0..3] = sum[c, u] y[n, c, 3 * t + 2 * u] * K[f, c, u]"]),
  "two axes": plane(1, 1, 0, 1, ["z[n, f, i, j] = sum[c, u, v] x[n, c, i + u, j + v] * K[f, c, u, v]", "z = correlate2d(x, K)"]),
  "two axes, stride 2, padding 1": plane(2, 1, 1, 1, ["z = correlate2d(x, K, stride = 2, padding = 1)"]),
  "two axes, dilation 2, padding 2": plane(1, 2, 2, 1, ["z = correlate2d(x, K, dilation = 2, padding = 2)"]),
  "two axes, two groups": plane(1, 1, 1, 2, ["z = correlate2d_grouped(x, K, 2, padding = 1)"]),
  "each channel by itself": plane(1, 1, 0, 4, ["z = correlate2d_grouped(x, K, 4)", "z[n, c, i, j] = sum[u, v] x[n, c, i + u, j + v] * K[c, 0, u, v]"]),
  "transposed": transposed(1, 1, 0, ["z = correlate2d_transposed(x, K)"]),
  "transposed, stride 2, padding 1": transposed(2, 1, 1, ["z = correlate2d_transposed(x, K, stride = 2, padding = 1)"]),
  "transposed, two groups": transposedGroups(1, ["z = correlate2d_transposed(x, K, groups = 2)"]),
  "transposed, two groups, stride 2": transposedGroups(2, ["z = correlate2d_transposed(x, K, stride = 2, groups = 2)"]),
  "transposed, one axis, two groups": transposedLine(1, 1, ["z = correlate1d_transposed(x, K, groups = 2)"]),
  "transposed, one axis, two groups, stride 2": transposedLine(2, 1, ["z = correlate1d_transposed(x, K, stride = 2, groups = 2)"]),
  "transposed, one axis, two groups, dilation 2": transposedLine(1, 2, ["z = correlate1d_transposed(x, K, dilation = 2, groups = 2)"]),
  "transposed, dilation 2": transposed(1, 2, 0, ["z = correlate2d_transposed(x, K, dilation = 2)"]),
};

const size = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);
const cases = Object.entries(forms).flatMap(([name, form]) => form.texts.map((text) => [name, text, form] as const));

describe.each(cases)("%s: %s", (_, text, form) => {
  const lines = `input x: f32[N, ${form.x.slice(1).join(", ")}]
  input K: f32[${form.K.join(", ")}]
  input w: f32[N, ${form.z.slice(1).join(", ")}]
  input V: f32[N, ${form.x.slice(1).join(", ")}]
  ${text}
  output value = z
  output dx = grad(sum(w * z), x)
  output dK = grad(sum(w * z), K)
  l = sum(sin(z))
  output q = l
  output slope = grad(l, x)
  output bend = hvp(l, x, V)
  output mixed = grad(sum(grad(l, x) * V), K)`;
  const feed = { x: numbers(size(form.x), 2), K: numbers(size(form.K), 3), w: numbers(size(form.z), 5), V: numbers(size(form.x), 7) };

  it("has the values and the adjoints of what meets", async () => {
    const session = await opened(lines);
    const found = await session.predict(feed);
    const collect = (to: keyof Meeting, count: number, value: (m: Meeting) => number): number[] => {
      const out = new Array<number>(count).fill(0);
      for (const m of form.meets) out[m[to]] = (out[m[to]] ?? 0) + value(m);
      return out;
    };
    near([...(found["value"]?.data ?? [])], collect("z", size(form.z), (m) => (feed.x[m.x] ?? 0) * (feed.K[m.K] ?? 0)));
    near([...(found["dx"]?.data ?? [])], collect("x", size(form.x), (m) => (feed.w[m.z] ?? 0) * (feed.K[m.K] ?? 0)));
    near([...(found["dK"]?.data ?? [])], collect("K", size(form.K), (m) => (feed.w[m.z] ?? 0) * (feed.x[m.x] ?? 0)));
    const moved = async (by: number, what: "x" | "K", along: readonly number[]): ReturnType<typeof session.predict> => session.predict({ ...feed, [what]: feed[what].map((v, k) => v + by * (along[k] ?? 0)) });
    const [up, down] = [await moved(1e-6, "x", feed.V), await moved(-1e-6, "x", feed.V)];
    const difference = (name: string, k = 0): number => ((up[name]?.data[k] ?? 0) - (down[name]?.data[k] ?? 0)) / 2e-6;
    const close = (claimed: number, measured: number): void => expect(Math.abs(claimed - measured)).toBeLessThan(1e-5 + 1e-3 * Math.abs(measured));
    close(sum([...(found["slope"]?.data ?? [])].map((g, k) => g * (feed.V[k] ?? 0))), difference("q"));
    found["bend"]?.data.forEach((h: number, k: number) => close(h, difference("slope", k)));
    // ∂/∂K of the slope along V, along one direction.
    const along = numbers(size(form.K), 11);
    const slopeAlong = (s: Awaited<ReturnType<typeof moved>>): number => sum([...(s["slope"]?.data ?? [])].map((g, k) => g * (feed.V[k] ?? 0)));
    const [above, below] = [await moved(1e-6, "K", along), await moved(-1e-6, "K", along)];
    close(sum([...(found["mixed"]?.data ?? [])].map((g, k) => g * (along[k] ?? 0))), (slopeAlong(above) - slopeAlong(below)) / 2e-6);
  });

  it(form.contractions ? "is contractions, with their adjoints" : "keeps what each place gives, with a stride and a dilation", () => {
    const graph = program(lines).graph("predict");
    const nodes = topological(rootsOf({ ...graph, outputs: graph.outputs.filter((o) => o.name === "dx" || o.name === "dK") }));
    // A sum over a window of a product is a product in all but name where no channel is summed.
    const windows = nodes.filter((n) => n.op === "reduce" && n.attrs.kind === "sum" && n.inputs[0]?.op === "view" && n.inputs[0].inputs[0]?.op === "contract");
    expect(windows.length === 0).toBe(form.contractions);
    expect(nodes.some((n) => n.op === "contract" || n.op === "reduce")).toBe(true);
  });
});
