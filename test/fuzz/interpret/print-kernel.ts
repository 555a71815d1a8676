/**
 * Prints a placed kernel as JavaScript, statement by statement as the WGSL printer does it, with f64 in place of f32. Comes in: a kernel
 * and its placement. Goes out: a text that,
 * given `M` (arithmetic), `E` (memory) and `L` (the other lanes), gives what an invocation runs.
 *
 *     load x[4 i + 1] into v7        const v7=E.load(0,...)        buffer 0 of the kernel, an element of it
 *     barrier storage                yield "storage 3";            invocations that wait are generators
 */
import type { Kernel, KernelStmt } from "../../../src/ir/kernel.ts";
import { builtin } from "../../../src/ir/kernel.ts";
import type { DType } from "../../../src/ir/types.ts";
import type { Scalar, ScalarFunction } from "../../../src/ir/scalar.ts";
import { exact } from "./arithmetic.ts";

export interface KernelText {
  readonly text: string;
  /** Whether invocations wait for each other, so that each is a generator. */
  readonly waits: boolean;
}

/** The text of a kernel; equal kernels have equal texts. */
export function printKernel(kernel: Kernel): KernelText {
  return new Printer(kernel).print();
}

const builtins: ReadonlyMap<number, string> = new Map([
  [builtin.workgroupX, "wx"], [builtin.workgroupY, "wy"], [builtin.workgroupZ, "wz"], [builtin.localX, "lane"], [builtin.localY, "0"], [builtin.localZ, "0"],
]);

const relations: ReadonlySet<string> = new Set(["<", "<=", ">", ">="]);

class Printer {
  private readonly kernel: Kernel;
  private readonly functions = new Map<ScalarFunction, string>();
  private readonly functionTexts: string[] = [];
  private waits = false;
  private sites = 0;

  constructor(kernel: Kernel) {
    this.kernel = kernel;
  }

  print(): KernelText {
    const body = this.stmts(this.kernel.body);
    return { text: `${this.functionTexts.join("\n")}\nreturn ${this.waits ? "function*" : "function"}(wx,wy,wz,lane,p){${body}\n};`, waits: this.waits };
  }

  private stmts(list: readonly KernelStmt[]): string {
    return list.map((s) => this.stmt(s)).join("\n");
  }

  private stmt(s: KernelStmt): string {
    switch (s.kind) {
      case "let": return `const v${s.id}=${this.scalar(s.value)};`;
      case "var": return `let v${s.id}=${this.scalar(s.init)};`;
      case "assign": return `v${s.id}=${this.scalar(s.value)};`;
      case "load": return `const v${s.id}=${this.guarded(s.guard, `E.load(${this.buffer(s)},${this.scalar(s.index)})`)};`;
      case "store": return this.under(s.guard, `E.store(${this.buffer(s)},${this.scalar(s.index)},${this.scalar(s.value)});`);
      case "load4": {
        const [q, g] = [`q${s.ids[0]}`, `g${s.ids[0]}`];
        const each = s.ids.map((id, k) => `const v${id}=${g}!==0?E.load(${this.buffer(s)},${q}+${k}):0;`).join("");
        return `const ${q}=E.quad(${this.buffer(s)},${this.scalar(s.index)}),${g}=${s.guard ? this.scalar(s.guard) : 1};${each}`;
      }
      case "store4": {
        const values = s.values.map((v, k) => `E.store4(${this.buffer(s)},q+${k},${this.scalar(v)});`).join("");
        return this.under(s.guard, `const q=E.quad(${this.buffer(s)},${this.scalar(s.index)});${values}`);
      }
      case "for": return `{const to=${this.scalar(s.to)};for(let v${s.id}=${this.scalar(s.from)};v${s.id}<to;v${s.id}+=${s.step}){${this.stmts(s.body)}}}`;
      case "if": return `if(${this.scalar(s.condition)}!==0){${this.stmts(s.body)}}${s.otherwise ? `else{${this.stmts(s.otherwise)}}` : ""}`;
      case "shared": return "";
      case "read_shared": return `const v${s.id}=E.read("${s.name}",${this.scalar(s.index)});`;
      case "write_shared": return `E.write("${s.name}",${this.scalar(s.index)},${this.scalar(s.value)});`;
      case "read_shared4": return `const q${s.ids[0]}=4*(${this.scalar(s.index)});${s.ids.map((id, k) => `const v${id}=E.read("${s.name}",q${s.ids[0]}+${k});`).join("")}`;
      case "write_shared4": return `{const q=4*(${this.scalar(s.index)});${s.values.map((v, k) => `E.write("${s.name}",q+${k},${this.scalar(v)});`).join("")}}`;
      case "array": return `const v${s.id}=[${s.values.map((v) => this.scalar(v)).join(",")}];`;
      case "element": return `const v${s.id}=E.element(v${s.array},${this.scalar(s.index)});`;
      case "barrier":
        this.waits = true;
        return `yield "${s.scope} ${this.sites++}";`;
    }
  }

