/** Numbers as the 32-bit little-endian elements that buffers hold, and back; bool is stored as u32. */
import type { Values } from "./engine.ts";

type Encoded = Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;

/** Numbers as the bytes of an element type. */
export function encode(data: ArrayLike<number>, dtype: string): Encoded {
  if (dtype === "f32") return Float32Array.from(data);
  return dtype === "i32" ? Int32Array.from(data) : Uint32Array.from(data);
}

/** The numbers in bytes of an element type. */
export function decode(bytes: ArrayBuffer, dtype: string): Values {
  if (dtype === "f32") return new Float32Array(bytes);
  return dtype === "i32" ? new Int32Array(bytes) : new Uint32Array(bytes);
}
