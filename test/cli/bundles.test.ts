/** Bundles train as the command does: steps, phases, conditions and averages are data that they carry. */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openDevice } from "../../src/harness/node/index.ts";
import { readSafetensors } from "../../src/harness/runtime/safetensors.ts";
import { runNabla } from "./run-nabla.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
let folder: string;

beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "nabla-bundle-"));
});
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

const program = `model Pair {
  input x: f32[N, 2]
  target y: f32[N]
  trunk = tanh(dense(x, 3))
  p = dense(trunk, 1)
  critic = dense(stop_gradient(p), 1)
  noise = normal(0, 0.1)[N]
  loss fit = mean[n] (p[n, 0] + noise[n] - y[n])^2
  loss judge = mean[n] (critic[n, 0] - y[n]^2)^2
  metric worst_error = max[n] abs(p[n, 0] - y[n])
}
train Pair {
  data = csv("pair.csv") { x = columns(0..2), y = column("y") }
  split = holdout(validation = 0.25, test = 0.1)
  batch = 4
  optimizer = adam(0.02)
  seed = 11
  step fit   { minimize = fit, over = [trunk, p], times = 2, clip = norm(1) }
  step judge { minimize = judge, over = critic }
  phase easy { epochs = 3, only = x[0] < 0.8 and not y > 3, freeze = "Pair.trunk.*" }
  phase all  { epochs = 12, stop = early(patience = 2, monitor = validation.fit) }
  phase more { start = fresh, steps = 2 * all.best_step, fit = training + validation, optimizer = polyak(0.05), stop = reach(training.fit < all.best_training_fit) }
}
`;

const rows = Array.from({ length: 40 }, (_, i) => [i / 40, Math.sin(i), 2 * (i / 40) + Math.sin(i)].join(","));

test("steps and phases in a bundle give what the command gives", { timeout: 300_000 }, async () => {
  fs.writeFileSync(path.join(folder, "pair.dl"), program);
  fs.writeFileSync(path.join(folder, "pair.csv"), `a,b,y\n${rows.join("\n")}\n`);
  const trained = await runNabla(["train", "pair.dl", "--json", "-q"], { cwd: folder });
  expect({ status: trained.status, err: trained.err }).toEqual({ status: 0, err: "" });
  const events = trained.out.trimEnd().split("\n").map((line) => JSON.parse(line) as Record<string, unknown>);
  const end = events.at(-1);
  expect(end).toMatchObject({ event: "end", phases: [{ name: "easy", epochs: 3 }, { name: "all" }, { name: "more" }] });
  expect(events[0]).toMatchObject({ event: "epoch", phase: "easy", losses: { fit: expect.any(Number), judge: expect.any(Number) } });

  const built = await runNabla(["build", "pair.dl", "-o", "bundle", "--kernels", "software"], { cwd: folder });
  expect({ status: built.status, err: built.status === 0 ? "" : built.err }).toEqual({ status: 0, err: "" });
  expect(fs.readFileSync(path.join(folder, "bundle/README.md"), "utf8")).toContain("`more`: batch 4, `2 * all.best_step` steps, each with `fit` (2 times), `judge`");
  fs.symlinkSync(path.join(root, "node_modules"), path.join(folder, "bundle/node_modules"));
  const ran = spawnSync(process.execPath, ["dist/train.js"], { cwd: path.join(folder, "bundle"), encoding: "utf8" });
  expect({ status: ran.status, err: ran.status === 0 ? "" : ran.stderr }).toEqual({ status: 0, err: "" });
  for (const phase of ["easy: ", "all: ", "more: "]) expect(ran.stderr).toContain(phase);

  const weights = (file: string): ReadonlyMap<string, ArrayLike<number>> => new Map(readSafetensors(fs.readFileSync(path.join(folder, file))).tensors.map((t) => [t.name, t.data]));
  const [command, bundle] = [weights("runs/pair/weights.safetensors"), weights("bundle/weights.safetensors")];
  expect([...bundle.keys()]).toEqual([...command.keys()]);
  for (const [name, data] of command) for (let k = 0; k < data.length; k++) expect(bundle.get(name)?.[k], `${name} ${k}`).toBeCloseTo(data[k] ?? Number.NaN, 5);
  const final = (end?.["final"] ?? {}) as { test?: Record<string, number> };
  expect(Number(/test fit (\S+)/.exec(ran.stdout)?.[1])).toBeCloseTo(final.test?.["fit"] ?? Number.NaN, 3);
});