  private buffer(s: Extract<KernelStmt, { kind: "load" | "store" | "load4" | "store4" }>): number {
    return this.kernel.buffers.indexOf(s.buffer);
  }

  private guarded(guard: Scalar | undefined, text: string): string {
    return guard ? `(${this.scalar(guard)}!==0?${text}:0)` : text;
  }

  private under(guard: Scalar | undefined, text: string): string {
    return guard ? `if(${this.scalar(guard)}!==0){${text}}` : `{${text}}`;
  }

  private scalar(s: Scalar): string {
    switch (s.kind) {
      case "constant": return Object.is(s.value, -0) || s.value < 0 ? `(${Object.is(s.value, -0) ? "-0" : s.value})` : String(s.value);
      case "ref": return builtins.get(s.id) ?? `v${s.id}`;
      case "param": return `p[${s.slot}]`;
      case "call": return `${this.fn(s.fn)}(${s.args.map((a) => this.scalar(a)).join(",")})`;
      case "op": return this.op(s);
    }
  }

  /** A function by its exact form, or written out under a name of its own. */
  private fn(f: ScalarFunction): string {
    const name = exact.get(f);
    if (name) return `M.${name}`;
    const known = this.functions.get(f);
    if (known) return known;
    const own = `f${this.functions.size}_${f.name.replaceAll(/\W/g, "_")}`;
    this.functions.set(f, own);
    const lets = f.lets.map((l, k) => `const v${f.params.length + k}=${this.scalar(l)};`).join("");
    this.functionTexts.push(`const ${own}=(${f.params.map((_, k) => `v${k}`).join(",")})=>{${lets}return ${this.scalar(f.result)};};`);
    return own;
  }

  private op({ op, dtype, args }: Extract<Scalar, { kind: "op" }>): string {
    const [a = "", b = "", c = ""] = args.map((x) => this.scalar(x));
    const from = args[0]?.dtype ?? dtype;
    if (relations.has(op)) return `(${a}${op}${b}?1:0)`;
    switch (op) {
      case "neg": return wrapped(dtype, `-${a}`);
      case "abs":
      case "floor":
      case "sqrt": return `M.${op}(${a})`;
      case "max":
      case "min": return `M.${op}(${a},${b})`;
      case "not": return `(1-${a})`;
      case "add": return wrapped(dtype, `${a}+${b}`);
      case "sub": return wrapped(dtype, `${a}-${b}`);
      case "mul": return dtype === "f32" ? `(${a}*${b})` : wrapped(dtype, `M.imul(${a},${b})`);
      case "div": return dtype === "f32" ? `(${a}/${b})` : wrapped(dtype, `M.quotient(${a},${b})`);
      case "mod": return dtype === "f32" ? `(${a}%${b})` : wrapped(dtype, `M.remainder(${a},${b})`);
      case "==": return `(${a}===${b}?1:0)`;
      case "!=": return `(${a}!==${b}?1:0)`;
      case "and": return `(${a}&${b})`;
      case "or": return `(${a}|${b})`;
      case "select": return `(${a}!==0?${b}:${c})`;
      case "shl": return `((${a}<<${b})>>>0)`;
      case "shr": return `(${a}>>>${b})`;
      case "bitand": return wrapped(dtype, `${a}&${b}`);
      case "bitor": return wrapped(dtype, `${a}|${b}`);
      case "bitxor": return wrapped(dtype, `${a}^${b}`);
      case "cast": return converted(from, dtype, a);
      case "bitcast": return from === dtype ? a : from === "f32" ? wrapped(dtype, `M.bitsOf(${a})`) : dtype === "f32" ? `M.ofBits(${a})` : wrapped(dtype, a);
      case "swap": return this.together(`L.swap(lane,${a},${b},"lanes ${this.sites++}")`);
      case "subgroup_add":
      case "subgroup_mul":
      case "subgroup_max":
      case "subgroup_any":
      case "subgroup_all": return this.together(`L.joined("${op}",lane,${a},"lanes ${this.sites++}")`);
      default: throw new Error(`no text for ${op}`);
    }
  }

  private together(call: string): string {
    this.waits = true;
    return `(yield* ${call})`;
  }
}

function wrapped(dtype: DType, text: string): string {
  if (dtype === "i32") return `((${text})|0)`;
  return dtype === "u32" ? `((${text})>>>0)` : `(${text})`;
}

function converted(from: DType, to: DType, a: string): string {
  if (to === "bool") return `(${a}!==0?1:0)`;
  if (to === "f32") return a;
  if (from === "f32") return to === "i32" ? `M.toInt(${a})` : `M.toUint(${a})`;
  return wrapped(to, a);
}
