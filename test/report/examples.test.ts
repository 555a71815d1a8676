/** Every example's gradients, those of all its blocks, against central differences at a random point, and as formulas. */
import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { compile } from "../../src/compile.ts";
import { printFormulas } from "../../src/report/print-formulas.ts";
import { compareGradients } from "../../src/report/compare-gradients.ts";

const folder = new URL("../../examples/", import.meta.url);

it.each(readdirSync(folder).filter((f) => f.endsWith(".dl")))("%s", (name) => {
  const { programs } = compile({ path: name, text: readFileSync(new URL(name, folder), "utf8") });
  expect(programs.length).toBeGreaterThan(0);
  for (const program of programs) {
    const { rules, loss } = compareGradients(program.model, (entry) => program.graph(entry), { seed: 2, hypers: program.info.hypers, train: program.train });
    expect(loss.map((l) => l.path)).toEqual(program.model.params.map((p) => p.path));
    expect([...rules, ...loss].filter((c) => !c.agrees || c.count === 0)).toEqual([]);
    if (!program.entries.includes("gradients")) continue;
    const lines = printFormulas(program.graph("gradients"), { model: program.model.name, isLibrary: program.text.isLibrary }).trimEnd().split("\n").filter((l) => !l.startsWith(" "));
    const names = lines.map((l) => l.slice(0, l.indexOf(" = ")));
    expect(new Set(names).size, "a name is given once").toBe(names.length);
    if (name === "gan.dl") expect(names.filter((n) => n.startsWith("∂generator.loss/∂G.")).length, "each parameter under the loss that trains it").toBe(4);
    for (const { path } of program.model.params) expect(names.some((n) => n.endsWith(`/∂${path.slice(program.model.name.length + 1)}`)), path).toBe(true);
  }
});
