/**
 * The TypeScript that is particular to a program, made with ts-morph: `model.ts` (names and shapes as types) and
 * `train.ts` (what `npm start` runs), and the JavaScript of the whole bundle. ts-morph carries a TypeScript compiler,
 * so it is loaded only here and only when a bundle is asked for.
 */
import type { Project, SourceFile } from "ts-morph";
import { InternalError } from "../support/diagnostic.ts";
import type { Program, Size } from "./runtime/program.ts";
import type { TrainPlan } from "./runtime/train-plan.ts";

export interface CompileBundleInput {
  /** TypeScript by path, without model.ts and train.ts. */
  readonly files: Readonly<Record<string, string>>;
  readonly header: string;
  readonly program: Program;
  readonly plan: TrainPlan;
}

/** All TypeScript, and all of it as JavaScript under dist/. Throws an InternalError on a syntax error in either. */
export async function compileBundle(input: CompileBundleInput): Promise<{ readonly typescript: Readonly<Record<string, string>>; readonly javascript: Readonly<Record<string, string>> }> {
  const { Project: Make, ts } = await import("ts-morph");
  const project: Project = new Make({
    useInMemoryFileSystem: true,
    skipLoadingLibFiles: true,
    compilerOptions: {
      target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler,
      strict: true, verbatimModuleSyntax: true, rewriteRelativeImportExtensions: true, rootDir: "/src", outDir: "/dist", noLib: true, types: [],
    },
  });
  for (const [path, text] of Object.entries(input.files)) project.createSourceFile(`/${path}`, text);
  const [model, main] = [project.createSourceFile("/src/model.ts", ""), project.createSourceFile("/src/train.ts", "")];
  writeModel(model, input.program);
  writeTrain(main, input.plan);
  for (const file of [model, main]) file.insertText(0, `${input.header}\n`);
  const broken = project.getProgram().getSyntacticDiagnostics()[0];
  if (broken) throw new InternalError("bundle", `${broken.getSourceFile().getFilePath()}: ${String(broken.getMessageText())}`);
  const typescript: Record<string, string> = {};
  for (const file of project.getSourceFiles()) typescript[file.getFilePath().slice(1)] = file.getFullText();
  const javascript: Record<string, string> = {};
  for (const file of project.emitToMemory().getFiles()) javascript[file.filePath.slice(1)] = file.text;
  return { typescript, javascript };
}

/** The type of a shape: `readonly [number, 64]`, where a size that varies is `number`. */
function tuple(shape: readonly Size[]): string {
  return `readonly [${shape.map((d) => (typeof d === "number" ? String(d) : "number")).join(", ")}]`;
}

