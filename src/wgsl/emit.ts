/**
 * Prints a placed kernel as WGSL. Comes in: a kernel and its placement. Goes out: a module with one entry point `main`.
 *
 *     binding 0      the parameter block, words of 32 bits
 *     binding 1, …   the placement's groups as arrays of fixed size: b0, b1, …
 *
 * The text holds nothing that differs between equal kernels: names of buffers, parameters' values and comments stay outside
 * (see describe.ts), so that equal texts are one pipeline. A buffer is read in its own type whatever type its binding has;
 * bool lies in memory as 0 and 1. A binding of which a statement takes four neighbours at once is an array of vectors.
 */
import { builtin } from "../ir/kernel.ts";
import type { Buffer, Kernel, KernelStmt } from "../ir/kernel.ts";
import { constant, op } from "../ir/scalar.ts";
import type { Scalar } from "../ir/scalar.ts";
import type { Placement, StoredType } from "../memory/placement.ts";
import { InternalError, invariant } from "../support/diagnostic.ts";
import { Writer } from "../support/text.ts";
import { Functions } from "./functions.ts";
import { slotsIn } from "./slots-in.ts";
import { fromWord, toWord } from "./stored-words.ts";
import { goesTogether, wideGroups } from "./what-bodies-need.ts";
import { printConstant, ScalarPrinter, typeName } from "./print-scalar.ts";

/** The text of a kernel. Throws an InternalError where no text can say what it says. */
export function emit(kernel: Kernel, placement: Placement): string {
  return new Emitter(kernel, placement).text();
}

const builtinNames: ReadonlyMap<number, string> = new Map([
  [builtin.workgroupX, "i32(workgroup.x)"],
  [builtin.workgroupY, "i32(workgroup.y)"],
  [builtin.workgroupZ, "i32(workgroup.z)"],
  [builtin.localX, "i32(lane.x)"],
  [builtin.localY, "i32(lane.y)"],
  [builtin.localZ, "i32(lane.z)"],
]);

const components = "xyzw";

class Emitter {
  private readonly kernel: Kernel;
  private readonly placement: Placement;
  private readonly functions = new Functions();
  private readonly body = new Writer();
  private readonly printer: ScalarPrinter;
  private spilled = 0;
  /** Groups that are arrays of vectors of four. */
  private readonly wide: ReadonlySet<number>;

  constructor(kernel: Kernel, placement: Placement) {
    this.kernel = kernel;
    this.placement = placement;
    this.wide = wideGroups(kernel.body, placement);
    this.printer = new ScalarPrinter({
      value: (id) => builtinNames.get(id) ?? `v${id}`,
      param: (slot) => `p${slot}`,
      fn: (f) => this.functions.name(f),
      fresh: () => `t${this.spilled++}`,
      line: (text) => this.body.line(text),
    });
  }

  text(): string {
    const { kernel, placement } = this;
    this.body.indent(() => this.top(kernel.body));
    const w = new Writer();
    // Invocations that run in step take the same branches wherever kernels swap or join (see contract.ts, cooperative.ts), which no reader of WGSL can see.
    if (placement.groups.some((g) => g.elem === "f16")) w.line("enable f16;");
    if (goesTogether(kernel.body)) w.line("enable subgroups;").line("diagnostic(off, subgroup_uniformity);");
    if (slotsIn(kernel.body, placement).size > 0) w.line(`@group(0) @binding(0) var<uniform> words: array<vec4<u32>, ${Math.ceil(placement.params.length / 4)}>;`);
    placement.groups.forEach((g, k) => {
      const array = this.wide.has(k) ? `vec4<${typeName[g.elem]}>, ${Math.ceil(g.elements / 4)}` : `${typeName[g.elem]}, ${g.elements}`;
      w.line(`@group(0) @binding(${k + 1}) var<storage, ${g.access}> b${k}: array<${array}>;`);
    });
    for (const s of kernel.body) if (s.kind === "shared") w.line(`var<workgroup> ${s.name}: array<${s.fours ? `vec4<${typeName[s.dtype]}>` : typeName[s.dtype]}, ${s.elements}>;`);
    const functions = this.functions.text();
    if (functions !== "") w.line().line(functions.trimEnd());
    w.line().line(`@compute @workgroup_size(${kernel.workgroup.join(", ")})`);
    w.line("fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_id) lane: vec3<u32>) {");
    return `${w.text()}${this.body.text()}}\n`;
  }

