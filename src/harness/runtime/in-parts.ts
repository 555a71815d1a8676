/**
 * Runs an entry that stores nothing over examples that may be too many for one run. Where they are, its part runs over some at a
 * time and its whole once over what the parts gave (see graph/split-by-example.ts), which is exact whatever is measured.
 *
 *     const parts = new InParts({ engine, program });
 *     const outputs = await parts.run("evaluate", call);     // the same values, however many runs it took
 */
import type { Call, Engine, Outputs, OutputValue, Values } from "./engine.ts";
import type { InputInfo, Program, Size } from "./program.ts";
import { elementsOf } from "./sizes.ts";

/** Parts are not cut smaller than this to make them fit. */
const leastPart = 64;

export interface InPartsOptions {
  readonly engine: Engine;
  readonly program: Pick<Program, "inputs" | "batch">;
  /** The most examples that one run takes; else as many as the device allows. */
  readonly most?: number;
}

export class InParts {
  private readonly o: InPartsOptions;
  /** By entry, how many examples are known to fit where more did not. */
  private readonly limits = new Map<string, number>();

  constructor(options: InPartsOptions) {
    this.o = options;
  }

  /** In as few runs as the device allows. Throws what the engine throws. */
  async run(entry: string, call: Call): Promise<Outputs> {
    const { engine, program: { batch }, most = Number.POSITIVE_INFINITY } = this.o;
    const all = batch === undefined ? 1 : (call.live[batch] ?? 1);
    let refused: unknown;
    for (let size = Math.min(all, this.limits.get(entry) ?? most); ; size = Math.ceil(size / 2)) {
      if (batch === undefined || size >= all) {
        try {
          return await (await engine.run(entry, call)).read();
        } catch (error) {
          if (all <= leastPart || !isTooLarge(error)) throw error;
          refused = error;
          continue;
        }
      }
      const made = await this.parts(entry, call, { batch, all, size }).catch((error: unknown) => {
        if (size <= leastPart || !isTooLarge(error)) throw error;
      });
      if (!made) continue;
      // Nothing is made example by example.
      if (made.size === 0) {
        if (refused !== undefined) throw refused;
        return (await engine.run(entry, call)).read();
      }
      this.limits.set(entry, size);
      const own = [...made].filter(([, o]) => o.kind !== "rows" && o.kind !== "sum");
      const gathered = Object.fromEntries([...made].map(([name, o]) => [name, o.data]));
      const rest = await (await engine.run(`${entry}.whole`, { ...call, inputs: { ...call.inputs, ...gathered } })).read();
      return Object.assign(Object.create(null) as Record<string, OutputValue>, rest, Object.fromEntries(own));
    }
  }

  /** What the parts give: rows one after the other, sums added up. */
  private async parts(entry: string, call: Call, { batch, all, size }: { readonly batch: string; readonly all: number; readonly size: number }): Promise<ReadonlyMap<string, OutputValue>> {
    const made = new Map<string, OutputValue & { readonly data: Float64Array }>();
    for (let from = 0; from < all; from += size) {
      const rows = Math.min(size, all - from);
      const inputs: Record<string, Values> = { "examples in all": Int32Array.of(all), "first example": Int32Array.of(from) };
      for (const info of this.o.program.inputs) {
        const values = call.inputs[info.name];
        const own = values && rowsOfInput(values, info, batch, { all, from, rows });
        if (own) inputs[info.name] = own;
      }
      const outcome = await this.o.engine.run(`${entry}.part`, { ...call, live: { ...call.live, [batch]: rows }, inputs, example: call.example + from });
      for (const [name, { kind, shape, data }] of Object.entries(await outcome.read())) {
        const width = kind === "sum" ? data.length : data.length / rows;
        const sofar = made.get(name) ?? { kind, shape: kind === "sum" ? shape : [all, ...shape.slice(1)], data: new Float64Array(kind === "sum" ? width : all * width) };
        made.set(name, sofar);
        if (kind === "sum") data.forEach((v, k) => (sofar.data[k] = (sofar.data[k] ?? 0) + v));
        else sofar.data.set(data, from * width);
      }
    }
    return made;
  }
}

/** A plan that does not fit the device, or a bundle's that was made for fewer examples. */
function isTooLarge(error: unknown): boolean {
  const { code, diagnostic } = error as { readonly code?: unknown; readonly diagnostic?: { readonly code?: unknown } };
  return [code, diagnostic?.code].some((c) => c === "E0602" || c === "E0603");
}

const counts = (size: Size, batch: string): boolean => typeof size !== "number" && size.terms.some((t) => t.symbols.includes(batch));
const isBatch = (size: Size, batch: string): boolean => {
  if (typeof size === "number") return false;
  const [term, ...more] = size.terms;
  return more.length === 0 && term?.coefficient === 1 && term.symbols.length === 1 && term.symbols[0] === batch;
};

/**
 * Some rows of an input, whichever of its axes counts examples; all of one that has no such axis. Undefined where its sizes depend on
 * the number of examples in another way, as those of f32[N, N]: no part reads it.
 */
export function rowsOfInput(values: Values, { shape }: Pick<InputInfo, "shape">, batch: string, { all, from, rows }: { readonly all: number; readonly from: number; readonly rows: number }): Values | undefined {
  const axes = shape.flatMap((d, k) => (counts(d, batch) ? [k] : []));
  const [axis] = axes;
  if (axis === undefined) return values;
  if (axes.length > 1 || !isBatch(shape[axis] as Size, batch)) return undefined;
  const before = elementsOf(shape.slice(0, axis), {});
  const width = elementsOf(shape.slice(axis + 1), {});
  if (before === 1) return values.subarray(from * width, (from + rows) * width);
  const out = values.slice(0, before * rows * width);
  for (let k = 0; k < before; k++) out.set(values.subarray((k * all + from) * width, (k * all + from + rows) * width), k * rows * width);
  return out;
}
