/**
 * Random valid graphs for property tests. A recipe is plain data (numbers), so that fast-check can shrink it and a
 * failure can be pasted into a test; `graphOf` reads any recipe as a valid graph. Values stay finite and moderate:
 * exponents are scaled down, divisors and logarithms are kept above one.
 *
 *     fc.assert(fc.property(recipes(), (recipe) => { const graph = graphOf(recipe); … }))
 *
 * Ranks 0 to 3, sizes 1, 2, 3, 7; broadcasting, transposed, sliced, padded, flipped and diagonal views, reductions,
 * contractions, gathers, selects, concatenations, softmax and logsumexp as they are written by hand.
 */
import fc from "fast-check";
import * as access from "../../src/ir/access.ts";
import type { Dim } from "../../src/ir/dims.ts";
import type { Emit } from "../../src/ir/emit.ts";
import type { Graph, Node } from "../../src/ir/node.ts";
import { Builder } from "../../src/graph/builder.ts";

export interface Step {
  readonly kind: number;
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

export interface Recipe {
  /** The shapes of the f32 inputs `x0`, `x1`, …, as positions in `sizes`. */
  readonly leaves: readonly (readonly number[])[];
  readonly steps: readonly Step[];
}

export const sizes = [1, 2, 3, 7] as const;

/** Recipes of at most `steps` steps. */
export function recipes(steps = 12): fc.Arbitrary<Recipe> {
  const some = fc.nat({ max: 1000 });
  // Without bias: small numbers are no simpler than large ones here, and small graphs find little.
  return fc.noBias(
    fc.record({
      leaves: fc.array(fc.array(fc.nat({ max: sizes.length - 1 }), { maxLength: 3, size: "max" }), { minLength: 1, maxLength: 3, size: "max" }),
      steps: fc.array(fc.record({ kind: some, a: some, b: some, c: some }), { minLength: 1, maxLength: steps, size: "max" }),
    }),
  );
}

/** The graph of a recipe: its outputs are the values that nothing uses, `loss` the sum of all of them. */
export function graphOf(recipe: Recipe, builder = new Builder()): Graph {
  const pool: Node[] = recipe.leaves.map((at, i) =>
    builder.leaf({ kind: "input", path: `x${i}`, type: { dtype: "f32", shape: at.map((s) => sizes[s % sizes.length] as number) } }),
  );
  const used = new Set<Node>();
  for (const step of recipe.steps) {
    const read: Node[] = [];
    const made = apply(builder, step, pool, (n) => read.push(n));
    if (!made || volume(made) > 512 || made.type.shape.length > 3) continue;
    pool.push(made);
    for (const n of read) if (n !== made) used.add(n);
  }
  const ends = [...new Set(pool.filter((n) => !used.has(n)))];
  const total = ends.map((n) => builder.reduce("sum", n, n.type.shape.map((_, a) => a))).reduce((x, y) => builder.add(x, y));
  const outputs = ends.map((node, i) => ({ name: `y${i}`, kind: "output" as const, node }));
  return builder.finish("evaluate", [...outputs, { name: "loss", kind: "loss", node: total }], []);
}

const volume = (n: Node): number => (n.type.shape as readonly number[]).reduce((p, d) => p * d, 1);

type Maker = (e: Emit, step: Step, x: Node, pick: (k: number) => Node) => Node | undefined;

function apply(e: Emit, step: Step, pool: readonly Node[], use: (n: Node) => void): Node | undefined {
  const pick = (k: number): Node => {
    const node = pool[k % pool.length] as Node;
    use(node);
    return node;
  };
  const maker = makers[step.kind % makers.length] as Maker;
  return maker(e, step, pick(step.a), pick);
}

const rank = (x: Node): number => x.type.shape.length;
const axesOf = (x: Node): number[] => x.type.shape.map((_, a) => a);

/** `y` in the shape of `x`: broadcast where that fits, else its sum broadcast. */
function fit(e: Emit, y: Node, x: Node): Node {
  const lead = rank(x) - rank(y);
  const axes = axesOf(y).map((a) => a + lead);
  const fits = lead >= 0 && axes.every((a, i) => x.type.shape[a] === y.type.shape[i]);
  return fits ? e.broadcast(y, x.type.shape, axes) : e.broadcast(e.reduce("sum", y, axesOf(y)), x.type.shape, []);
}

const half = (e: Emit, x: Node): Node => e.mul(x, e.like(x, 0.25));
/** Away from a tie: x and log(exp(x)) are equal but for rounding, which no comparison may decide on. */
const apart = (e: Emit, x: Node): Node => e.add(x, e.like(x, 0.37));
const overOne = (e: Emit, x: Node): Node => e.add(e.mul(x, x), e.like(x, 1));

const makers: readonly Maker[] = [
  (e, _s, x) => e.neg(x),
  (e, _s, x) => e.exp(half(e, e.make("tanh", {}, [x]))),
  (e, _s, x) => e.log(overOne(e, x)),
  (e, _s, x) => e.sqrt(overOne(e, x)),
  (e, _s, x) => e.sin(x),
  (e, _s, x) => e.cos(x),
  (e, _s, x) => e.sigmoid(x),
  (e, _s, x) => e.make("tanh", {}, [x]),
  (e, s, x) => e.add(x, e.like(x, (s.b % 5) - 2)),
  (e, s, x) => e.mul(x, e.like(x, ((s.b % 5) - 2) / 2)),
  (e, s, x) => e.div(x, e.like(x, (s.b % 4) + 1)),
  (e, s, x, pick) => e.add(x, fit(e, pick(s.b), x)),
  (e, s, x, pick) => e.sub(x, fit(e, pick(s.b), x)),
  (e, s, x, pick) => e.mul(e.make("tanh", {}, [x]), fit(e, pick(s.b), x)),
  (e, s, x, pick) => e.div(x, overOne(e, fit(e, pick(s.b), x))),
  (e, s, x, pick) => e.max(x, apart(e, fit(e, pick(s.b), x))),
  (e, _s, x) => e.max(x, e.like(x, 0)),
  (e, s, x) => e.pow(overOne(e, e.sin(x)), [2, 3, 0.5, -1][s.b % 4] as number),
  (e, s, x, pick) => e.select(e.compare(s.c % 2 === 0 ? ">" : "<=", x, apart(e, fit(e, pick(s.b), x))), x, e.like(x, s.c % 3)),
  (e, s, x, pick) => {
    const c = e.compare(">", x, e.like(x, 0.1));
    return e.select(s.c % 2 === 0 ? c : e.not(c), e.sin(x), fit(e, pick(s.b), x));
  },
  (e, s, x) => (rank(x) === 0 ? undefined : e.reduce("sum", x, [s.b % rank(x)])),
  (e, s, x) => (rank(x) === 0 ? undefined : e.reduce("max", x, [s.b % rank(x)])),
  (e, _s, x) => e.reduce("sum", x, axesOf(x)),
  (e, s, x) => e.transpose(x, s.b % 2 === 0 ? axesOf(x).reverse() : [...axesOf(x).slice(1), ...axesOf(x).slice(0, 1)]),
  (e, s, x) => e.broadcast(x, [sizes[s.b % 4] as number, ...x.type.shape], axesOf(x).map((a) => a + 1)),
  (e, s, x) => e.broadcast(x, [...x.type.shape, sizes[s.b % 4] as number], axesOf(x)),
  (e, s, x) => sliced(e, x, s),
  (e, s, x) => padded(e, x, s),
  (e, s, x) => (rank(x) === 0 ? undefined : e.view(x, flip(x.type.shape, s.b % rank(x)))),
  (e, _s, x) => (rank(x) === 2 && x.type.shape[0] === x.type.shape[1] ? e.view(x, { shape: [x.type.shape[0] as Dim], index: [access.whole(access.unit(0, 1)), access.whole(access.unit(0, 1))], guards: [] }) : undefined),
  (e, _s, x) => e.reshape(x, [volume(x)]),
  (e, _s, x) => e.reshape(x, [...x.type.shape, 1]),
  (e, s, x) => (rank(x) === 0 ? undefined : e.concat([x, e.sin(x)], s.b % rank(x))),
  (e, s, x, pick) => product(e, x, pick(s.b)),
  (e, s, x, pick) => formula(e, x, pick(s.b)),
  (e, s, x) => (rank(x) === 0 || x.type.shape.includes(0) ? undefined : chosen(e, x, s)),
  (e, s, x) => (rank(x) === 0 ? undefined : softmax(e, x, s.b % rank(x))),
  (e, s, x) => (rank(x) === 0 ? undefined : e.log(softmax(e, x, s.b % rank(x)))),
  (e, s, x) => (rank(x) === 0 ? undefined : e.log(e.reduce("sum", e.exp(x), [s.b % rank(x)]))),
  (e, _s, x) => e.log(e.add(e.exp(x), e.like(x, 1))),
  (e, _s, x) => e.log(e.sub(e.like(x, 1), e.sigmoid(x))),
];

function sliced(e: Emit, x: Node, s: Step): Node | undefined {
  if (rank(x) === 0) return undefined;
  const axis = s.b % rank(x);
  const extent = x.type.shape[axis] as number;
  const from = s.c % extent;
  const stride = 1 + (s.c % 2);
  const shape = x.type.shape.map((d, a) => (a === axis ? Math.ceil((extent - from) / stride) : d));
  const index = shape.map((_, a) => {
    const unit = access.unit(a, shape.length);
    return access.whole(a === axis ? access.addAffine(access.scaleAffine(unit, stride), access.constant(from, shape.length)) : unit);
  });
  return e.view(x, { shape, index, guards: [] });
}

function padded(e: Emit, x: Node, s: Step): Node | undefined {
  if (rank(x) === 0) return undefined;
  const axis = s.b % rank(x);
  const extent = x.type.shape[axis] as number;
  const left = s.c % 3;
  const shape = x.type.shape.map((d, a) => (a === axis ? extent + left + 1 : d));
  const at = access.addAffine(access.unit(axis, shape.length), access.constant(-left, shape.length));
  const last = access.addAffine(access.scaleAffine(at, -1), access.constant(extent - 1, shape.length));
  const index = shape.map((_, a) => access.whole(a === axis ? at : access.unit(a, shape.length)));
  return e.view(x, { shape, index, guards: [{ kind: "nonnegative", value: at }, { kind: "nonnegative", value: last }] });
}

function flip(shape: readonly Dim[], axis: number): access.AccessMap {
  const index = shape.map((d, a) => {
    const unit = access.unit(a, shape.length);
    return access.whole(a === axis ? access.addAffine(access.scaleAffine(unit, -1), access.constant((d as number) - 1, shape.length)) : unit);
  });
  return { shape, index, guards: [] };
}

/** x @ y' where the last axis of x and some axis of y agree. */
function product(e: Emit, x: Node, y: Node): Node | undefined {
  const last = rank(x) - 1;
  const at = y.type.shape.findIndex((d) => last >= 0 && d === x.type.shape[last]);
  if (at < 0) return undefined;
  const labels = axesOf(y).map((a) => (a === at ? last : 10 + a));
  const out = [...axesOf(x).slice(0, last), ...labels.filter((l) => l !== last)];
  return out.length > 3 ? undefined : e.contract(x, y, axesOf(x), labels, out);
}

/** The same product as index notation elaborates it: a sum of a product of broadcasts. */
function formula(e: Emit, x: Node, y: Node): Node | undefined {
  const last = rank(x) - 1;
  if (last < 0 || rank(y) === 0 || y.type.shape[0] !== x.type.shape[last] || rank(x) + rank(y) - 1 > 4) return undefined;
  const shape = [...x.type.shape, ...y.type.shape.slice(1)];
  const spreadX = e.broadcast(x, shape, axesOf(x));
  const spreadY = e.broadcast(y, shape, axesOf(y).map((a) => a + last));
  return e.reduce("sum", e.mul(spreadY, spreadX), [last]);
}

/** One element of each row, by the position of the largest element of its sine. */
function chosen(e: Emit, x: Node, s: Step): Node {
  const axis = rank(x) - 1;
  const idx = e.argmax(e.sin(x), axis);
  if (s.c % 2 === 0) return e.gather(x, idx, axis);
  const flat = e.reshape(x, [volume(x)]);
  return e.gather(flat, idx, 0);
}

function softmax(e: Emit, x: Node, axis: number): Node {
  const others = axesOf(x).filter((a) => a !== axis);
  const back = (y: Node): Node => e.broadcast(y, x.type.shape, others);
  const y = e.exp(e.sub(x, back(e.stop(e.reduce("max", x, [axis])))));
  return e.div(y, back(e.reduce("sum", y, [axis])));
}
