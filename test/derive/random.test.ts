/**
 * Random programs of random shapes: rows of Jacobians, second and mixed derivatives by index, and gradients of losses made
 * of them, against central differences. Layers are equations, products, loops, cases, gathers and functions with rules.
 */
import { describe, expect, it } from "vitest";
import { agree, differences, expectTrueGradients, open, outputOf } from "./kit.ts";

const programs = 24;

function generator(seed: number): { readonly below: (n: number) => number; readonly one: <T>(list: readonly T[]) => T } {
  let state = (seed * 2654435761 + 12345) >>> 0;
  const next = (): number => {
    state = (Math.imul(state ^ (state >>> 15), 2246822519) + 374761393) >>> 0;
    return ((state ^ (state >>> 13)) >>> 0) / 2 ** 32;
  };
  const below = (n: number): number => Math.floor(next() * n);
  return { below, one: (list) => list[below(list.length)] as never };
}

const functions = `
fn soft(x) = tanh(x) with gradient(dy) { x = dy * (1 - out^2) }
fn times(x, y) { z = x * y; return z } with gradient(dy) { x = dy * y, y = dy * x }
fn curved(t) = cases {
  sin(t) + t if t > 0.3
  0.5 * t^2 otherwise
}`;

/** A program with vectors x [n] and y [m] = F(x, W, u), smooth almost everywhere. */
function programFor(seed: number): { readonly text: string; readonly n: number; readonly m: number } {
  const r = generator(seed);
  const n = 2 + r.below(3);
  const lines: string[] = [];
  let [at, size] = ["x", n];
  const layers = 2 + r.below(3);
  for (let k = 1; k <= layers; k++) {
    const name = `h${k}`;
    const kind = r.below(8);
    if (kind === 0) lines.push(`${name}[i] = sin(${at}[i] * ${at}[(i + 1) % ${size}]) + u[0] * ${at}[i]`);
    else if (kind === 1) lines.push(`${name} = soft(${at} * u[1])`);
    else if (kind === 2) lines.push(`${name}[i] = sum[j where j != i] times(${at}[j], ${at}[i]) * 0.4 + curved(${at}[i])`);
    else if (kind === 3) lines.push(`${name} = fold t in 0..2 with s = ${at} { soft(s + 0.3 * ${at} * u[t]) }`);
    else if (kind === 4) lines.push(`${name} = softmax(${at}) * u[2]`);
    else if (kind === 5) {
      const to = 2 + r.below(3);
      lines.push(`${name}[o in 0..${to}] = sum[i] ${at}[i] * W[i % ${n}, (o + i) % 3] * 0.7`);
      size = to;
    } else if (kind === 6) lines.push(`${name}[i in 0..${size}] = logsumexp[j] (${at}[j] * u[(i + j) % 3])`);
    else lines.push(`${name}[i] = exp(0.2 * ${at}[${r.below(size)}]) * ${at}[i] / sqrt(1 + sum[j] ${at}[j]^2)`);
    at = name;
  }
  return {
    n, m: size,
    text: `${functions}
model M {
  param x: f32[${n}] ~ normal(0, 1); param W: f32[${n}, 3] ~ normal(0, 1); param u: f32[3] ~ normal(0, 1) as bias
  ${lines.join("\n  ")}
  y = ${at} + 0 * (sum(W) + sum(u)); output y
  J[i, j] = grad(y[i], x)[j]; output J
  output H[i, j, k] = grad(grad(y[i], x)[j], x)[k]
  K[i, j, k] = grad(grad(y[i], x)[j], u)[k]; output K
  output v[i] = jvp(y[i], x, ${r.one(["x", "cos(x)", "stop_gradient(x) * 2"])})
  loss = sum(y^2) + 0.1 * sum(J^2) + 0.05 * sum(sin(K))
}`,
  };
}

describe("random programs", () => {
  it.each(Array.from({ length: programs }, (_, k) => k + 1))("number %i", async (seed) => {
    const { text, n, m } = programFor(seed);
    const session = await open(text, seed);
    for (const [whole, part, path] of [["y", "J", "M.x"], ["J", "H", "M.x"], ["J", "K", "M.u"]] as const) {
      const count = whole === "y" ? m : m * n;
      const wanted: number[] = [];
      for (let k = 0; k < count; k++) wanted.push(...(await differences(session, path, {}, whole, Array.from({ length: count }, (_, i) => (i === k ? 1 : 0)))));
      agree(await outputOf(session, part), wanted, `${part} of ${text}`);
    }
    expect((await outputOf(session, "v")).length).toBe(m);
    await expectTrueGradients(session);
  });
});
