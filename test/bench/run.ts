/** `npm run bench [-- name …]`: a table of what the examples cost on the adapter at hand. */
import { openDevice } from "../../src/harness/node/index.ts";
import { measure } from "./measure.ts";

const names = process.argv.slice(2);
const { device, info, close } = await openDevice();
process.stdout.write(`${info.name}\n\n| program | compile | first step | a step | steps a second | dispatches | texts | temporaries (least) |\n|---|---|---|---|---|---|---|---|\n`);
for (const name of names.length > 0 ? names : ["peak", "line", "xor", "parity", "digits"]) {
  const c = await measure(device, name, 200, 5);
  const cells = [c.name, `${c.compileMs.toFixed(0)} ms`, `${c.firstStepMs.toFixed(0)} ms`, `${c.stepMs.toFixed(2)} ms`, (1000 / c.stepMs).toFixed(0), c.dispatches, c.texts, `${c.peakBytes} (${c.lowerBoundBytes}) bytes`];
  process.stdout.write(`| ${cells.join(" | ")} |\n`);
}
close();
