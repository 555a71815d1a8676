/** The planted faults fit the sources, so that `npm run plant` tries what it says. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { faults } from "./faults.ts";

it.each(faults)("$what", ({ file, right, wrong }) => {
  const text = readFileSync(new URL(`../../${file}`, import.meta.url), "utf8");
  expect(text.split(right).length - 1).toBe(1);
  expect(wrong).not.toBe(right);
});
