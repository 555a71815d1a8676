/** Programs with random damage: each is compiled or refused with located diagnostics; nothing is thrown, nothing hangs. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { expect, it } from "vitest";
import { compile } from "../../src/compile.ts";
import { renderReport } from "../../src/support/report.ts";

const folder = fileURLToPath(new URL("../../examples/", import.meta.url));
const texts = readdirSync(folder).filter((f) => f.endsWith(".dl")).map((f) => readFileSync(folder + f, "utf8"));

/** What damage is made of: tokens of the language, foreign ones, and nothing. */
const pieces = ["", "{", "}", "(", ")", "[", "]", "..", "...", ",", ":", "=", "<-", "~", "+", "*", "@", "^", "-", "\n", ";", "0", "1e999", "9007199254740993", "N", "x", "y", "sum[i] ", "cases {", "if", "otherwise", "fold t in 0..3 with h = 0 {", "param", "loss = ", "grad(", "__proto__", "constructor", '"', "#", "\u202e", "\0", "😀"];

const edits = fc.array(fc.record({ at: fc.nat({ max: 4000 }), drop: fc.nat({ max: 12 }), piece: fc.nat({ max: pieces.length - 1 }) }), { minLength: 1, maxLength: 3 });

function damaged(text: string, changes: readonly { at: number; drop: number; piece: number }[]): string {
  return changes.reduce((t, { at, drop, piece }) => t.slice(0, at % t.length) + (pieces[piece] ?? "") + t.slice((at % t.length) + drop), text);
}

it("damaged programs are refused with a place and a code, never with a crash", () => {
  fc.assert(
    fc.property(fc.nat({ max: texts.length - 1 }), edits, (which, changes) => {
      const source = { path: "damaged.dl", text: damaged(texts[which] ?? "", changes) };
      const { diagnostics, programs } = compile(source);
      for (const d of diagnostics) {
        expect(d.code).toMatch(/^[EW]\d{4}$/);
        if (d.span?.source === source) expect(d.span.end).toBeLessThanOrEqual(source.text.length);
      }
      expect(programs.length > 0 || diagnostics.some((d) => d.severity === "error") || !/model/.test(source.text)).toBe(true);
      expect(renderReport(diagnostics, {})).not.toContain("undefined");
    }),
    { numRuns: 300, seed: 20261121, interruptAfterTimeLimit: 60_000, markInterruptAsFailure: true },
  );
}, 90_000);
