/**
 * Writes and reads safetensors: 8 bytes little-endian length, a JSON header, raw little-endian data. The reader
 * trusts nothing: the header is capped, ranges must lie in the file, follow their shapes and not overlap.
 *
 *     const bytes = writeSafetensors([{ name: "W", dtype: "f32", shape: [2, 4], data }], { model: "Xor" });
 */
import { EngineError, type Values } from "./engine.ts";

export interface SavedTensor {
  readonly name: string;
  readonly dtype: "f32" | "i32" | "u32" | "bool";
  readonly shape: readonly number[];
  readonly data: Values;
}

const codes = { f32: "F32", i32: "I32", u32: "U32", bool: "U32" } as const;
const headerCap = 100_000_000;

/** Tensors in name order, so equal content is equal bytes. */
export function writeSafetensors(tensors: readonly SavedTensor[], metadata: Readonly<Record<string, string>>): Uint8Array<ArrayBuffer> {
  const sorted = [...tensors].sort((a, b) => (a.name < b.name ? -1 : 1));
  const entries: [string, unknown][] = [["__metadata__", metadata]];
  let offset = 0;
  for (const t of sorted) {
    entries.push([t.name, { dtype: codes[t.dtype], shape: t.shape, data_offsets: [offset, offset + 4 * t.data.length] }]);
    offset += 4 * t.data.length;
  }
  const json = new TextEncoder().encode(`{${entries.map(([k, v]) => `${JSON.stringify(k)}:${JSON.stringify(v)}`).join(",")}}`);
  const header = Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(8 + header + offset);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(header), true);
  bytes.fill(0x20, 8, 8 + header);
  bytes.set(json, 8);
  let at = 8 + header;
  for (const t of sorted)
    for (let k = 0; k < t.data.length; k++, at += 4) {
      const value = t.data[k] ?? 0;
      if (t.dtype === "f32") view.setFloat32(at, value, true);
      else if (t.dtype === "i32") view.setInt32(at, value, true);
      else view.setUint32(at, value, true);
    }
  return bytes;
}

/** Throws an EngineError E0701 that says what is wrong with the file. */
export function readSafetensors(bytes: Uint8Array): { readonly tensors: readonly SavedTensor[]; readonly metadata: Readonly<Record<string, string>> } {
  const fail = (what: string): never => {
    throw new EngineError("E0701", `not a readable safetensors file: ${what}`);
  };
  if (bytes.length < 8) fail("shorter than its first field");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getBigUint64(0, true);
  if (length > BigInt(headerCap) || length > BigInt(bytes.length - 8)) fail(`a header of ${length} bytes`);
  const start = 8 + Number(length);
  const header: unknown = parse(new TextDecoder().decode(bytes.subarray(8, start)), fail);
  if (typeof header !== "object" || header === null || Array.isArray(header)) return fail("the header is no object");
  const tensors: SavedTensor[] = [];
  let metadata: Record<string, string> = {};
  const ranges: [number, number][] = [];
  for (const [name, entry] of Object.entries(header)) {
    if (name === "__metadata__") {
      metadata = { ...(entry as Record<string, string>) };
      continue;
    }
    const { dtype, shape, data_offsets: range } = (entry ?? {}) as { dtype?: unknown; shape?: unknown; data_offsets?: unknown };
    const known = (["f32", "i32", "u32"] as const).find((d) => codes[d] === dtype);
    if (!known || !isSizes(shape) || !isSizes(range) || range.length !== 2) return fail(`the entry of ${JSON.stringify(name)}`);
    const [from = 0, to = 0] = range;
    const elements = shape.reduce((n, d) => n * d, 1);
    if (to - from !== 4 * elements || start + to > bytes.length) fail(`the range of ${JSON.stringify(name)}`);
    if (ranges.some(([a, b]) => from < b && a < to)) fail(`the range of ${JSON.stringify(name)} overlaps another`);
    ranges.push([from, to]);
    // A copy from the start of a buffer of its own; Node's Buffer would share its pool by `slice`.
    const copy = Uint8Array.from(bytes.subarray(start + from, start + to)).buffer;
    const data = known === "f32" ? new Float32Array(copy) : known === "i32" ? new Int32Array(copy) : new Uint32Array(copy);
    tensors.push({ name, dtype: known, shape, data });
  }
  return { tensors, metadata };
}

function parse(text: string, fail: (what: string) => never): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return fail("the header is no JSON");
  }
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((v) => Number.isSafeInteger(v) && v >= 0);
}
