/**
 * Expressions whose value follows from the values of their parts alone. In: the expression and its parts' values. Out:
 * a value. What depends on guards, loops or the tensors outside a loop is in build-lower.ts.
 *
 *     lowerPlain(entry, { kind: "apply", op: "add", args: [x, b] }, valueOf)     add(x, view b), over the indices of both
 */
import type { Dim } from "../ir/dims.ts";
import type { Emit } from "../ir/emit.ts";
import type { Node } from "../ir/node.ts";
import { tensor } from "../ir/types.ts";
import type { DType } from "../ir/types.ts";
import type { Core, CoreKind, CoreOf, PrimitiveOp } from "../check/core.ts";
import { UserError } from "../support/diagnostic.ts";
import type { Span } from "../support/span.ts";
import { applyNode } from "./build-apply.ts";
import type { Entry } from "./build-entry.ts";
import { matmulValue } from "./build-matmul.ts";
import { reduceNode } from "./build-reduce.ts";
import { addForms, constantForm, convert, convertValue, multiplyForms, ownShape, spread, tensorValue, together } from "./build-values.ts";
import type { Form, Value } from "./build-values.ts";

/** The kinds that need more than their parts' values. */
type Placed = "custom" | "derive" | "replace" | "fold" | "at" | "slice" | "random" | "loop" | "carry" | "iteration";

/** The value of an expression from those of its parts. */
export function lowerPlain(entry: Entry, core: CoreOf<Exclude<CoreKind, Placed>>, get: (part: Core) => Value): Value {
  const { builder: e, structure, variables } = entry;
  switch (core.kind) {
    case "number":
      return { node: e.const(core.type, core.value), vars: [], ...(Number.isInteger(core.value) && { form: constantForm(core.value) }) };
    case "table":
      return tensorValue(e.const(core.type, core.data));
    case "hyper":
      return tensorValue(convert(e, e.leaf({ kind: "hyper", path: core.name, type: tensor("f32", []) }), core.type.dtype));
    case "step":
      return tensorValue(convert(e, entry.counter(core.name, tensor("f32", [])), core.type.dtype));
    case "leaf":
      return tensorValue(entry.leaf(core.role, core.path, core.type));
    case "gradient":
      return tensorValue(entry.gradient(core.path));
    case "size":
      return { node: convert(e, extentNode(entry, core.dim), core.type.dtype), vars: [], form: constantForm(core.dim) };
    case "index": {
      const { variable } = core;
      const positions = e.iota(variable.extent);
      const node = variable.lo === 0 ? positions : e.add(positions, spread(e, tensorValue(extentNode(entry, variable.lo)), [variable], []));
      return convertValue(e, { node, vars: [variable], form: { c: variable.lo, terms: new Map([[variable, 1]]) } }, core.type.dtype);
    }
    case "apply":
      return applied(entry, core, core.args.map(get));
    case "cast":
      return convertValue(e, get(core.arg), core.to);
    case "select": {
      const values = [convertValue(e, get(core.condition), "bool"), ...[core.then, core.otherwise].map((c) => convertValue(e, get(c), core.type.dtype))];
      const { nodes, vars } = together(e, variables, values, core.type.shape);
      const [condition, then, otherwise] = nodes as readonly [Node, Node, Node];
      return { node: e.select(condition, then, otherwise), vars };
    }
    case "training":
      return convertValue(e, get(structure.chosen(core)), core.type.dtype);
    case "reduce": {
      const x = get(core.arg);
      const axes = core.axes.map((a) => a + x.vars.length).sort((a, b) => a - b);
      return { node: reduceNode(e, { op: core.op, x: x.node, axes, mask: undefined, dtype: core.type.dtype }), vars: x.vars };
    }
    case "matmul":
      return matmulValue(e, variables, get(core.a), get(core.b), core.type.dtype);
    case "transpose": {
      const x = get(core.arg);
      const k = x.vars.length;
      return { node: e.transpose(x.node, [...x.vars.map((_, a) => a), ...core.order.map((a) => a + k)]), vars: x.vars };
    }
    case "primitive": {
      const values = core.args.map((c) => convertValue(e, get(c), c.type.dtype));
      const vars = variables.union(values.map((v) => v.vars));
      return { node: primitiveNode(e, core.op, values.map((v) => spread(e, v, vars, ownShape(v))), vars.length), vars };
    }
    case "reshape": {
      const x = get(core.arg);
      return { node: e.reshape(x.node, [...x.vars.map((v) => v.extent), ...core.type.shape]), vars: x.vars };
    }
    case "broadcast": {
      const x = convertValue(e, get(core.arg), core.type.dtype);
      return { node: spread(e, x, x.vars, core.type.shape), vars: x.vars };
    }
    case "concat": {
      const values = core.args.map((c) => convertValue(e, get(c), core.type.dtype));
      const vars = variables.union(values.map((v) => v.vars));
      return { node: e.concat(values.map((v) => spread(e, v, vars, ownShape(v))), core.axis + vars.length), vars };
    }
    case "comprehend": {
      const body = convertValue(e, get(core.body), core.type.dtype);
      const around = body.vars.filter((v) => !core.indices.includes(v));
      return { node: spread(e, body, [...around, ...core.indices], []), vars: around };
    }
    case "stop": {
      const x = get(core.arg);
      return { node: e.stop(x.node), vars: x.vars };
    }
    case "binding": {
      const value = get(core.value);
      e.name(value.node, { text: core.name, span: core.named });
      return value;
    }
  }
}

