/**
 * One element of a tensor for each value of the index variables. In: a tensor (a node over some variables and its own
 * axes) and one index per own axis. Out: a value over all variables that take part.
 *
 *     I[n, c, i + u, j + v]      one view; a repeated index is a diagonal, a sum of indices is im2col
 *     s[i, y[i]]                 a gather along axis 1 with i as batch
 *     x[p[k], 2*i]               a view (every second column), then a gather
 *
 * An index that is linear in variables goes into the map of one view; any other is data, and gathers. Where the map
 * can leave the tensor (a condition around keeps those elements out, or they are 0), the view is guarded and gives 0
 * there; data that only a condition keeps inside is brought into its axis, and what it picks elsewhere is not used.
 */
import * as access from "../ir/access.ts";
import type { Affine, Coordinate, Guard } from "../ir/access.ts";
import * as dims from "../ir/dims.ts";
import type { Dim } from "../ir/dims.ts";
import type { Emit } from "../ir/emit.ts";
import type { Node } from "../ir/node.ts";
import type { IndexVar } from "../check/core.ts";
import type { Bound } from "./build-children.ts";
import { convert, ownShape, spread } from "./build-values.ts";
import type { Value, Variables } from "./build-values.ts";

/** The element of `base` at `index`; in `guarded` axes the index may be anything where the element is not used. */
export function accessValue(e: Emit, variables: Variables, base: Value, index: readonly Value[], guarded?: ReadonlySet<number>): Value {
  const own = ownShape(base);
  // The axes of base's own variables are picked at those variables.
  const picks: Pick[] = [
    ...base.vars.map((v): Pick => ({ form: { c: 0, terms: new Map([[v, 1]]) }, extent: v.extent })),
    ...own.map((extent, a): Pick => {
      const value = index[a] as Value;
      const form = linear(value);
      return form ? { form, extent } : { data: value, extent, guarded: guarded?.has(a) ?? false };
    }),
  ];
  const data = picks.flatMap((p) => (p.data ? [p] : []));
  return data.length === 0 ? viewAt(e, variables, base.node, picks) : gatherAt(e, variables, base.node, picks);
}

/** One axis of a tensor and where it is read. */
interface Pick {
  readonly extent: Dim;
  readonly form?: LinearForm;
  readonly data?: Value;
  /** Data that is to be brought into the axis: what it picks otherwise is not used. */
  readonly guarded?: boolean;
}

interface LinearForm {
  readonly c: Dim;
  readonly terms: ReadonlyMap<IndexVar, number>;
}

/** The form of an index, if only index variables occur in it. */
function linear(value: Value): LinearForm | undefined {
  const { form } = value;
  if (!form) return undefined;
  const terms = new Map<IndexVar, number>();
  for (const [v, k] of form.terms) {
    if (!isIndexVar(v)) return undefined;
    terms.set(v, k);
  }
  return { c: form.c, terms };
}

/** Tells an index variable from what loops bind. */
export function isIndexVar(v: Bound): v is IndexVar {
  return "extent" in v;
}

function affineOf(form: LinearForm, axisOf: (v: IndexVar) => number, rank: number): Affine {
  const k = new Array<number>(rank).fill(0);
  for (const [v, by] of form.terms) k[axisOf(v)] = by;
  return access.affine(form.c, k);
}

/** Guards that keep a coordinate inside its axis, where that is not plain. */
function inside(form: Affine, extent: Dim, shape: readonly Dim[]): Guard[] {
  const rank = shape.length;
  const last = access.addAffine(access.constant(dims.sub(extent, 1), rank), access.scaleAffine(form, -1));
  return [form, last].filter((f) => !access.provenNonnegative(f, shape)).map((value): Guard => ({ kind: "nonnegative", value }));
}

function viewAt(e: Emit, variables: Variables, node: Node, picks: readonly Pick[]): Value {
  const vars = variables.union(picks.map((p) => [...(p.form?.terms.keys() ?? [])]));
  const shape = vars.map((v) => v.extent);
  const forms = picks.map((p) => affineOf(p.form as LinearForm, (v) => vars.indexOf(v), vars.length));
  const guards = access.tidyGuards(picks.flatMap((p, a) => inside(forms[a] as Affine, p.extent, shape)), shape);
  return { node: e.view(node, { shape, index: forms.map(access.whole), guards }), vars };
}

/**
 * View to [B…, K, R…], then gather: B are the variables that both the data and the linear indices depend on, R the other ones of
 * the linear indices, K the axis (or all axes as one) that data picks from.
 */
function gatherAt(e: Emit, variables: Variables, node: Node, picks: readonly Pick[]): Value {
  const data = picks.flatMap((p) => (p.data ? [{ value: p.data, extent: p.extent, guarded: p.guarded }] : []));
  const byData = variables.union(data.map((d) => d.value.vars));
  const byForm = variables.union(picks.map((p) => [...(p.form?.terms.keys() ?? [])]));
  const batch = byForm.filter((v) => byData.includes(v));
  const picked = byData.filter((v) => !batch.includes(v));
  const rest = byForm.filter((v) => !batch.includes(v));
  const indexVars = [...batch, ...picked];

  const k = batch.length;
  const shape = [...batch.map((v) => v.extent), ...data.map((d) => d.extent), ...rest.map((v) => v.extent)];
  const axisOf = (v: IndexVar): number => (batch.includes(v) ? batch.indexOf(v) : k + data.length + rest.indexOf(v));
  let next = k;
  const viewGuards: Guard[] = [];
  const index: Coordinate[] = picks.map((p) => {
    if (!p.form) return access.whole(access.unit(next++, shape.length));
    const form = affineOf(p.form, axisOf, shape.length);
    viewGuards.push(...inside(form, p.extent, shape));
    return access.whole(form);
  });
  let from = e.view(node, { shape, index, guards: access.tidyGuards(viewGuards, shape) });
  if (data.length > 1) from = e.reshape(from, [...shape.slice(0, k), dims.product(data.map((d) => d.extent)), ...shape.slice(k + data.length)]);

  const filled = (extent: Dim, like: Node): Node => (typeof extent === "number" ? e.like(like, Math.min(extent, largestPosition)) : e.broadcast(e.size(extent), like.type.shape, []));
  const positions = data.reduce<Node | undefined>((flat, { value, extent, guarded }) => {
    const given = convert(e, value.node, "i32");
    const inside = guarded ? clamped(e, given, e.add(filled(extent, given), e.like(given, -1))) : given;
    const at = spread(e, { node: inside, vars: value.vars }, indexVars, []);
    return flat ? e.add(e.mul(flat, filled(extent, at)), at) : at;
  }, undefined) as Node;

  const { dtype } = from.type;
  const wide = dtype === "bool" || dtype === "u32" ? convert(e, from, "i32") : from;
  const gathered = convert(e, e.gather(wide, positions, k), dtype);
  const vars = variables.union([byData, byForm]);
  return { node: spread(e, { node: gathered, vars: [...indexVars, ...rest] }, vars, []), vars };
}

/** No i32 is larger, so it bounds positions as well as a larger size would; a tensor of more elements is refused when its memory is planned. */
const largestPosition = 2 ** 31 - 1;

/** x brought into 0 .. last. */
function clamped(e: Emit, x: Node, last: Node): Node {
  return e.max(e.neg(e.max(e.neg(x), e.neg(last))), e.like(x, 0));
}
