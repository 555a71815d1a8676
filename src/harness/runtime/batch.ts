/** Rows of a dataset as the inputs of one run. */
import { take, type Dataset, type Field } from "./dataset.ts";
import type { Values } from "./engine.ts";

export { take as rowsOf };

/** Each field's numbers in the order of axes and the type that the program declares. */
export function fieldsOf(data: Dataset): Record<string, Values> {
  const inputs: Record<string, Values> = Object.create(null);
  for (const f of data.fields) {
    const values = f.before === undefined ? f.values : examplesInside(f, f.before, data.rows);
    inputs[f.name] = f.dtype === "f32" ? values : f.dtype === "i32" ? Int32Array.from(values) : Uint32Array.from(values);
  }
  return inputs;
}

/** From [example, before, after] to [before, example, after]. */
function examplesInside({ values, width }: Field, before: number, rows: number): Float64Array {
  const after = width / before;
  const out = new Float64Array(values.length);
  for (let row = 0; row < rows; row++)
    for (let k = 0; k < before; k++) {
      const from = row * width + k * after;
      out.set(values.subarray(from, from + after), (k * rows + row) * after);
    }
  return out;
}
