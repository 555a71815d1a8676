/**
 * Calls of records in one program, each as a function of its own inputs. In: records and what each is given. Out: the
 * declarations of the functions and the lines of a model that calls them; sizes are those of what is given.
 *
 *     fn case_0(p: f32[N, 2], y: f32[N, 2]) = mse(p, y)      input c0_p: f32[3, 2] …  v0 = case_0(c0_p, c0_y)  output out0 = v0
 */
import { type Nested, shapeOf, type ShelfRecord } from "./record.ts";

/** A record at a point. */
export interface CallCase {
  readonly record: ShelfRecord;
  readonly given: Readonly<Record<string, Nested>>;
  /** The inputs by which a gradient is wanted. */
  readonly by: readonly string[];
}

/** The whole program of some cases. */
export function asFunctions(cases: readonly CallCase[], model: string): string {
  const parts = cases.map(linesOf);
  return `${parts.map((p) => p.declared).join("")}model ${model} {\n${parts.flatMap((p) => p.lines).map((l) => `  ${l}\n`).join("")}}\n`;
}

function linesOf({ record, given, by }: CallCase, k: number): { readonly declared: string; readonly lines: readonly string[] } {
  const inputs = Object.keys(record.inputs).map((declaration) => {
    const [name = "", type = "", range] = /^(\S+): (.*?)( in .*)?$/.exec(declaration)?.slice(1) ?? [];
    return { name, type, range: range ?? "" };
  });
  return {
    declared: `fn case_${k}(${inputs.map((i) => `${i.name}: ${i.type}`).join(", ")}) = ${record.call}\n`,
    lines: [
      ...inputs.map((i) => `input c${k}_${i.name}: ${i.type.replace(/\[.*/, "")}[${shapeOf(given[i.name] ?? 0).join(", ")}]${i.range}`),
      `v${k} = case_${k}(${inputs.map((i) => `c${k}_${i.name}`).join(", ")})`, `output out${k} = v${k}`,
      ...by.map((name) => `output g${k}_${name} = grad(sum(v${k}), c${k}_${name})`),
    ],
  };
}
