/**
 * Written types against actual ones. A declaration's dimensions must be known; a function's parameter binds new ones
 * from its argument, and solves a dimension like `2*n + 1` for its one unknown.
 *
 *     fn f(x: f32[..., n]) with x: f32[N, 8, 3]     ... is [N, 8], n is 3
 */
import * as dims from "../ir/dims.ts";
import type { Dim } from "../ir/dims.ts";
import { type DType, printShape, printType } from "../ir/types.ts";
import type { Span } from "../support/span.ts";
import { suggest } from "../support/suggest.ts";
import type { Ellipsis, Expr, Param, TypeExpr } from "../syntax/ast.ts";
import { provablyNonnegative } from "./bounds.ts";
import { type Context, dtypes, type Env } from "./context.ts";
import { foreignDtype } from "./foreign-names.ts";
import type { DeclaredShape } from "./declared-shape.ts";
import { coerce, isWhole, sizeValue } from "./make.ts";
import { negative } from "./negative.ts";
import { evaluateSize } from "./operands.ts";
import { labelAt } from "./problem.ts";
import { restAxes } from "./rest-axes.ts";
import { Scope } from "./scope.ts";
import { describe, type GivenArgument, poison, type TensorValue, type Value } from "./value.ts";

/** The dtype that a type names. */
export function dtypeOf(cx: Context, type: TypeExpr): DType | undefined {
  const { name, span } = type.dtype;
  const found = dtypes.find((d) => d === name);
  if (found) return found;
  const near = foreignDtype(name) ?? suggest(name, dtypes);
  cx.error({ code: "E0208", message: `there is no element type \`${name}\``, span, label: "unknown type", hint: near ? `did you mean \`${near}\`?` : "element types are f32, i32 and bool" });
  return undefined;
}

/** The shape of a declaration: every dimension is known, but those that `bind` may make. */
export function declaredShape(cx: Context, type: TypeExpr, env: Env, bind?: (name: string, span: Span) => Dim | undefined): DeclaredShape | undefined {
  const dtype = dtypeOf(cx, type);
  const shape: Dim[] = [];
  const fixed: (Span | undefined)[] = [];
  let sound = dtype !== undefined;
  for (const dim of type.dims) {
    if (dim.kind === "ellipsis") {
      const rest = restAxes(cx, dim.span, env);
      if (!rest) return undefined;
      for (const item of rest) {
        if (item.kind !== "tensor" || item.known === undefined) continue;
        shape.push(item.known);
        fixed.push(item.fixed?.[0]);
      }
      continue;
    }
    const made = dim.kind === "name" && unbound(env.scope, dim.name) ? bind?.(dim.name, dim.span) : undefined;
    const size = made ?? evaluateSize(cx, dim, env, "a dimension");
    if (size === undefined) sound = false;
    else if (!provablyNonnegative(size)) {
      cx.error(negative(`this dimension is ${dims.print(size)}`, size, dim.span));
      sound = false;
    }
    shape.push(size ?? 1);
    fixed.push(originOf(dim, env));
  }
  return sound && dtype ? { dtype, shape, fixed } : undefined;
}

/** Where a written dimension got its value: for a name, where that was fixed. */
function originOf(dim: Expr, env: Env): Span {
  if (dim.kind !== "name") return dim.span;
  const found = env.scope.lookup(dim.name);
  const value = found?.value;
  return (value?.kind === "tensor" ? value.fixed?.[0] : undefined) ?? found?.span ?? dim.span;
}

/** True unless the name is a number or size that dimensions can be made of. */
function unbound(scope: Scope<Value>, name: string): boolean {
  const found = scope.lookup(name)?.value;
  return found === undefined || (found.kind !== "tensor" && found.kind !== "poison");
}

/** Checks an argument against its parameter's type and binds the type's dimensions in `env.scope`. */
export function matchArgument(cx: Context, param: Param, given: GivenArgument, env: Env): Value {
  const { type } = param;
  const { value, span } = given;
  if (!type || value.kind === "poison") return value;
  const dtype = dtypeOf(cx, type);
  if (!dtype) return poison;
  if (value.kind !== "tensor") {
    cx.error({
      code: "E0208", message: `\`${param.name.name}\` takes a tensor, and this is ${describe(value)}`, span, label: describe(value),
      related: [labelAt(type.span, "its type is given here")],
    });
    return poison;
  }
  const converted = convert(cx, value, dtype, param, span);
  if (!converted || !matchShape(cx, type, converted, param, span, env)) return poison;
  return converted;
}

function convert(cx: Context, value: TensorValue, dtype: DType, param: Param, span: Span): TensorValue | undefined {
  const own = value.core.type.dtype;
  if (own === dtype || (dtype === "f32" && own !== "u32") || (dtype === "i32" && value.literal && own !== "bool" && isWhole(value.known))) return coerce(value, dtype);
  cx.error({
    code: "E0208", message: `\`${param.name.name}\` takes ${dtype}, and this is ${printType(value.core.type)}`, span, label: printType(value.core.type),
    related: [labelAt(param.type?.span, "its type is given here")],
  });
  return undefined;
}