  /** Reads each word where it is needed: at the start, or in the one branch of a kernel of many that needs it. */
  private top(list: readonly KernelStmt[]): void {
    const early = slotsIn(list.map((s) => (s.kind === "if" && !s.otherwise ? { ...s, body: [] } : s)), this.placement);
    this.words(early);
    for (const s of list) {
      if (s.kind === "if" && !s.otherwise)
        this.body.block(`if (${this.printer.print(s.condition)}) {`, "}", () => {
          this.words([...slotsIn(s.body, this.placement)].filter((slot) => !early.has(slot)));
          this.stmts(s.body);
        });
      else this.stmt(s);
    }
  }

  private words(slots: Iterable<number>): void {
    for (const slot of [...slots].sort((a, b) => a - b)) this.body.line(`let p${slot} = ${this.word(slot)};`);
  }

  private word(slot: number): string {
    const { dtype } = this.placement.params[slot] ?? {};
    invariant(dtype, "emit", `${this.kernel.name} has no parameter ${slot}`);
    return fromWord(`words[${slot >> 2}].${components[slot & 3]}`, "u32", dtype);
  }

  private stmts(list: readonly KernelStmt[]): void {
    for (const s of list) this.stmt(s);
  }

  private stmt(s: KernelStmt): void {
    const w = this.body;
    switch (s.kind) {
      case "let":
        this.assignment(`let v${s.id}`, s.value);
        return;
      case "var":
        this.assignment(`var v${s.id}: ${typeName[s.init.dtype]}`, s.init);
        return;
      case "assign":
        this.assignment(`v${s.id}`, s.value);
        return;
      case "load": {
        if (this.isOutside(s.buffer, s.index)) {
          w.line(`let v${s.id} = ${printConstant(0, s.buffer.dtype)};`);
          return;
        }
        const element = this.element(s.buffer, s.index);
        const value = fromWord(element.text, element.type, s.buffer.dtype);
        const guarded = s.guard ? `select(${printConstant(0, s.buffer.dtype)}, ${value}, ${this.printer.print(s.guard)})` : value;
        w.line(`let v${s.id} = ${guarded};`);
        return;
      }
      case "store": {
        if (this.isOutside(s.buffer, s.index)) return;
        const element = this.element(s.buffer, s.index);
        const line = `${element.text} = ${toWord(this.printer.print(s.value), s.value.dtype, element.type)};`;
        if (s.guard) w.line(`if (${this.printer.print(s.guard)}) { ${line} }`);
        else w.line(line);
        return;
      }
      case "load4":
        this.load4(s);
        return;
      case "store4":
        this.store4(s);
        return;
      case "for": {
        const v = `v${s.id}`;
        const [from, to] = [this.printer.print(s.from), this.printer.print(s.to)];
        const next = s.step === 1 ? `${v}++` : `${v} += ${s.step}i`;
        w.block(`for (var ${v}: i32 = ${from}; ${v} < ${to}; ${next}) {`, "}", () => this.stmts(s.body));
        return;
      }
      case "if":
        w.block(`if (${this.printer.print(s.condition)}) {`, "}", () => this.stmts(s.body));
        if (s.otherwise && s.otherwise.length > 0) this.otherwise(s.otherwise);
        return;
      case "shared":
        return;
      case "read_shared":
        w.line(`let v${s.id} = ${s.name}[${this.printer.print(s.index)}];`);
        return;
      case "write_shared":
        w.line(`${s.name}[${this.printer.print(s.index)}] = ${this.printer.print(s.value)};`);
        return;
      case "read_shared4": {
        const [first = 0] = s.ids;
        w.line(`let q${first} = ${s.name}[${this.printer.print(s.index)}];`);
        s.ids.forEach((id, k) => {
          w.line(`let v${id} = q${first}.${components[k]};`);
        });
        return;
      }
      case "write_shared4":
        w.line(`${s.name}[${this.printer.print(s.index)}] = vec4(${s.values.map((v) => this.printer.print(v)).join(", ")});`);
        return;
      case "array":
        w.line(`var v${s.id} = array<${typeName[s.dtype]}, ${s.values.length}>(${s.values.map((v) => this.printer.print(v)).join(", ")});`);
        return;
      case "element":
        w.line(`let v${s.id} = v${s.array}[${this.printer.print(s.index)}];`);
        return;
      case "barrier":
        w.line(s.scope === "workgroup" ? "workgroupBarrier();" : "storageBarrier();");
    }
  }