const scores = `model Scores {
  input x: f32[N]
  target y: f32[N]
  param w: f32 ~ ones
  s[n] = w * x[n]
  loss = bce_from_logits(s, y)
  metric auc = roc_auc(s, y)
  metric ap = average_precision(s, y)
  metric error = rmse(sigmoid(s), y)
}
train Scores { data = csv("scores.csv") { x = column("x"), y = column("y") }, batch = 1024, epochs = 1, optimizer = sgd(0.1), seed = 2 }
`;

test("a bundle measures more examples than one of its runs takes as the command does, which takes them at once", { timeout: 300_000 }, async () => {
  fs.writeFileSync(path.join(folder, "scores.dl"), scores);
  fs.writeFileSync(path.join(folder, "scores.csv"), `x,y\n${Array.from({ length: 5003 }, (_, i) => `${Math.round(20 * Math.sin(i)) / 10},${Number(Math.sin(i) + Math.sin(3 * i) > 0.3)}`).join("\n")}\n`);
  const trained = await runNabla(["train", "scores.dl", "--json", "-q"], { cwd: folder });
  expect({ status: trained.status, err: trained.err }).toEqual({ status: 0, err: "" });
  const end = JSON.parse(trained.out.trimEnd().split("\n").at(-1) ?? "{}") as { readonly final?: { readonly training?: Readonly<Record<string, number>> } };
  const built = await runNabla(["build", "scores.dl", "-o", "scores", "--kernels", "software"], { cwd: folder });
  expect({ status: built.status, err: built.status === 0 ? "" : built.err }).toEqual({ status: 0, err: "" });
  fs.symlinkSync(path.join(root, "node_modules"), path.join(folder, "scores/node_modules"));
  const ran = spawnSync(process.execPath, ["dist/train.js"], { cwd: path.join(folder, "scores"), encoding: "utf8" });
  expect({ status: ran.status, err: ran.status === 0 ? "" : ran.stderr }).toEqual({ status: 0, err: "" });
  for (const name of ["auc", "ap", "error", "loss"]) {
    expect(Number(new RegExp(`^${name} (\\S+)`, "m").exec(ran.stdout)?.[1]), name).toBeCloseTo(end.final?.training?.[name] ?? Number.NaN, 3);
  }
});

test("a bundle takes the kernels that are the fastest here, where it is for such a device", { timeout: 120_000 }, async () => {
  fs.writeFileSync(path.join(folder, "wide.dl"), "model Wide {\n  input x: f32[N, 48]\n  target y: f32[N, 48]\n  p = dense(x, 48)\n  loss = mse(p, y)\n}\ntrain Wide {\n  data = csv(\"wide.csv\") { x = columns(0..48), y = columns(0..48) }\n  batch = 64\n  epochs = 1\n  optimizer = sgd(0.1)\n}\n");
  fs.writeFileSync(path.join(folder, "wide.csv"), `${Array.from({ length: 48 }, (_, k) => `c${k}`).join(",")}\n${Array.from({ length: 64 }, (_, r) => Array.from({ length: 48 }, (__, k) => (Math.sin(r * 48 + k)).toFixed(4)).join(",")).join("\n")}\n`);
  const env = { XDG_CACHE_HOME: path.join(folder, "cache") };
  const { info, close } = await openDevice();
  close();
  const [here, elsewhere] = info.software ? ["software", "gpu"] : ["gpu", "software"];
  const refused = await runNabla(["build", "wide.dl", "-o", "tuned", "--tune", "--kernels", elsewhere], { cwd: folder, env });
  expect(refused.status).toBe(2);
  expect(refused.err).toContain(`--tune tries kernels on ${info.name}`);
  expect(fs.existsSync(path.join(folder, "tuned"))).toBe(false);

  const build = () => runNabla(["build", "wide.dl", "-o", "tuned", "--tune", "--kernels", here], { cwd: folder, env });
  const first = await build();
  expect(first.err).toMatch(/^tuned \d+ kernels? in /);
  expect(first.status).toBe(0);
  // What was found is kept, so the same bundle comes of it.
  const second = await build();
  expect(second.err).toMatch(/^tuned before\n/);
  expect(second.err).toContain("0 of them changed");
});
