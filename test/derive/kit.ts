/**
 * Programs as text on the f64 evaluator: outputs, gradients, and central differences of the loss by each parameter.
 *
 *     const m = await open(`model M { param w: f32[3] ~ normal(0, 1)  loss = sum(w^3) }`);
 *     await expectTrueGradients(m, {});
 */
import { expect } from "vitest";
import { compile } from "../../src/compile.ts";
import { openSession, type Feed, type Session } from "../../src/session.ts";

/** The step of a central difference, and how near a derivative must come to it. */
export const epsilon = 1e-6;
export const near = (a: number, e: number): boolean => Math.abs(a - e) <= 1e-5 + 1e-3 * Math.abs(e);

/** A session on the evaluator. Fails with the program's errors. */
export async function open(text: string, seed = 3): Promise<Session> {
  const { diagnostics, programs } = compile({ path: "test.dl", text }, { trace: { verify: true } });
  const [program] = programs;
  if (!program) throw new Error(diagnostics.map((d) => `${d.code} ${d.message}`).join("\n"));
  return openSession(program, { backend: "f64", seed });
}

/** The codes of what is wrong with a program. */
export function codesOf(text: string): readonly string[] {
  return compile({ path: "test.dl", text }).diagnostics.filter((d) => d.severity === "error").map((d) => d.code);
}

/** `count` numbers between -2 and 2 that look random and repeat. */
export function numbers(count: number, seed = 1): Float64Array {
  let state = (seed * 2654435761) >>> 0;
  return Float64Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 32) * 4 - 2;
  });
}

/** The numbers of an output. */
export async function outputOf(m: Session, name: string, feed: Feed = {}): Promise<readonly number[]> {
  const found = (await m.evaluate(feed))[name];
  if (!found) throw new Error(`there is no output ${name}`);
  return [...found.data];
}

/** Element by element, with the place where they part. */
export function agree(actual: ArrayLike<number>, expected: ArrayLike<number>, what = "value"): void {
  expect(actual.length, what).toBe(expected.length);
  for (let k = 0; k < expected.length; k++) {
    const [a, e] = [actual[k] as number, expected[k] as number];
    expect(near(a, e), `${what}, element ${k}: ${a} against ${e}`).toBe(true);
  }
}

/** The central difference of an output (summed with `weights` if it is a tensor) by each element of a parameter. */
export async function differences(m: Session, path: string, feed: Feed, output = "loss", weights?: ArrayLike<number>): Promise<readonly number[]> {
  const at = Float64Array.from(await m.get(path));
  const value = async (): Promise<number> => (await outputOf(m, output, feed)).reduce((s, v, k) => s + v * (weights?.[k] ?? 1), 0);
  const found: number[] = [];
  for (let k = 0; k < at.length; k++) {
    const moved = Float64Array.from(at);
    moved[k] = (at[k] as number) + epsilon;
    m.set(path, moved);
    const up = await value();
    moved[k] = (at[k] as number) - epsilon;
    m.set(path, moved);
    found.push((up - (await value())) / (2 * epsilon));
  }
  m.set(path, at);
  return found;
}

/** Every parameter's gradient equals the central differences of the loss. */
export async function expectTrueGradients(m: Session, feed: Feed = {}): Promise<void> {
  const gradients = await m.gradients(feed);
  for (const { name } of m.parameters) agree(gradients[name]?.data ?? [], await differences(m, name, feed), `gradient by ${name}`);
}