  private load4(stmt: Extract<KernelStmt, { kind: "load4" }>): void {
    const { ids, buffer, index, guard } = stmt;
    if (!this.wide.has(this.place(buffer).group)) {
      ids.forEach((id, k) => {
        this.stmt({ kind: "load", id, buffer, index: element(index, k), ...(guard && { guard }) });
      });
      return;
    }
    const zero = printConstant(0, buffer.dtype);
    if (this.isOutside(buffer, index, 4)) {
      for (const id of ids) this.body.line(`let v${id} = ${zero};`);
      return;
    }
    const { text, type } = this.quad(buffer, index);
    const name = this.named(text);
    const holds = guard && this.named(this.printer.print(guard));
    ids.forEach((id, k) => {
      const value = fromWord(`${name}.${components[k]}`, type, buffer.dtype);
      this.body.line(`let v${id} = ${holds === undefined ? value : `select(${zero}, ${value}, ${holds})`};`);
    });
  }

  private store4({ buffer, index, values, guard }: Extract<KernelStmt, { kind: "store4" }>): void {
    if (!this.wide.has(this.place(buffer).group)) {
      values.forEach((value, k) => {
        this.stmt({ kind: "store", buffer, index: element(index, k), value, ...(guard && { guard }) });
      });
      return;
    }
    if (this.isOutside(buffer, index, 4)) return;
    const { text, type } = this.quad(buffer, index);
    const words = values.map((v) => toWord(this.printer.print(v), v.dtype, type));
    const line = `${text} = vec4<${typeName[type]}>(${words.join(", ")});`;
    this.body.line(guard ? `if (${this.printer.print(guard)}) { ${line} }` : line);
  }

  /** A value under a name, unless it has one. */
  private named(text: string): string {
    if (/^\w+$/.test(text)) return text;
    const name = `t${this.spilled++}`;
    this.body.line(`let ${name} = ${text};`);
    return name;
  }

  private otherwise(stmts: readonly KernelStmt[]): void {
    this.body.block("else {", "}", () => this.stmts(stmts));
  }

  private assignment(target: string, value: Scalar): void {
    const text = this.printer.print(value);
    this.body.line(`${target} = ${text};`);
  }

  /** True for a fixed index outside the binding: its guard never holds, and a reader of WGSL refuses the text even so. */
  private isOutside(buffer: Buffer, index: Scalar, width = 1): boolean {
    const place = this.placement.of.get(buffer);
    const group = place && this.placement.groups[place.group];
    return group !== undefined && place?.base === undefined && index.kind === "constant" && !(index.value >= 0 && index.value * width < group.elements);
  }

  /** The place of an element in its binding, and the type it has there. */
  private element(buffer: Buffer, index: Scalar): { readonly text: string; readonly type: StoredType } {
    const { group, base, type } = this.place(buffer);
    const at = this.printer.print(base === undefined ? index : op("add", "i32", [{ kind: "param", dtype: "i32", slot: base }, index]));
    if (!this.wide.has(group)) return { text: `b${group}[${at}]`, type };
    // One number of a vector, for a kernel that takes four at once elsewhere.
    const name = this.named(at);
    return { text: `b${group}[${name} >> 2u][${name} & 3i]`, type };
  }

  /** Four neighbours in their binding. Whatever the binding holds begins at a multiple of four. */
  private quad(buffer: Buffer, index: Scalar): { readonly text: string; readonly type: StoredType } {
    const { group, base, type } = this.place(buffer);
    const at = this.printer.print(index);
    return { text: base === undefined ? `b${group}[${at}]` : `b${group}[(p${base} >> 2u) + (${at})]`, type };
  }

  private place(buffer: Buffer): { readonly group: number; readonly base: number | undefined; readonly type: StoredType } {
    const place = this.placement.of.get(buffer);
    const group = place && this.placement.groups[place.group];
    if (!place || !group) throw new InternalError("emit", `${this.kernel.name}: ${buffer.name} has no binding`);
    return { group: place.group, base: place.base, type: group.elem };
  }
}

/** One of the four neighbours of a quad. */
function element(quad: Scalar, lane: number): Scalar {
  if (quad.kind === "constant") return constant(4 * quad.value + lane, "i32");
  return op("add", "i32", [op("mul", "i32", [quad, constant(4, "i32")]), constant(lane, "i32")]);
}
