/** Random graphs in f64: the values stay through each pass, the gradients are what differences say. The long form is `npm run fuzz -- --f64 --runs 10000`. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { checkF64 } from "./check-f64.ts";
import { recipes } from "./recipe.ts";

it("rewriting and differentiation keep what 300 random graphs mean", { timeout: 240_000 }, () => {
  const slopes = { agrees: 0, "at a kink": 0, "no path": 0, "too large values": 0 };
  let [elements, left] = [0, 0];
  fc.assert(
    fc.property(recipes(20), (recipe) => {
      const checked = checkF64(recipe);
      slopes[checked.slope]++;
      elements += checked.elements;
      left += checked.left;
    }),
    { numRuns: 300, seed: 11 },
  );
  // Kinks, ties and infinities would agree with anything.
  expect(elements).toBeGreaterThan(100_000);
  expect(left).toBeLessThan(elements / 50);
  expect(slopes.agrees).toBeGreaterThan(200);
});
