/**
 * Evaluations, predictions and gradients over more examples than one run takes: the same values as in one run, whatever is
 * measured and however the examples are cut.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { profiles } from "../../kernels/profiles.ts";
import { openDevice, type OpenDevice } from "../../src/harness/node/index.ts";
import type { Dataset } from "../../src/harness/runtime/dataset.ts";
import { rowsOfInput } from "../../src/harness/runtime/in-parts.ts";
import type { Size } from "../../src/harness/runtime/program.ts";
import { UserError } from "../../src/support/diagnostic.ts";
import { type Feed, openSession, type SessionOptions } from "../../src/session.ts";
import { metrics } from "../std/shelf/metrics.ts";
import { dataOf, exampleProgram, feedOf, programOf, worst } from "./kit.ts";

let gpu: OpenDevice;
beforeAll(async () => {
  gpu = await openDevice();
});
afterAll(() => gpu.close());

const rows = 103;
/** Numbers with many ties. */
const some = (count: number, seed: number): Float64Array => Float64Array.from({ length: count }, (_, k) => Math.round(4 * Math.sin(k * 12.9898 + seed)) / 2);
const feed: Feed = { x: some(rows * 4, 1), y: Float64Array.from({ length: rows }, (_, k) => (k * k + (k % 7)) % 3), z: some(rows, 5), w: some(rows, 9) };

/** Every metric of the library, and some by hand: pairs, sorted, largest and running values, numbers of examples, draws, windows. */
const all = `
  model M {
    input x: f32[N, 4]
    target y: i32[N] in 0..3
    target z: f32[N]
    input w: f32[N]
    logits = dense(tanh(dense(x, 8)), 3)
    p = softmax(logits)
    loss fit = cross_entropy(logits, y)
    loss far = mean((logits[:, 0] - z)^2)
    output probabilities = p
    output confusion = confusion_matrix(argmax(logits), y, 3)
    output turned = transpose(logits)
    output above = logits[:, 1] - mean(logits[:, 1])
    metric m_accuracy = accuracy(logits, y)
    metric m_masked = accuracy(logits, y, mask = w > 0)
    metric m_binary_accuracy = binary_accuracy(logits[:, 0], f32(y == 0))
    metric m_top_k_accuracy = top_k_accuracy(logits, y, k = 2)
    metric m_confusion_matrix = max(confusion_matrix(argmax(logits), y, 3))
    metric m_precision = precision(one_hot(argmax(logits), 3), one_hot(y, 3), macro = true)
    metric m_recall = recall(one_hot(argmax(logits), 3), one_hot(y, 3))
    metric m_f1 = f1(one_hot(argmax(logits), 3), one_hot(y, 3), macro = true, β = 2)
    metric m_roc_auc = roc_auc(p[:, 0], f32(y == 0))
    metric m_average_precision = average_precision(w, f32(y == 1))
    metric m_rmse = rmse(p, one_hot(y, 3))
    metric m_r2 = r2(logits[:, 0], z)
    metric m_perplexity = perplexity(logits, y, mask = w > 0)
    metric m_log_loss = log_loss(p, y)
    metric m_calibration_error = calibration_error(max(p, axis = 1), f32(argmax(p) == y))
    pairs = sum[i, j where z[i] < z[j]] f32(logits[i, 0] < logits[j, 0])
    metric concordance = pairs / max(1, sum[i, j] f32(z[i] < z[j]))
    upwards = sort(z * p[:, 0])
    metric lorenz = (mean[n] n * upwards[n]) / size(x, 0)
    metric farthest = max(abs(logits[:, 0] - z))
    last = cumsum(z)
    metric running = max(last)
    metric ordered = mean[n] n * z[n] / size(x, 0)
    noise = normal(0, 1)[N]
    metric noisy = mean(noise * z)
    metric steps = mean[n in 0..N - 1] abs(z[n + 1] - z[n])
    state h: f32[N, 2]
  }
  train M { batch = 16, epochs = 2, optimizer = adam(0.01), seed = 3, split = holdout(validation = 0.3) }`.replace("    state h: f32[N, 2]\n", "");
const program = programOf(all);
const backends = (): readonly (readonly [string, SessionOptions, number])[] => [["f64", { backend: "f64" }, 1e-12], ["the device", { device: gpu.device, software: true }, 2e-5]];