function writeModel(file: SourceFile, program: Program): void {
  file.addImportDeclaration({ moduleSpecifier: "./runtime/engine.ts", isTypeOnly: true, namedImports: ["Call", "Engine", "OutputValue", "Values"] });
  file.addImportDeclaration({ moduleSpecifier: "./runtime/gpu-engine.ts", namedImports: ["GpuEngine"] });
  file.addImportDeclaration({ moduleSpecifier: "./runtime/scalars.ts", namedImports: ["countedScalars"] });
  file.addImportDeclaration({ moduleSpecifier: "./runtime/seeds.ts", namedImports: ["evaluationSeed"] });
  file.addImportDeclaration({ moduleSpecifier: "./program.ts", namedImports: ["plan", "program"] });
  const params = program.store.tensors.filter((t) => t.kind === "param");
  file.addInterface({
    name: "Parameters", isExported: true, docs: ["Every parameter by path, with its shape."],
    properties: params.map((p) => ({ name: JSON.stringify(p.name), type: tuple(p.shape), isReadonly: true })),
  });
  const feed = (role: string): { name: string; type: string; isReadonly: boolean; docs: string[] }[] =>
    program.inputs.filter((i) => i.role === role).map((i) => ({
      name: JSON.stringify(i.name), type: "Values", isReadonly: true,
      docs: [`${i.dtype}${tuple(i.shape).slice(9)}${i.range ? `, ${i.range.lo} to ${i.range.hi - 1}` : ""}, row-major.`],
    }));
  file.addInterface({ name: "Inputs", isExported: true, docs: ["What a prediction needs."], properties: feed("input") });
  file.addInterface({ name: "Batch", isExported: true, extends: ["Inputs"], docs: ["What a training step or an evaluation needs."], properties: feed("target") });
  const named = (kinds: readonly string[], entry: string): string =>
    program.entries[entry]?.outputs.filter((o) => kinds.includes(o.kind)).map((o) => JSON.stringify(o.name)).join(" | ") || "never";
  file.addTypeAlias({ name: "OutputName", isExported: true, docs: ["The model's outputs."], type: named(["output"], "predict") });
  file.addTypeAlias({ name: "MeasureName", isExported: true, docs: ["What an evaluation measures."], type: named(["loss", "term", "metric"], "evaluate") });
  file.addFunction({
    name: "openModel", isExported: true, isAsync: true, returnType: "Promise<Engine>",
    docs: ["The model on a device, with initial parameters. Close it before the device."],
    parameters: [{ name: "device", type: "GPUDevice" }, { name: "seed", type: "number", initializer: "plan.seed" }],
    statements: [
      "const engine = new GpuEngine({ device, program, planFor });",
      "await (await engine.run(\"init\", callOf({}, 0, 0, seed))).read();",
      "return engine;",
    ],
  });
  file.addFunction({
    name: "planFor", docs: ["The plan of an entry; the sizes it was compiled for bound what it runs."],
    parameters: [{ name: "entry", type: "string" }], returnType: "{ plan: typeof program.entries[string]; kernels: typeof program.kernels }",
    statements: [
      "const found = program.entries[entry];",
      "if (!found) throw new Error(`this bundle has no entry ${entry}`);",
      "return { plan: found, kernels: program.kernels };",
    ],
  });
  file.addFunction({
    name: "callOf", isExported: true, returnType: "Call", docs: ["One run: inputs, examples in the batch, number of the update; `counts` is how many updates each step has made, as training reports them."],
    parameters: [
      { name: "inputs", type: "Partial<Batch>" }, { name: "rows", type: "number" }, { name: "step", type: "number" }, { name: "seed", type: "number", initializer: "plan.seed" },
      { name: "counts", type: "ReadonlyMap<string, number>", initializer: "new Map()" },
    ],
    statements: [
      "const live = program.batch === undefined ? {} : { [program.batch]: Math.max(1, rows) };",
      "return { live, inputs: { ...inputs } as Record<string, Values>, scalars: { hyper: program.hypers, step: countedScalars({ t: Math.max(1, step), epoch: 1, entries: Object.keys(program.entries), counts }) }, seed, step, example: 0 };",
    ],
  });
  file.addFunction({
    name: "predict", isExported: true, isAsync: true, returnType: "Promise<Readonly<Record<OutputName, OutputValue>>>",
    docs: ["The model's outputs for some examples."],
    parameters: [{ name: "engine", type: "Engine" }, { name: "inputs", type: "Inputs" }, { name: "rows", type: "number" }],
    statements: ["return (await engine.run(\"predict\", callOf(inputs, rows, 1, evaluationSeed(plan.seed)))).read();"],
  });
}

function writeTrain(file: SourceFile, plan: TrainPlan): void {
  const path = plan.data?.kind === "csv";
  file.addImportDeclaration({ moduleSpecifier: "./node/run-bundle.ts", namedImports: ["runBundle"] });
  file.addImportDeclaration({ moduleSpecifier: "./model.ts", namedImports: ["openModel"] });
  file.addImportDeclaration({ moduleSpecifier: "./program.ts", namedImports: ["plan", "program"] });
  file.addStatements([
    "",
    `// Trains as the train block says${path ? "; the examples are read from data/" : ""} and writes the parameters as safetensors.`,
    "await runBundle({ program, plan, openModel, root: new URL(\"..\", import.meta.url), arguments: process.argv.slice(2) });",
  ]);
}
