/**
 * A kernel that does the same with other buffers. Comes in: a kernel, and what takes the place of what. Goes out: the kernel; its text is
 * the same, since no text names a buffer.
 *
 *     exchangeBuffers(relu(h1 -> h2), { h1: h3, h2: h4 })     relu(h3 -> h4)
 */
import type { Buffer, Kernel, KernelStmt, Nest, ParamSlot, Stmt } from "../src/ir/kernel.ts";

/** Buffers that `by` does not name stay. */
export function exchangeBuffers<K extends Kernel>(kernel: K, by: ReadonlyMap<Buffer, Buffer>): K {
  const to = (buffer: Buffer): Buffer => by.get(buffer) ?? buffer;
  const block = (body: readonly KernelStmt[]): readonly KernelStmt[] =>
    body.map((s) => {
      if ("buffer" in s) return { ...s, buffer: to(s.buffer) };
      if (s.kind === "for") return { ...s, body: block(s.body) };
      return s.kind === "if" ? { ...s, body: block(s.body), ...(s.otherwise && { otherwise: block(s.otherwise) }) } : s;
    });
  const nestBlock = (body: readonly Stmt[]): readonly Stmt[] =>
    body.map((s) => (s.kind === "fold" || s.kind === "each" ? { ...s, body: nestBlock(s.body) } : "buffer" in s ? { ...s, buffer: to(s.buffer) } : s));
  const slot = (p: ParamSlot): ParamSlot => (p.source.kind === "base" ? { ...p, source: { kind: "base", buffer: to(p.source.buffer) } } : p);
  return {
    ...kernel, body: block(kernel.body), params: kernel.params.map(slot), nests: kernel.nests.map((n): Nest => ({ ...n, body: nestBlock(n.body), params: n.params.map(slot) })),
    buffers: kernel.buffers.map(to), reads: new Set([...kernel.reads].map(to)), writes: new Set([...kernel.writes].map(to)),
    ...(kernel.members && { members: kernel.members.map((m) => exchangeBuffers(m, by)) }),
  };
}