describe("over parts", () => {
  it("is every metric of the library among them", () => {
    for (const name of new Set(metrics.map((m) => m.name))) expect(all, name).toContain(`m_${name} =`);
  });

  it.each([[1, "f64"], [7, "f64"], [10, "both"], [64, "f64"], [102, "both"], [103, "f64"], [500, "f64"]] as const)("of at most %i examples everything is as in one run, on %s", async (most, places) => {
    for (const [where, options, within] of backends().slice(0, places === "both" ? 2 : 1)) {
      const whole = await openSession(program, options);
      const parts = await openSession(program, { ...options, most });
      for (const entry of ["evaluate", "predict", "gradients"] as const) {
        const [wanted, found] = [await whole[entry](feed), await parts[entry](feed)];
        expect(Object.keys(found).sort()).toEqual(Object.keys(wanted).sort());
        for (const [name, { kind, shape, data }] of Object.entries(wanted)) {
          expect({ kind: found[name]?.kind, shape: found[name]?.shape }, name).toEqual({ kind, shape });
          expect(worst(found[name]?.data ?? [], data), `${entry} ${name} on ${where}`).toBeLessThan(within);
        }
      }
      whole.close();
      parts.close();
    }
  }, 240_000);

  it("training measures its parts of the data as in one run", async () => {
    const data: Dataset = { rows, fields: program.info.inputs.map((i) => ({ name: i.name, dtype: i.dtype, width: i.name === "x" ? 4 : 1, values: feed[i.name] as Float64Array })) };
    const results = [];
    for (const most of [rows, 8]) {
      const session = await openSession(program, { backend: "f64", most });
      results.push(await session.train(data));
    }
    const [whole, parts] = results;
    for (const part of ["training", "validation"] as const) {
      for (const [name, value] of Object.entries(whole?.final?.[part] ?? {})) expect(parts?.final?.[part]?.[name], `${part} ${name}`).toBeCloseTo(value, 10);
    }
    expect(parts?.history.map((h) => h.validation?.["m_roc_auc"])).toEqual(whole?.history.map((h) => h.validation?.["m_roc_auc"]));
  });

  it.each(["attention", "conv", "gru", "lenet", "lstm", "semi", "siamese", "vae", "pinn", "multitask", "wgan"])("%s", async (name) => {
    const example = exampleProgram(name);
    const data = dataOf(example);
    const given = feedOf(data, 0, Math.min(11, data?.rows ?? 1));
    const [whole, parts] = [await openSession(example, { backend: "f64" }), await openSession(example, { backend: "f64", most: 4 })];
    for (const entry of ["evaluate", "gradients"] as const) {
      const [wanted, found] = [await whole[entry](given), await parts[entry](given)];
      for (const [output, { data: numbers }] of Object.entries(wanted)) expect(worst(found[output]?.data ?? [], numbers), `${entry} ${output}`).toBeLessThan(1e-11);
    }
  }, 60_000);

  it("keeps to sums and narrow rows what the whole needs", () => {
    const sent = (entry: "evaluate" | "gradients"): Record<string, number> => {
      const kinds: Record<string, number> = {};
      for (const { kind } of program.graph(`${entry}.part`).outputs) kinds[kind] = (kinds[kind] ?? 0) + 1;
      return kinds;
    };
    // Rows: `p`, logits[:, 0], p[:, 0] z, the wider logits for `above` and `turned`, and the distance whose largest is asked for.
    expect(sent("evaluate")["rows"]).toBeLessThanOrEqual(6);
    expect(sent("gradients")["rows"]).toBeUndefined();
  });

  it("an input whose axis of examples is not the first is cut along it", () => {
    const N = { terms: [{ coefficient: 1, symbols: ["N"] }] };
    const rowsOf = (values: readonly number[], shape: readonly Size[]): readonly number[] | undefined => {
      const found = rowsOfInput(Float64Array.from(values), { shape }, "N", { all: 4, from: 1, rows: 2 });
      return found && [...found];
    };
    expect(rowsOf([0, 1, 2, 3, 10, 11, 12, 13], [2, N])).toEqual([1, 2, 11, 12]);
    expect(rowsOf([5, 6], [2])).toEqual([5, 6]);
    expect(rowsOf(Array.from({ length: 16 }, (_, k) => k), [N, N])).toBeUndefined();
  });

  it("refuses a metric of all examples at once, at the place that needs them, where even their rows do not fit", () => {
    const target = { capacity: { N: 40_000_000 }, profile: profiles.software };
    const refused = programOf("model M { input s: f32[N, 2]; target y: f32[N]; loss = mean[n] (s[n, 0] - y[n])^2; score = s[:, 0] * s[:, 1]; metric typical = mean(s); upwards = sort(score); metric middle = mean[n] n * upwards[n] }");
    expect(() => refused.lower("evaluate.whole", target)).toThrow(UserError);
    try {
      refused.lower("evaluate.whole", target);
    } catch (error) {
      const { code, message, span } = (error as UserError).diagnostic;
      expect(code).toBe("E0602");
      expect(message).toBe("`middle` is made from all 40,000,000 examples at once, and what is needed of them takes 160,000,000 bytes: more than the device allows");
      expect(span?.source.text.slice(span.start, span.end)).toBe("s[:, 0] * s[:, 1]");
    }
    const fits = programOf("model M { input s: f32[N, 2]; target y: f32[N]; loss = mean[n] (s[n, 0] - y[n])^2; metric size = rmse(s[:, 0], y) }");
    expect(fits.lower("evaluate.whole", target).plan.inputs.every((i) => i.bytes < 1000)).toBe(true);
  });
});
