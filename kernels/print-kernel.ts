/**
 * Kernels as text, for dumps.
 *
 *     kernel dense_relu (tiled) workgroup 16 grid N/1024, 1, 1
 *       let v0 = workgroup.x * 16 + lane.x
 *       load v1 = x[v0]
 */
import * as dims from "../src/ir/dims.ts";
import { builtin } from "../src/ir/kernel.ts";
import type { Buffer, Kernel, KernelStmt, ParamSlot } from "../src/ir/kernel.ts";
import type { Scalar } from "../src/ir/scalar.ts";
import { Writer } from "../src/support/text.ts";

const builtins: ReadonlyMap<number, string> = new Map(Object.entries(builtin).map(([name, id]) => [id, name]));

/** What a kernel computes, without what it is called and works on: equal for kernels that differ in names and values of parameters alone. */
export function canonicalText(kernel: Kernel): string {
  const names = new Map(kernel.buffers.map((b, k) => [b, `b${k}`]));
  const w = new Writer();
  w.line(`${kernel.workgroup.join()} ${kernel.buffers.map((b) => `${b.half ? "f16" : b.dtype}[${b.elements}]`).join()} ${kernel.params.map((p) => p.dtype).join()}`);
  stmts(w, kernel.body, (b) => names.get(b) ?? b.name);
  return w.text();
}

/** One line per statement; with `why`, after the reasons for what shares its dispatch. */
export function printKernel(kernel: Kernel, { why = false }: { readonly why?: boolean } = {}): string {
  const w = new Writer();
  if (why) for (const line of kernel.why ?? []) w.line(`// ${line}`);
  const grid = kernel.grid.map(({ size, per }) => (per === 1 ? dims.print(size) : `(${dims.print(size)})/${per}`)).join(", ");
  w.line(`kernel ${kernel.name} (${kernel.family}) workgroup ${kernel.workgroup.join(", ")} grid ${grid}`).indent(() => {
    for (const [k, p] of kernel.params.entries()) w.line(`param p${k}: ${p.dtype} = ${printSource(p)}`);
    for (const b of kernel.buffers) if (b.half) w.line(`${b.name} is kept in f16`);
    stmts(w, kernel.body, (b) => b.name);
  });
  return w.text();
}

function printSource({ source }: ParamSlot): string {
  switch (source.kind) {
    case "size":
      return `size ${dims.print(source.dim)}`;
    case "constant":
      return String(source.value);
    case "offset":
      return `offset ${source.value}`;
    case "host":
      return `host ${source.index}`;
    case "word":
      return source.word;
    case "base":
      return `base of ${source.buffer.name}`;
  }
}

/** A scalar in prefix form: `add(v0, 1)`. */
export function printScalar(s: Scalar): string {
  switch (s.kind) {
    case "constant":
      return String(s.value);
    case "ref":
      return builtins.get(s.id) ?? `v${s.id}`;
    case "param":
      return `p${s.slot}`;
    case "op":
      return `${s.op === "cast" || s.op === "bitcast" ? `${s.op} ${s.dtype}` : s.op}(${s.args.map(printScalar).join(", ")})`;
    case "call":
      return `${s.fn.name}(${s.args.map(printScalar).join(", ")})`;
  }
}

function stmts(w: Writer, list: readonly KernelStmt[], name: (b: Buffer) => string): void {
  for (const s of list) stmt(w, s, name);
}

function stmt(w: Writer, s: KernelStmt, name: (b: Buffer) => string): void {
  const when = "guard" in s && s.guard ? ` if ${printScalar(s.guard)}` : "";
  switch (s.kind) {
    case "let":
      w.line(`let v${s.id} = ${printScalar(s.value)}`);
      return;
    case "var":
      w.line(`var v${s.id}: ${s.dtype} = ${printScalar(s.init)}`);
      return;
    case "assign":
      w.line(`v${s.id} = ${printScalar(s.value)}`);
      return;
    case "load":
      w.line(`load v${s.id} = ${name(s.buffer)}[${printScalar(s.index)}]${when}`);
      return;
    case "store":
      w.line(`store ${name(s.buffer)}[${printScalar(s.index)}] = ${printScalar(s.value)}${when}`);
      return;
    case "load4":
      w.line(`load ${s.ids.map((id) => `v${id}`).join(", ")} = ${name(s.buffer)}[4·${printScalar(s.index)}]${when}`);
      return;
    case "store4":
      w.line(`store ${name(s.buffer)}[4·${printScalar(s.index)}] = ${s.values.map(printScalar).join(", ")}${when}`);
      return;
    case "for":
      w.line(`for v${s.id} from ${printScalar(s.from)} to ${printScalar(s.to)} by ${s.step}`).indent(() => stmts(w, s.body, name));
      return;
    case "if":
      w.line(`if ${printScalar(s.condition)}`).indent(() => stmts(w, s.body, name));
      if (s.otherwise) w.line("else").indent(() => stmts(w, s.otherwise ?? [], name));
      return;
    case "shared":
      w.line(`shared ${s.name}: ${s.dtype}${s.fours ? "4" : ""}[${s.elements}]`);
      return;
    case "read_shared":
      w.line(`let v${s.id} = ${s.name}[${printScalar(s.index)}]`);
      return;
    case "write_shared":
      w.line(`${s.name}[${printScalar(s.index)}] = ${printScalar(s.value)}`);
      return;
    case "read_shared4":
      w.line(`let ${s.ids.map((id) => `v${id}`).join(", ")} = ${s.name}[${printScalar(s.index)}]`);
      return;
    case "write_shared4":
      w.line(`${s.name}[${printScalar(s.index)}] = ${s.values.map(printScalar).join(", ")}`);
      return;
    case "array":
      w.line(`array v${s.id} = ${s.values.map(printScalar).join(", ")}`);
      return;
    case "element":
      w.line(`let v${s.id} = v${s.array}[${printScalar(s.index)}]`);
      return;
    case "barrier":
      w.line(`barrier ${s.scope}`);
  }
}
