/** Programs in text on the f64 evaluator, for comparison with plain loops: values, gradients, refusals. */
import { expect } from "vitest";
import { compile, type CompiledProgram } from "../../src/compile.ts";
import { openSession, type Session } from "../../src/session.ts";

export type Numbers = Readonly<Record<string, readonly number[]>>;

export const range = (n: number, from = 0): number[] => Array.from({ length: n }, (_, i) => i + from);
export const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

/** n numbers between -2 and 2, the same every time, none twice. */
export function numbers(n: number, seed = 1): number[] {
  return range(n).map((k) => 2 * Math.sin((k + 1) * (1.37 + 0.618 * seed) + seed));
}

/** A model around these lines, unless they are a whole file. */
export function fileOf(text: string): string {
  return /^\s*(model|fn|layer|const|initializer)\b/.test(text) ? text : `model M {\n${text}\n}`;
}

export function program(text: string): CompiledProgram {
  const { diagnostics, programs } = compile({ path: "test.dl", text: fileOf(text) });
  const errors = diagnostics.filter((d) => d.severity === "error");
  expect(errors.map((d) => `${d.code} ${d.message}`)).toEqual([]);
  return programs[0] as CompiledProgram;
}

/** Codes and messages of the errors. */
export function errorsOf(text: string): string[] {
  return compile({ path: "test.dl", text: fileOf(text) }).diagnostics.filter((d) => d.severity === "error").map((d) => `${d.code} ${d.message}`);
}

export async function opened(text: string, params: Numbers = {}, seed = 3): Promise<Session> {
  const session = await openSession(program(text), { backend: "f64", seed });
  for (const [path, values] of Object.entries(params)) session.set(path, values);
  return session;
}

/** The outputs of prediction, flat. */
export async function outputs(text: string, feed: Numbers = {}, params: Numbers = {}, seed = 3): Promise<Record<string, number[]>> {
  const session = await opened(text, params, seed);
  const found = await session.predict(feed);
  return Object.fromEntries(Object.entries(found).map(([name, { data }]) => [name, [...data]]));
}

export function near(actual: readonly number[] | undefined, expected: readonly number[], tolerance = 1e-9): void {
  expect(actual).toHaveLength(expected.length);
  expected.forEach((v, i) => {
    const a = actual?.[i] ?? Number.NaN;
    expect(Math.abs(a - v), `element ${i}: ${a} where ${v} is expected`).toBeLessThanOrEqual(tolerance * Math.max(1, Math.abs(v)));
  });
}

/** The gradient of the loss by every parameter against central differences of the loss. */
export async function expectGradients(text: string, feed: Numbers, tolerance = 2e-6): Promise<void> {
  const session = await opened(text);
  const gradients = await session.gradients(feed);
  const loss = async (): Promise<number> => (await session.evaluate(feed))["loss"]?.data[0] ?? Number.NaN;
  expect(session.parameters.length).toBeGreaterThan(0);
  for (const { name } of session.parameters) {
    const at = [...(await session.get(name))];
    const found = gradients[name]?.data ?? [];
    expect(found.length).toBe(at.length);
    for (let k = 0; k < at.length; k++) {
      const shifted = async (by: number): Promise<number> => {
        session.set(name, at.map((v, i) => (i === k ? v + by : v)));
        return loss();
      };
      const slope = ((await shifted(1e-4)) - (await shifted(-1e-4))) / 2e-4;
      expect(Math.abs((found[k] ?? Number.NaN) - slope), `${name}[${k}]: ${found[k]} where ${slope} is measured`).toBeLessThanOrEqual(tolerance * Math.max(1, Math.abs(slope)));
    }
    session.set(name, at);
  }
}
