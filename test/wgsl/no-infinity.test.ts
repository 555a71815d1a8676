/**
 * No kernel of an example writes down an infinity, a NaN, or a number that f32 does not hold: not as a value, not as a mask, not as
 * where a maximum begins. Bits of them stand in the functions that make or find them alone.
 */
import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { profiles } from "../../kernels/profiles.ts";
import { largestBatch } from "../../src/check/train-facts.ts";
import { examplePrograms } from "../session/kit.ts";

const examples = readdirSync(new URL("../../examples/", import.meta.url)).filter((name) => name.endsWith(".dl")).map((name) => name.slice(0, -3));
/** Functions that speak of bits, by their names. */
const ofBits = /^fn nabla_(log|power|is_finite)(_\d+)?\(/;

/** What a text must not hold. */
function faults(wgsl: string): readonly string[] {
  const found: string[] = [];
  for (const part of wgsl.split(/^(?=fn )/m)) {
    for (const [literal] of part.matchAll(/(?<![\w.])\d+(?:\.\d*)?(?:e[+-]?\d+)?f\b/g)) if (!Number.isFinite(Math.fround(Number.parseFloat(literal)))) found.push(literal);
    if (/\b(inf|infinity|nan)\b/i.test(part)) found.push("a word");
    if (!ofBits.test(part)) for (const [word] of part.matchAll(/\b\d+u\b/g)) if ((Number.parseInt(word, 10) & 0x7f800000) === 0x7f800000) found.push(`the bits ${word}`);
  }
  return found;
}

it("finds what it looks for", () => {
  expect(faults("fn main() { let x = 3.5e38f; }")).toEqual(["3.5e38f"]);
  expect(faults("fn main() { let x = bitcast<f32>(4286578688u); }")).toEqual(["the bits 4286578688u"]);
  expect(faults("fn nabla_log(a0: f32) -> f32 { return bitcast<f32>(4286578688u); }\nfn main() { let x = -3.4028235e38f; }")).toEqual([]);
});

describe("the kernels of", () => {
  it.each(examples)("%s", (name) => {
    for (const program of examplePrograms(name)) {
      const { batch } = program.info;
      const capacity = batch === undefined ? {} : { [batch]: largestBatch(program.train) ?? 8 };
      for (const entry of program.entries) for (const text of program.lower(entry, { capacity, profile: profiles.gpu }).texts) expect(faults(text.wgsl), `${entry} ${text.name}`).toEqual([]);
    }
  }, 60_000);
});
