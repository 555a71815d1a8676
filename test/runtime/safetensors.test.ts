import { describe, expect, it } from "vitest";
import { readSafetensors, writeSafetensors } from "../../src/harness/runtime/safetensors.ts";

const bytes = writeSafetensors(
  [
    { name: "Net.W", dtype: "f32", shape: [2, 2], data: Float32Array.of(1, -2.5, 3e-30, 4) },
    { name: "Net.__proto__", dtype: "i32", shape: [], data: Int32Array.of(-7) },
  ],
  { model: "Net" },
);

describe("safetensors", () => {
  it("reads back what it wrote, names as they are, header a multiple of 8", () => {
    const { tensors, metadata } = readSafetensors(bytes);
    expect(metadata).toEqual({ model: "Net" });
    expect(tensors.map((t) => [t.name, t.dtype, t.shape, [...t.data]])).toEqual([
      ["Net.W", "f32", [2, 2], [1, -2.5, Math.fround(3e-30), 4]],
      ["Net.__proto__", "i32", [], [-7]],
    ]);
    expect(new DataView(bytes.buffer).getBigUint64(0, true) % 8n).toBe(0n);
  });

  it("reads a part of a larger buffer, as Node hands files over", () => {
    const pool = Buffer.alloc(bytes.length + 32, 7);
    pool.set(bytes, 24);
    expect(readSafetensors(pool.subarray(24, 24 + bytes.length)).tensors).toEqual(readSafetensors(bytes).tensors);
  });

  it("gives equal bytes for equal content in any order", () => {
    const a = { name: "a", dtype: "f32", shape: [1], data: Float32Array.of(1) } as const;
    const b = { name: "b", dtype: "f32", shape: [1], data: Float32Array.of(2) } as const;
    expect(writeSafetensors([a, b], {})).toEqual(writeSafetensors([b, a], {}));
  });

  it("refuses truncated and damaged files", () => {
    for (let cut = 0; cut < bytes.length; cut += 7) expect(() => readSafetensors(bytes.slice(0, cut))).toThrow(/not a readable safetensors file/);
    const long = bytes.slice();
    new DataView(long.buffer).setBigUint64(0, 2n ** 63n, true);
    expect(() => readSafetensors(long)).toThrow(/a header of/);
  });

  it.each([
    ['{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}', /range of "a"/],
    ['{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}}', /overlaps/],
    ['{"a":{"dtype":"F16","shape":[1],"data_offsets":[0,4]}}', /entry of "a"/],
    ['{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}', /entry of "a"/],
    ["[]", /no object/],
    ["{", /no JSON/],
  ])("refuses the header %s", (header, message) => {
    const text = new TextEncoder().encode(header);
    const file = new Uint8Array(8 + text.length + 8);
    new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true);
    file.set(text, 8);
    expect(() => readSafetensors(file)).toThrow(message);
  });
});
