/**
 * Regularisers, layers and initialisers that the library is to have: each is there, documented, has a record and, where it has a
 * derivative that is short enough to review, a golden gradient. Whatever else these files of the library declare is held by a record too.
 */
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { createLibrary } from "../../../src/std/library.ts";
import { libraryFiles } from "../../../src/std/sources.generated.ts";
import { Diagnostics } from "../../../src/support/diagnostic.ts";
import { attention } from "./attention.ts";
import { initialisers } from "./initialisers.ts";
import { layers } from "./layers.ts";
import { normalisation } from "./normalisation.ts";
import type { ShelfRecord } from "./record.ts";
import { regularisers } from "./regularisers.ts";
import { sequences } from "./sequences.ts";

const shelves: Readonly<Record<string, readonly ShelfRecord[]>> = { attention, initialisers, layers, normalisation, regularisers, sequences };

const wanted: Readonly<Record<string, readonly string[]>> = {
  regularisers: ["dropout", "dropconnect", "gaussian_noise", "gaussian_dropout", "label_noise", "stochastic_depth", "mixup"],
  normalisation: ["batch_norm", "layer_norm", "rms_norm", "group_norm", "instance_norm", "weight_norm"],
  layers: [
    "dense", "bilinear", "embedding", "residual", "feed_forward", "conv1d", "conv2d", "convolve2d", "conv1d_transpose", "conv2d_transpose", "depthwise_conv2d", "separable_conv2d", "max_pool", "avg_pool", "max_pool1d",
    "avg_pool1d", "global_avg_pool", "global_max_pool", "upsample_nearest", "upsample_bilinear", "squeeze_excite",
  ],
  sequences: ["rnn_cell", "rnn", "lstm_cell", "lstm", "gru_cell", "gru"],
  attention: ["attention", "masked_softmax", "causal_softmax", "multi_head_attention", "sinusoidal_positions", "learned_positions", "rotary", "transformer_block"],
  initialisers: [
    "zeros", "ones", "constant", "truncated_normal", "fan_in_uniform", "glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_uniform", "lecun_normal", "orthogonal", "sparse", "eye",
  ],
};

const library = createLibrary();

describe.each(Object.keys(wanted))("%s", (shelf) => {
  const file = new URL(`../../golden/shelf/${shelf}.txt`, import.meta.url);
  const golden = existsSync(file) ? readFileSync(file, "utf8").split("\n") : [];

  it.each(wanted[shelf] ?? [])("%s", (name) => {
    const records = (shelves[shelf] ?? []).filter((r) => r.name === name);
    expect(library.find(name, new Diagnostics())?.doc?.length ?? 0, "a doc comment").toBeGreaterThan(15);
    expect(records.length, "records").toBeGreaterThan(0);
    if (records.some((r) => r.still !== true)) expect(records.some((r) => golden.includes(r.call)), "a golden gradient").toBe(true);
  });
});

describe("the files of the library", () => {
  /** What calls of other entries hold: `correlate2d` is what `conv2d` is made of. */
  const parts: ReadonlySet<string> = new Set(["correlate2d", "correlate2d_grouped", "correlate2d_transposed", "correlate1d", "correlate1d_transposed", "stretch", "lstm_gates"]);
  const held = new Set(Object.values(shelves).flat().map((r) => r.name));
  const paths = ["regularisers", "normalisation", "layers", "images", "sequences", "attention", "initialisers"].map((n) => `std/${n}.dl`);

  it.each(libraryFiles.filter((f) => paths.includes(f.path)).map((f) => [f.path, f.names] as const))("%s holds nothing without a record", (_, names) => {
    expect(names.filter((n) => !held.has(n) && !parts.has(n))).toEqual([]);
  });
});
