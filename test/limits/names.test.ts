/**
 * Names mean nothing: one small model, every name of it drawn from words that other languages keep for themselves, trains to
 * the same numbers. What is no name here is refused with a place.
 */
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { pathToFileURL } from "node:url";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compile, type Compilation, type CompiledProgram } from "../../src/compile.ts";
import { openDevice, type OpenDevice } from "../../src/harness/node/index.ts";
import type { Program } from "../../src/harness/runtime/program.ts";
import type { TrainPlan } from "../../src/harness/runtime/train-plan.ts";
import { readSafetensors } from "../../src/harness/runtime/safetensors.ts";
import { openSession, type Session } from "../../src/session.ts";
import { reservedWords, reductionWords } from "../../grammar/tokens.ts";
import { runNabla } from "../cli/run-nabla.ts";
import { typescriptWords, wgslWords } from "../../src/support/reserved-words.ts";

/** What the model calls itself; a name that it uses of the library or of the language stays out of the pool. */
const places = ["Model", "x", "y", "N", "d", "hidden", "scale", "layer_", "units", "W", "b", "f", "arg", "h", "z", "p", "second", "accuracy", "opt", "lr", "s", "run", "part", "k"] as const;
type Place = (typeof places)[number];
type Names = Readonly<Record<Place, string>>;

const text = (n: Names): string => `
const ${n.k} = 2
fn ${n.f}(${n.arg}, ${n.b} = 1) = ${n.arg} * ${n.b} + ${n.k}
layer ${n.layer_}(${n.x}: f32[..., ${n.d}], ${n.units}) {
  param ${n.W}: f32[${n.d}, ${n.units}] ~ ones
  param ${n.b}: f32[${n.units}] ~ zeros as bias
  return ${n.x} @ ${n.W} + ${n.b}
}
optimizer ${n.opt}(${n.lr} = 0.1) {
  state ${n.s} ~ zeros
  ${n.s} <- 0.5 * ${n.s} + g
  θ <- θ - ${n.lr} * ${n.s}
}
model ${n.Model}(${n.hidden} = 3, ${n.scale} = 0.5) {
  input ${n.x}: f32[${n.N}, 2]
  target ${n.y}: f32[${n.N}, 1]
  ${n.h} = tanh(${n.layer_}(${n.x}, ${n.hidden}))
  ${n.z} = ${n.layer_}(${n.h}, 1)
  output ${n.p} = ${n.f}(${n.z})
  loss ${n.part} = ${n.scale} * mean((${n.p} - ${n.y})^2)
  loss ${n.second} = 0.01 * l2(weights)
  metric ${n.accuracy} = mean(abs(${n.p} - ${n.y}))
}
train ${n.Model} as ${n.run} { steps = 3, batch = 2, optimizer = ${n.opt}(${n.lr} = 0.05) }
`;

const own = Object.fromEntries(places.map((place) => [place, place])) as Names;
const used = new Set(["ones", "zeros", "bias", "tanh", "abs", "l2", "weights", "biases", "params", "loss", "training", "pi", "t", "g", "θ", "epoch", "f32", "mean", "constant"]);
const reserved = new Set<string>([...reservedWords, ...reductionWords]);

/** Words of WGSL, TypeScript and HTML, of objects and of our own files; letters of all kinds; names as long as a file. */
const pool: readonly string[] = [...new Set([
  ...wgslWords, ...typescriptWords, "constructor", "toString", "hasOwnProperty", "valueOf", "isPrototypeOf", "prototype", "__defineGetter__", "__lookupSetter__", "then", "toJSON", "length", "name",
  "script", "style", "div", "body", "onload", "innerHTML", "id", "total", "kernels", "program", "plan", "main", "gid", "lid", "params0", "buffer0", "slab", "hyper", "step_", "data", "input_", "output_",
  "__metadata__", "dtype", "shape", "data_offsets", "seed_", "_", "__", "a_b", "a__b", "a_b_2", "a_b2", "A_b", "α", "β", "alpha", "Alpha", "é", "e\u0301clair", "éclat", "ß", "ſ", "İ", "ı", "日本語", "переменная", "x′".slice(0, 1) + "1",
  "ﬁ", "𝐱", "𝑥1", "Ω", "Ⅷ", "ªb", "aͤ", "n".repeat(65_536), `${"n".repeat(65_535)}m`, `${"é".repeat(1000)}`,
])].filter((name) => !reserved.has(name) && !used.has(name) && name !== "__proto__");