function matchShape(cx: Context, type: TypeExpr, value: TensorValue, param: Param, span: Span, env: Env): boolean {
  const { shape } = value.core.type;
  const written = type.dims.filter((d) => d.kind !== "ellipsis").length;
  const open = written < type.dims.length;
  if (open ? shape.length < written : shape.length !== written) {
    cx.error({
      code: "E0202", message: `\`${param.name.name}\` takes a tensor with ${open ? `at least ${written}` : written} ${written === 1 ? "axis" : "axes"}, and this has ${shape.length}`,
      span, label: printShape(shape), related: [labelAt(type.span, "its type is given here")],
    });
    return false;
  }
  const pairs: { dim: Expr; size: Dim; fixed: Span | undefined }[] = [];
  const rest = shape.length - written;
  let axis = 0;
  for (const dim of type.dims) {
    if (dim.kind !== "ellipsis") {
      pairs.push({ dim, size: shape[axis] ?? 1, fixed: value.fixed?.[axis] });
      axis++;
      continue;
    }
    if (!bindRest(cx, dim, value, axis, rest, span, env)) return false;
    axis += rest;
  }
  // Names first, so that a dimension made of several finds the others bound.
  pairs.sort((a, b) => Number(a.dim.kind !== "name") - Number(b.dim.kind !== "name"));
  return pairs.every(({ dim, size, fixed }) => matchDim(cx, { dim, size, fixed, shape }, param, span, env));
}

/** Whether the first shape is the second with an axis of 1 behind it. */
function oneMore(a: readonly Dim[], b: readonly Dim[]): boolean {
  return a.length === b.length + 1 && a.at(-1) === 1 && b.every((d, k) => dims.equal(d, a[k] ?? 0));
}

function bindRest(cx: Context, dim: Ellipsis, value: TensorValue, from: number, count: number, span: Span, env: Env): boolean {
  const items = Array.from({ length: count }, (_, k) => sizeValue(value.core.type.shape[from + k] ?? 1, span, value.fixed?.[from + k] ?? span));
  const before = env.scope.own("...")?.value;
  if (before?.kind !== "list") {
    env.scope.define({ name: "...", span: dim.span, value: { kind: "list", items } });
    return true;
  }
  const known = before.items.map((i) => (i.kind === "tensor" ? (i.known ?? 0) : 0));
  const here = items.map((i) => i.known ?? 0);
  if (known.length === here.length && known.every((d, k) => dims.equal(d, here[k] ?? 0))) return true;
  cx.error({ code: "E0202", message: `\`...\` is ${printShape(known)} for one argument and ${printShape(here)} for this one`, span, label: printShape(value.core.type.shape),
    related: [
      ...here.map((d, k) => (known[k] === undefined || dims.equal(d, known[k]) ? undefined : labelAt(items[k]?.fixed?.[0], `${dims.print(d)} comes from here`))),
      ...before.items.map((i, k) => (i.kind !== "tensor" || dims.equal(known[k] ?? 0, here[k] ?? 0) ? undefined : labelAt(i.fixed?.[0], `${dims.print(known[k] ?? 0)} comes from here`))),
      labelAt(dim.span, "it stands here"),
    ],
    hint: oneMore(known, here) || oneMore(here, known) ? "an index takes an axis of 1 away: `p[:, 0]`" : undefined,
  });
  return false;
}

interface DimPair {
  readonly dim: Expr;
  readonly size: Dim;
  readonly fixed: Span | undefined;
  /** Of the whole argument. */
  readonly shape: readonly Dim[];
}

function matchDim(cx: Context, { dim, size, fixed, shape }: DimPair, param: Param, span: Span, env: Env): boolean {
  if (dim.kind === "name" && unbound(env.scope, dim.name)) {
    env.scope.define({ name: dim.name, span: fixed ?? span, value: sizeValue(size, fixed ?? span, fixed ?? span) });
    return true;
  }
  const unknown = [...cx.mentioned(dim)].filter((n) => unbound(env.scope, n));
  const [only] = unknown;
  if (only !== undefined && unknown.length === 1) return solveDim(cx, dim, only, size, fixed ?? span, param, env);
  const wanted = evaluateSize(cx, dim, env, "a dimension");
  if (wanted === undefined) return false;
  if (dims.equal(wanted, size)) return true;
  const which = dim.kind === "number" ? "" : ` (\`${dim.span.source.text.slice(dim.span.start, dim.span.end)}\`)`;
  cx.error({
    code: "E0202", message: `\`${param.name.name}\` needs an axis of ${dims.print(wanted)}${which}, and this one is ${dims.print(size)}`, span,
    label: printShape(shape),
    related: [labelAt(fixed, `${dims.print(size)} comes from here`), labelAt(originOf(dim, env), `${dims.print(wanted)} comes from here`), labelAt(dim.span, "the type asks for it here")],
  });
  return false;
}

/** Solves k·u + rest = size for u. */
function solveDim(cx: Context, dim: Expr, unknown: string, size: Dim, fixed: Span, param: Param, env: Env): boolean {
  const marker = `?${unknown}`;
  const trial = new Scope<Value>(env.scope);
  trial.define({ name: unknown, value: sizeValue(dims.sym(marker), fixed) });
  const form = evaluateSize(cx, dim, { ...env, scope: trial }, "a dimension");
  if (form === undefined) return false;
  const rest = dims.substitute(form, (s) => (s === marker ? 0 : undefined));
  const slope = dims.sub(dims.substitute(form, (s) => (s === marker ? 1 : undefined)), rest);
  const linear = dims.equal(form, dims.add(rest, dims.mul(slope, dims.sym(marker))));
  const solution = linear && slope !== 0 ? dims.divideExactly(dims.sub(size, rest), slope) : undefined;
  if (solution !== undefined) {
    env.scope.define({ name: unknown, span: fixed, value: sizeValue(solution, fixed, fixed) });
    return true;
  }
  cx.error({
    code: "E0202", message: `no whole \`${unknown}\` makes this dimension of \`${param.name.name}\` equal ${dims.print(size)}`, span: dim.span,
    related: [labelAt(fixed, `${dims.print(size)} comes from here`)],
  });
  return false;
}

