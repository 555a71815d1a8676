/** The library: `import { compile, openSession } from "nabla"`. Pure: runs in Node, a browser or a worker alike. */
export { compile, CompiledProgram, type Compilation, type CompileOptions } from "./compile.ts";
export type { LoweredEntry, Target } from "./harness/lowered-entry.ts";
export { openSession, Session, type Feed, type SessionOptions } from "./session.ts";
export type { Diagnostic, Label } from "./support/diagnostic.ts";
export { renderReport } from "./support/report.ts";
export type { Source, Span } from "./support/span.ts";
export { makeDataset, type Dataset } from "./harness/runtime/dataset.ts";
export { DataError } from "./harness/runtime/data-error.ts";
export { EngineError, type Engine, type OutputValue, type Values } from "./harness/runtime/engine.ts";
export type { EpochReport, PhaseResult, StepReport, TrainResult } from "./harness/runtime/train-report.ts";
export type { Evaluation } from "./harness/runtime/evaluate-part.ts";