/** A renaming with no two places alike once names are in their one spelling. */
const renamings: fc.Arbitrary<Names> = fc.uniqueArray(fc.constantFrom(...pool), { minLength: places.length, maxLength: places.length, selector: (name) => name.normalize("NFC") })
  .map((names) => Object.fromEntries(places.map((place, k) => [place, names[k] ?? place])) as Names);

const compiled = (n: Names): Compilation => compile({ path: "names.dl", text: text(n) });

/** Numbers alone, in the order of the program: losses of each step, parameters, gradients, predictions, measures. */
async function numbersOf(session: Session, n: Names): Promise<number[][]> {
  const canonical = (name: string): string => name.normalize("NFC");
  const feed = { [canonical(n.x)]: [1, 0.5, -1, 0.25], [canonical(n.y)]: [1, 2] };
  const found: number[][] = [];
  for (let step = 0; step < 3; step++) found.push(Object.values(await session.step(feed)));
  for (const { name } of session.parameters) found.push([...(await session.get(name))]);
  for (const outputs of [await session.gradients(feed), await session.predict({ [canonical(n.x)]: [1, 2] }), await session.evaluate(feed)])
    for (const { data } of Object.values(outputs)) found.push([...data]);
  session.setHyper(canonical(n.scale), 2);
  found.push(Object.values(await session.step(feed)));
  const saved = new Map(readSafetensors(await session.save()).tensors.map((t) => [t.name, t.data]));
  for (const { name } of session.parameters) found.push([...(saved.get(name) ?? [])]);
  return found;
}

function only({ programs, diagnostics }: Compilation): CompiledProgram {
  const [program] = programs;
  if (!program) throw new Error(diagnostics.map((d) => `${d.code} ${d.message.slice(0, 200)}`).join("\n"));
  return program;
}

async function f64Numbers(n: Names): Promise<number[][]> {
  const session = await openSession(only(compiled(n)), { backend: "f64" });
  const found = await numbersOf(session, n);
  session.close();
  return found;
}

describe("a model under other names", () => {
  test("trains to the same numbers", async () => {
    const wanted = await f64Numbers(own);
    expect(wanted.flat().length).toBeGreaterThan(40);
    await fc.assert(fc.asyncProperty(renamings, async (n) => {
      expect(await f64Numbers(n)).toEqual(wanted);
    }), { numRuns: 30 });
  });

  test("compiles with every name of the pool, each in several places", () => {
    for (let from = 0; from < pool.length; from += places.length - 1) {
      const n = Object.fromEntries(places.map((place, k) => [place, pool[(from + k) % pool.length] ?? place])) as Names;
      if (new Set(places.map((place) => n[place].normalize("NFC"))).size < places.length) continue;
      const { diagnostics, programs } = compiled(n);
      expect(diagnostics.filter((d) => d.severity === "error").map((d) => `${d.code} ${d.message.slice(0, 100)}`)).toEqual([]);
      expect(programs.length).toBe(1);
    }
  });

  let gpu: OpenDevice;
  beforeAll(async () => {
    gpu = await openDevice();
  });
  afterAll(() => {
    gpu.close();
  });

  test("on the device too", async () => {
    const onDevice = async (n: Names): Promise<number[][]> => {
      const session = await openSession(only(compiled(n)), { device: gpu.device });
      const found = await numbersOf(session, n);
      session.close();
      return found;
    };
    const wanted = await onDevice(own);
    await fc.assert(fc.asyncProperty(renamings, async (n) => {
      expect(await onDevice(n)).toEqual(wanted);
    }), { numRuns: 6 });
  });
});

