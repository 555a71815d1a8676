/** `a @ b`: the last axis of a with the second to last (or only) axis of b; leading axes broadcast. */
import * as dims from "../ir/dims.ts";
import { printShape, printType, tensor } from "../ir/types.ts";
import type { Span } from "../support/span.ts";
import type { Context } from "./context.ts";
import { broadcast, type Operand } from "./elementwise.ts";
import { coerce, tensorValue } from "./make.ts";
import { asTensor } from "./operands.ts";
import { labelAt } from "./problem.ts";
import { poison, type TensorValue, type Value } from "./value.ts";

/** The product, or poison when the inner axes differ. */
export function matmul(cx: Context, left: Operand, right: Operand, span: Span): Value {
  const x = asTensor(cx, left.value, left.span, "the left side of `@`");
  const y = asTensor(cx, right.value, right.span, "the right side of `@`");
  if (!x || !y) return poison;
  for (const [v, at] of [[x, left.span], [y, right.span]] as const) {
    if (v.indexed || v.core.type.shape.length > 0) continue;
    cx.error({ code: "E0203", message: "`@` multiplies matrices and vectors, and this is one number", span: at, label: printType(v.core.type), hint: "use `*`" });
    return poison;
  }
  if (x.indexed || y.indexed) {
    cx.error({ code: "E0210", message: "inside index notation a product is written with its indices", span, hint: "sum[k] a[i, k] * b[k, j]" });
    return poison;
  }
  const a = x.core.type.shape;
  const b = y.core.type.shape;
  const inner = a.at(-1) ?? 1;
  const axis = Math.max(0, b.length - 2);
  const outer = b[axis] ?? 1;
  if (!dims.equal(inner, outer)) {
    cx.error({
      code: "E0203", message: `\`@\` joins ${dims.print(inner)} with ${dims.print(outer)}: ${printShape(a)} @ ${printShape(b)}`, span: right.span, label: printShape(b),
      related: [
        labelAt(left.span, printShape(a)), labelAt(x.fixed?.[a.length - 1], `${dims.print(inner)} comes from here`),
        labelAt(y.fixed?.[axis], `${dims.print(outer)} comes from here`),
      ],
      hint: b.length > 1 && dims.equal(inner, b.at(-1) ?? 0) ? "with the second transposed they fit: `a @ transpose(b)`" : undefined,
    });
    return poison;
  }
  const batch = broadcast(cx, [leading(x, left.span), leading(y, right.span)], span, "`@`");
  if (!batch) return poison;
  const rows = a.length > 1 ? a.slice(-2, -1) : [];
  const columns = b.length > 1 ? b.slice(-1) : [];
  const type = tensor("f32", [...batch.dims, ...rows, ...columns]);
  const fixed = [...batch.fixed, ...rows.map(() => x.fixed?.[a.length - 2]), ...columns.map(() => y.fixed?.[b.length - 1])];
  return tensorValue({ kind: "matmul", a: coerce(x, "f32").core, b: coerce(y, "f32").core, type, span }, { fixed });
}

/** Its axes before the last two, for broadcasting. */
function leading(v: TensorValue, span: Span): { value: TensorValue; span: Span } {
  const shape = v.core.type.shape.slice(0, -2);
  return { value: { ...v, core: { ...v.core, type: tensor("f32", shape) }, fixed: shape.map((_, a) => v.fixed?.[a]) }, span };
}
