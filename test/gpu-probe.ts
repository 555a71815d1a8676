/** Prints the name of the adapter that tests get; fails where there is none. Run with --expose-gc it also collects all it can. */
import { openDevice } from "../src/harness/node/adapter.ts";

const { device, info, close } = await openDevice();
for (let turn = 0; turn < 5; turn++) {
  globalThis.gc?.();
  await device.queue.onSubmittedWorkDone();
}
process.stdout.write(info.name);
if (!process.argv.includes("--leave-open")) close();