describe("a package and a page", () => {
  test("of a program under such names hold them as they are", async () => {
    const root = mkdtempSync(path.join(tmpdir(), "nabla-names-"));
    const n: Names = { ...own, Model: "constructor", x: "toString", y: "hasOwnProperty", N: "valueOf", hidden: "var", scale: "await", h: "n".repeat(65_536), W: "override", b: "日本語", p: "script", part: "class", second: "prototype", accuracy: "__defineGetter__", opt: "function", run: "import" };
    const data = `data = table { ${n.x} = [[1, 0.5], [-1, 0.25]], ${n.y} = [[1], [2]] }`;
    writeFileSync(path.join(root, "names.dl"), text(n).replace("steps = 3", `${data}, steps = 3`));
    for (const args of [["build", "names.dl", "-o", "bundle"], ["graph", "names.dl", "-o", "names.html"]]) {
      const { status, err } = await runNabla(args, { cwd: root });
      expect({ status, err: err.slice(0, 300) }).toEqual({ status: 0, err: expect.stringContaining("wrote") as string });
    }
    const { program, plan } = (await import(pathToFileURL(path.join(root, "bundle/dist/program.js")).href)) as { program: Program; plan: TrainPlan };
    expect(program.store.tensors.filter((t) => t.kind === "param").map((t) => t.name)).toEqual([n.h, n.z].flatMap((layer) => [n.W, n.b].map((leaf) => `${n.Model}.${layer}.${leaf}`)));
    expect(program.inputs.map((i) => i.name)).toEqual([n.x, n.y]);
    expect([plan.name, program.hypers]).toEqual([n.run, { [n.scale]: 0.5 }]);
    expect(Object.keys(await import(pathToFileURL(path.join(root, "bundle/dist/model.js")).href) as object).sort()).toEqual(["callOf", "openModel", "predict"]);
    expect(readFileSync(path.join(root, "names.html"), "utf8").match(/<script/g)?.length).toBe(1);
  }, 120_000);
});

describe("spellings", () => {
  test("composed and decomposed letters are one name, in settings too", () => {
    const model = (a: string, b: string): string => `model M(${a} = 3) {\n  input x: f32[N, 2]\n  h${a} = dense(x, ${b})\n  output p = h${b}\n}`;
    const { programs: [program], diagnostics } = compile({ path: "t.dl", text: model("é", "e\u0301") }, { set: { "e\u0301": 5 } });
    expect(diagnostics.map((d) => d.message)).toEqual([]);
    expect(program?.model.params.map((p) => p.path)).toEqual(["M.hé.W", "M.hé.b"]);
    expect(program?.model.params[0]?.type.shape).toEqual([2, 5]);
    const twice = compile({ path: "t.dl", text: "model M {\n  input x: f32[N]\n  é = x\n  e\u0301 = x\n  output p = é\n}" });
    expect(twice.diagnostics.map((d) => d.code)).toEqual(["E0102"]);
  });

  test("reserved words and what no object may hold are refused with a place", () => {
    for (const name of [...reserved, "__proto__"]) {
      const { diagnostics } = compile({ path: "t.dl", text: `model M {\n  input ${name}: f32[N, 2]\n  output p = ${name}\n}` });
      expect(diagnostics.filter((d) => d.severity === "error").length, name).toBeGreaterThan(0);
      for (const d of diagnostics) expect(d.span, name).toBeDefined();
    }
    expect(compile({ path: "t.dl", text: "fn __proto__(x) = x" }).diagnostics.map((d) => d.code)).toEqual(["E0135"]);
    expect(compile({ path: "t.dl", text: "model M { input x: f32[N]\n output p = x }" }, { set: JSON.parse('{ "__proto__": 1 }') as Record<string, number> }).diagnostics.map((d) => d.code)).toEqual(["E0104"]);
  });

  test("results have a name each", () => {
    const codes = (lines: string): string[] => compile({ path: "t.dl", text: `model M {\n  param w: f32 ~ ones\n${lines}\n}` }).diagnostics.filter((d) => d.severity === "error").map((d) => `${d.code}${d.span ? "" : " nowhere"}`);
    expect(codes("  loss = w^2\n  metric loss = w")).toEqual(["E0102"]);
    expect(codes("  loss fit = w^2\n  output loss = w")).toEqual(["E0102"]);
    expect(codes("  loss fit = w^2\n  loss loss = w")).toEqual([]);
    expect(codes("  maximize -(w^2)\n  loss objective = w^2")).toEqual(["E0102"]);
    expect(codes("  loss status = w^2")).toEqual(["E0102"]);
    expect(codes("  loss = w^2\n  metric status = w\n  output constructor = w")).toEqual([]);
  });

  test("a name of 64 KiB keeps reports readable", () => {
    const long = "n".repeat(65_536);
    const { diagnostics } = compile({ path: "t.dl", text: `model M {\n  input x: f32[N]\n  output p = ${long} + x\n}` });
    expect(diagnostics.map((d) => d.code)).toEqual(["E0101"]);
  });
});
