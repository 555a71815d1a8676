/** Kernels against their formulas: a right program agrees, and a fault planted in any one kernel is found in that kernel. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { profiles } from "../../kernels/profiles.ts";
import type { CompiledProgram } from "../../src/compile.ts";
import type { LoweredEntry } from "../../src/harness/lowered-entry.ts";
import { openDevice, type OpenDevice } from "../../src/harness/node/index.ts";
import { compareOnDevice, type Comparable } from "../../src/report/compare-on-device.ts";
import { lineText, positionOf } from "../../src/support/span.ts";
import { exampleProgram, programOf } from "../session/kit.ts";

let gpu: OpenDevice;
beforeAll(async () => {
  gpu = await openDevice();
});
afterAll(() => {
  gpu.close();
});

const compare = (program: Comparable, entries: CompiledProgram["entries"]) => compareOnDevice(program, { device: gpu.device, profile: profiles.software, entries });

/** The program, with device code changed after it was made. */
function changed(program: CompiledProgram, change: (lowered: LoweredEntry) => LoweredEntry): Comparable {
  return { info: program.info, entries: program.entries, text: program.text, graph: (entry) => program.graph(entry), lower: (entry, target) => change(program.lower(entry, target)) };
}

/** One f32 that a kernel stores (the first, or one of those that follow) made one percent larger; as it is where it stores so many not. */
function spoiled(wgsl: string, which = 0): string {
  const floats = new Set([...wgsl.matchAll(/var<storage, read_write> (b\d+): array<f32/g)].map((m) => m[1]));
  let seen = 0;
  return wgsl.replace(/(b\d+)(\[[^\n=]*\] = )([^;\n]*);/g, (all: string, buffer: string, at: string, value: string) =>
    floats.has(buffer) && seen++ === which ? `${buffer}${at}(${value}) * 1.01f;` : all);
}

describe("kernel by kernel", () => {
  it("a gradient that cancels to nothing agrees with nothing", async () => {
    // A softmax does not change where a constant is added to its row, so the key's bias has the gradient zero, up to rounding.
    const program = programOf("model M {\n  input x: f32[N, 4, 3]\n  q = dense(x, 3)\n  k = dense(x, 3)\n  v = dense(x, 3)\n  a = attention(q, k, v)\n  loss = mean(sin(a))\n}");
    const { gradients } = await compare(program, ["gradients"]);
    expect(gradients.map((g) => [g.path, g.differs])).toEqual(gradients.map((g) => [g.path, undefined]));
    expect(gradients.map((g) => g.path)).toContain("M.k.b");
  });

  it.each(["softmax", "lenet", "vae"])("every entry of %s agrees", async (name) => {
    const program = exampleProgram(name);
    const { entries, gradients } = await compare(program, program.entries);
    expect(entries.map((e) => [e.entry, e.suspect, e.compared])).toEqual(entries.map((e) => [e.entry, undefined, e.dispatches]));
    for (const e of entries) expect(e.worst).toBeLessThan(2e-6);
    expect(gradients.map((g) => g.path).sort()).toEqual(program.model.params.map((p) => p.path).sort());
    expect(gradients.filter((g) => g.differs)).toEqual([]);
  });

  const net = (off: readonly string[]): CompiledProgram => programOf(`model Net {
    input x: f32[N, 5]
    target y: i32[N] in 0..3
    param W: f32[5, 4] ~ glorot_uniform
    param b: f32[4] ~ zeros
    param V: f32[4, 3] ~ glorot_uniform
    h = tanh(x @ W + b)
    z = h @ V
    r = sum(sqrt(h^2 + 1e-3))
    loss = cross_entropy(z, y) + 0.01 * r
  }
  train Net { steps = 1, optimizer = momentum(lr = 0.1) }`, {}, off);
  const program = net(["stages"]);

  it.each(["step", "gradients"] as const)("a fault in any one kernel of %s is found there", async (entry) => {
    const { texts, plan } = program.lower(entry, { capacity: { N: 3 }, profile: profiles.software });
    const dispatches = plan.block.flatMap((b) => (b.kind === "dispatch" ? [b] : []));
    let planted = 0;
    for (const [k, text] of texts.entries()) {
      const wgsl = spoiled(text.wgsl);
      if (wgsl === text.wgsl) continue;
      planted++;
      const { entries } = await compare(changed(program, (l) => ({ ...l, texts: l.texts.map((t, i) => (i === k ? { ...t, wgsl } : t)) })), [entry]);
      expect(entries[0]?.suspect?.dispatch, text.wgsl).toBe(dispatches.findIndex((d) => d.kernel === k) + 1);
      expect(entries[0]?.places.length).toBeGreaterThan(0);
    }
    expect(planted).toBeGreaterThan(3);
  });

  it("a fault in any one stage is found there", async () => {
    const staged = net([]);
    const { kernels, texts, schedule } = staged.lower("gradients", { capacity: { N: 3 }, profile: profiles.software });
    expect(kernels.map((k) => k.family)).toEqual([`stages ${kernels[0]?.stages?.length}`]);
    // Made anew for each comparison, its nodes are others of the same numbers.
    const stageOf = (id: number | undefined): number | undefined => kernels[0]?.stages?.findIndex((s) => [...s.writes].some((b) => schedule.holds.get(b)?.id === id));
    const found: (number | undefined)[] = [];
    for (let which = 0; ; which++) {
      const wgsl = spoiled(texts[0]?.wgsl ?? "", which);
      if (wgsl === texts[0]?.wgsl) break;
      const { entries } = await compare(changed(staged, (l) => ({ ...l, texts: l.texts.map((t) => ({ ...t, wgsl })) })), ["gradients"]);
      found.push(stageOf(entries[0]?.suspect?.node.id));
    }
    // Stores stand in the text in the order of stages, and each stage has one at least.
    expect(found).toEqual([...found].sort((a, b) => (a ?? -1) - (b ?? -1)));
    expect(found.length).toBeGreaterThan(3);
    expect(new Set(found).size).toBe(kernels[0]?.stages?.length);
  });

  it("names line, element and gradient", async () => {
    const wrong = changed(program, (l) => ({ ...l, texts: l.texts.map((t) => ({ ...t, wgsl: t.wgsl.replace(/(fn nabla_tanh[^}]*return )([^;]*);/, "$1($2) * 0.97f;") })) }));
    const { entries, gradients } = await compare(wrong, ["gradients"]);
    const [first] = entries;
    const span = first?.places[0]?.span;
    expect(span && lineText(span.source, positionOf(span.source, span.start).line)).toContain("h = tanh(x @ W + b)");
    expect(first?.suspect?.found).toBeCloseTo(0.97 * (first?.suspect?.wanted ?? 0), 4);
    expect(gradients.some((g) => g.differs)).toBe(true);
  });
});
