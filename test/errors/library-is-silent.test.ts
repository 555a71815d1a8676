/**
 * The library gives no warning: its text, as a user's own with other names, in a model that calls all of it. (Calls of
 * the library itself would show little, since what is wrong inside it is not told to its users.)
 */
import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { compile } from "../../src/compile.ts";
import { createLibrary } from "../../src/std/library.ts";
import { renderReport } from "../../src/support/report.ts";
import { activations } from "../std/shelf/activations.ts";
import { asFunctions } from "../std/shelf/as-functions.ts";
import { losses } from "../std/shelf/losses.ts";
import { metrics } from "../std/shelf/metrics.ts";
import { byName } from "../std/shelf/open-record.ts";
import { penalties } from "../std/shelf/penalties.ts";

const folder = new URL("../../src/std/", import.meta.url);
const names = createLibrary().names();
const own = (text: string): string => names.reduce((t, name) => t.replace(new RegExp(`(?<![\\p{L}\\p{N}_.])${name}(?![\\p{L}\\p{N}_])`, "gu"), `own_${name}`), text);
const library = readdirSync(folder).filter((n) => n.endsWith(".dl")).map((n) => readFileSync(new URL(n, folder), "utf8")).join("\n");

const units = ["identity", "relu", "leaky_relu", "softplus", "elu", "selu", "silu", "gelu", "softsign", "hard_tanh", "softmax", "log_softmax"];
const simple = ["mse", "mae", "huber", "bce", "bce_from_logits"];
const initialisers = names.filter((n) => new RegExp(`^initializer ${n}\\b`, "m").test(library));

/** Those that need arguments, or more inputs than there are. */
const written: Readonly<Record<string, string>> = { constant: "constant(0.1)", sparse: "sparse(k = 3)" };

/** Every call of the shelf's records that owns nothing. */
const calls = [...activations, ...losses, ...penalties, ...metrics].filter((r) => r.stored === undefined && r.before === undefined && r.training !== true);
const shelf = asFunctions(calls.map((record) => ({ record, given: byName(record.inputs), by: [] })), "Shelf");

const model = `
model All {
  input  x: f32[N, 8]
  input  ids: i32[N] in 0..5
  input  share: f32[N, 3]
  target y: i32[N] in 0..3
${units.map((a, k) => `  a${k} = ${a}(dense(x, 8))`).join("\n")}
  every = ${units.map((_, k) => `a${k}`).join(" + ")}
  e = embedding(ids, 5, 8)
  d = dropout(every + e, 0.2)
  n = layer_norm(d)
  b = batch_norm(relu(dense(n, 8)))
${initialisers.map((i, k) => `  w${k} = tanh(dense(b, 8, init = ${written[i] ?? i}))`).join("\n")}
  h = ${initialisers.map((_, k) => `w${k}`).join(" + ")}
  logits = dense(h, 3)
  output p = softmax(logits)
  loss fit = cross_entropy(logits, y) + hinge(logits, y) + nll(log_softmax(logits), y) + 0.01 * (l1(weights) + l2(weights))
  loss bayes = kl(log_softmax(logits), log_softmax(clip(logits, -1, 1))) + kl_normal(logits, logits)
${simple.map((l) => `  loss by_${l} = ${l}(${l === "bce" ? "clip(share, 0.01, 0.99)" : "logits"}, share)`).join("\n")}
  metric right = accuracy(logits, y)
  metric close = binary_accuracy(logits, share)
  metric far = rmse(logits, share)
}
`;
const optimizers = names.filter((n) => new RegExp(`^optimizer ${n}\\b(?![^\\n]*over)`, "m").test(library));
const schedules = [...library.matchAll(/^schedule (\w+)\(([^)]*)\)/gm)].map((m) => `${m[1]}(${(m[2] ?? "").split(",").filter((p) => p !== "" && !p.includes("=")).map((p) => `${p.trim().split(":")[0]} = 10`).join(", ")})`);
const trains = [
  ...optimizers.map((o) => `train All as with_${o} { data = csv("d.csv") { x = columns(0..8), ids = column("i"), share = columns(0..3), y = column("y") }\n  epochs = 1\n  optimizer = ${o}${o === "sgd" ? "(lr = 0.1)" : ""} }`),
  ...schedules.map((s, k) => `train All as lr_${k} { data = csv("d.csv") { x = columns(0..8), ids = column("i"), share = columns(0..3), y = column("y") }\n  epochs = 1\n  optimizer = sgd(lr = ${s}) }`),
].join("\n");

it("the library as a user's own gives no warning", () => {
  const { diagnostics } = compile({ path: "own.dl", text: own(`${library}\n${model}\n${shelf}\n${trains}`) });
  expect(renderReport(diagnostics)).toBe("");
}, 60_000);