/** A dimension as an i32 scalar. */
export function extentNode(entry: Entry, dim: Dim): Node {
  return typeof dim === "number" ? entry.builder.scalar(dim, "i32") : entry.builder.size(dim);
}

/** The primitive over values that have `lead` axes of their own before those of the program. */
function primitiveNode(e: Emit, op: PrimitiveOp, inputs: readonly Node[], lead: number): Node {
  switch (op.name) {
    case "cumsum":
      return e.make("cumsum", { axis: op.axis + lead, reverse: op.reverse, exclusive: op.exclusive }, inputs);
    case "argsort":
      return e.make("argsort", { axis: op.axis + lead, descending: op.descending }, inputs);
    case "cholesky":
      return e.make("cholesky", {}, inputs);
    case "triangular_solve":
      return e.make("triangular_solve", { lower: op.lower }, inputs);
  }
}

/** The diagnostic for a legal program that cannot be built. */
export function unsupported(what: string, span: Span): UserError {
  return new UserError({ code: "E0120", message: `${what} is not supported yet`, span, unsupported: true });
}

function applied({ builder: e, variables }: Entry, core: CoreOf<"apply">, args: readonly Value[]): Value {
  const dtype = operandType(core, args);
  const { nodes, vars } = together(e, variables, args.map((v) => convertValue(e, v, dtype)), core.type.shape);
  const node = convert(e, applyNode(e, core.op, nodes), core.type.dtype);
  const form = core.type.dtype === "i32" ? formOf(core, args) : undefined;
  return { node, vars, ...(form && { form }) };
}

/** Comparisons work in their operands' type, all else in the result's. */
function operandType(core: CoreOf<"apply">, args: readonly Value[]): DType {
  if (typeof core.op !== "object") return core.type.dtype;
  const types = args.map((v) => v.node.type.dtype);
  const [first] = types;
  if (first && types.every((t) => t === first)) return first;
  return types.includes("f32") ? "f32" : "i32";
}

function formOf(core: CoreOf<"apply">, args: readonly Value[]): Form | undefined {
  const [a, b] = args.map((v) => v.form);
  if (!a) return undefined;
  if (core.op === "neg") return addForms(constantForm(0), a, -1);
  if (!b) return undefined;
  if (core.op === "add") return addForms(a, b);
  if (core.op === "sub") return addForms(a, b, -1);
  return core.op === "mul" ? multiplyForms(a, b) : undefined;
}
