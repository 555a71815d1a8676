/**
 * Scalar functions as WGSL functions. Comes in: calls as they are met while printing. Goes out: names to call, and each
 * function's text once, callees first. Functions of one name but different formulas get numbered names.
 *
 *     fn nabla_exp(a0: f32) -> f32 { … }
 */
import type { ScalarFunction } from "../ir/scalar.ts";
import { Writer } from "../support/text.ts";
import { ScalarPrinter, typeName } from "./print-scalar.ts";

/** The functions of one module. */
export class Functions {
  private readonly names = new Map<ScalarFunction, string>();
  private readonly bodies = new Map<string, string>();
  private readonly texts: string[] = [];

  /** The name to call it by; its text is made on first use. */
  name(fn: ScalarFunction): string {
    const known = this.names.get(fn);
    if (known !== undefined) return known;
    const body = this.body(fn);
    let name = `nabla_${fn.name}`;
    for (let k = 2; this.bodies.has(name) && this.bodies.get(name) !== body; k++) name = `nabla_${fn.name}_${k}`;
    this.names.set(fn, name);
    if (!this.bodies.has(name)) {
      this.bodies.set(name, body);
      this.texts.push(`fn ${name}${body}`);
    }
    return name;
  }

  /** All function texts, callees before callers. */
  text(): string {
    return this.texts.join("\n");
  }

  private body(fn: ScalarFunction): string {
    const w = new Writer();
    const params = fn.params.map((dtype, k) => `a${k}: ${typeName[dtype]}`).join(", ");
    let spilled = 0;
    w.block(`(${params}) -> ${typeName[fn.result.dtype]} {`, "}", () => {
      const printer = new ScalarPrinter({
        value: (id) => (id < fn.params.length ? `a${id}` : `v${id}`),
        param: () => "",
        fn: (f) => this.name(f),
        fresh: () => `t${spilled++}`,
        line: (text) => w.line(text),
      });
      fn.lets.forEach((value, k) => {
        const text = printer.print(value);
        w.line(`let v${fn.params.length + k}: ${typeName[value.dtype]} = ${text};`);
      });
      const result = printer.print(fn.result);
      w.line(`return ${result};`);
    });
    return w.text();
  }
}
