/** Steps that are asked for all at once: they are what they are one by one, and end together where one meets a number that is not finite. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { openDevice, type OpenDevice } from "../../src/harness/node/index.ts";
import { NotFinite, openSession, type Session, type SessionOptions } from "../../src/session.ts";
import { programOf } from "./kit.ts";

let gpu: OpenDevice;
beforeAll(async () => {
  gpu = await openDevice();
});
afterAll(() => {
  gpu.close();
});

const program = programOf(`model M {
  input x: f32[N, 3]
  target y: f32[N]
  h = dropout(tanh(dense(x, 8)), 0.3)
  p = dense(h, 1)
  loss = mean[n] (log(x[n, 0]) * p[n, 0] - y[n])^2
}
train M { optimizer = adam(0.02); batch = 4; steps = 1; seed = 5 }`);
const feeds = Array.from({ length: 12 }, (_, k) => ({ x: Array.from({ length: 12 }, (__, i) => 1.5 + Math.sin(k * 12 + i)), y: [k, 1, 2, 3] }));
const both = (): readonly (readonly [string, SessionOptions])[] => [["the device", { device: gpu.device }], ["f64", { backend: "f64" }]];

const values = async (session: Session): Promise<readonly unknown[]> => Promise.all(session.parameters.map(({ name }) => session.get(name)));

it("are what they are one by one, optimizer, draws and all", async () => {
  for (const [where, options] of both()) {
    const [queued, waited] = [await openSession(program, options), await openSession(program, options)];
    const found = await Promise.all(feeds.map((feed) => queued.step(feed)));
    const wanted = [];
    for (const feed of feeds) wanted.push(await waited.step(feed));
    expect(found, where).toEqual(wanted);
    expect(new Set(wanted.map((w) => w["loss"])).size).toBe(feeds.length);
    expect(await values(queued), where).toEqual(await values(waited));
    queued.close();
    waited.close();
  }
});

it("end together where one is not finite, and go on from before it", async () => {
  for (const [where, options] of both()) {
    const [queued, waited] = [await openSession(program, options), await openSession(program, options)];
    const bad = { x: [1, 1, 1, -1, 1, 1, 1, 1, 1, 1, 1, 1], y: [0, 0, 0, 0] };
    const ended = await Promise.allSettled([...feeds.slice(0, 3), bad, ...feeds.slice(3, 6)].map((feed) => queued.step(feed)));
    expect(ended.map((e) => e.status), where).toEqual(["fulfilled", "fulfilled", "fulfilled", "rejected", "rejected", "rejected", "rejected"]);
    const errors = ended.flatMap((e) => (e.status === "rejected" ? [e.reason as unknown] : []));
    expect(errors[0]).toBeInstanceOf(NotFinite);
    expect((errors[0] as NotFinite).message).toMatch(/log.*update 4|update 4/);
    expect(new Set(errors).size).toBe(1);
    for (const feed of feeds.slice(0, 3)) await waited.step(feed);
    expect(await values(queued), where).toEqual(await values(waited));
    expect(await queued.step(feeds[7]), where).toEqual(await waited.step(feeds[7]));
    queued.close();
    waited.close();
  }
});

it("that cannot run are not counted", async () => {
  const [one, other] = [await openSession(program, { backend: "f64" }), await openSession(program, { backend: "f64" })];
  await expect(one.step({ x: [1, 2] , y: [1] })).rejects.toThrow();
  expect(await one.step(feeds[0])).toEqual(await other.step(feeds[0]));
});
