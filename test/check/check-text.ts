/** Checks a text, for tests. */
import { expect } from "vitest";
import { check } from "../../src/check/check.ts";
import type { CheckedModel, CheckedProgram } from "../../src/check/checked.ts";
import type { Core } from "../../src/check/core.ts";
import type { Settings } from "../../src/check/models.ts";
import { printType } from "../../src/ir/types.ts";
import { Diagnostics } from "../../src/support/diagnostic.ts";
import { parse } from "../../src/syntax/parse.ts";

/** What checking gave. */
export interface Checked {
  readonly program: CheckedProgram | undefined;
  readonly diagnostics: Diagnostics;
}

/** Parses and checks. */
export function checkText(text: string, set: Settings = {}): Checked {
  const diagnostics = new Diagnostics();
  const file = parse({ path: "test.dl", text }, diagnostics);
  return { program: check(file, { set }, diagnostics), diagnostics };
}

/** The only model of a text that must be right. */
export function modelOf(text: string, set: Settings = {}): CheckedModel {
  const { program, diagnostics } = checkText(text, set);
  expect(diagnostics.list.filter((d) => d.severity === "error").map((d) => d.message)).toEqual([]);
  const [model] = program?.models ?? [];
  if (!model) throw new Error("no model");
  return model;
}

/** Codes and messages of the errors of a text. */
export function errorsOf(text: string, set: Settings = {}): string[] {
  return checkText(text, set).diagnostics.list.filter((d) => d.severity === "error").map((d) => `${d.code} ${d.message}`);
}

/** The types of a model's outputs by name. */
export function outputTypes(model: CheckedModel): Record<string, string> {
  return Object.fromEntries(model.outputs.map((o) => [o.name, printType(o.value.type)]));
}

/** The value of an output, below its name. */
export function output(model: CheckedModel, name: string): Core {
  const found = model.outputs.find((o) => o.name === name)?.value;
  if (!found) throw new Error(`no output ${name}`);
  return found.kind === "binding" ? found.value : found;
}
