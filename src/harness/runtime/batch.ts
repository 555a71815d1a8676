/** Rows of a dataset as the inputs of one run. */
import { take, type Dataset } from "./dataset.ts";
import type { Values } from "./engine.ts";

export { take as rowsOf };

/** Each field's numbers in the type the program declares. */
export function fieldsOf(data: Dataset): Record<string, Values> {
  const inputs: Record<string, Values> = Object.create(null);
  for (const f of data.fields)
    inputs[f.name] = f.dtype === "f32" ? f.values : f.dtype === "i32" ? Int32Array.from(f.values) : Uint32Array.from(f.values);
  return inputs;
}
