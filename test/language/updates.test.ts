/** Updates written as equations, against plain loops: k-means step by step. */
import { expect, it } from "vitest";
import { openSession } from "../../src/session.ts";
import { near, numbers, program, range } from "./kit.ts";

it("an equation updates a state over the state's own axes", async () => {
  const x = numbers(14, 3);
  const session = await openSession(program(`model KMeans(k = 3) {
  input x: f32[N, 2]
  param w: f32 ~ ones
  state c: f32[k, 2] ~ normal(0, 1)
  d[n, j] = sum[i] (x[n, i] - c[j, i])^2
  nearest[n] = argmin[j] d[n, j]
  c[j, i] <- cases {
    mean[n where nearest[n] == j] x[n, i]  if any[n] (nearest[n] == j)
    c[j, i]                                otherwise
  }
  loss = w^2
}
train KMeans { steps = 4, optimizer = sgd(0.1) }`), { backend: "f64", seed: 5 });
  const place = "KMeans.c";
  let c = [...(await session.get(place))];
  for (let step = 0; step < 4; step++) {
    await session.step({ x });
    const distances = range(7).map((n) => range(3).map((j) => range(2).reduce((s, i) => s + ((x[2 * n + i] as number) - (c[2 * j + i] as number)) ** 2, 0)));
    const nearest = distances.map((d) => d.indexOf(Math.min(...d)));
    c = range(3).flatMap((j) => {
      const mine = range(7).filter((n) => nearest[n] === j);
      return range(2).map((i) => (mine.length === 0 ? (c[2 * j + i] as number) : mine.reduce((s, n) => s + (x[2 * n + i] as number), 0) / mine.length));
    });
    near([...(await session.get(place))], c);
  }
  expect(new Set(c).size).toBeGreaterThan(3);
});
