/**
 * Compiles a `.dl` text whose data stands in the file and trains it on a device: the same function in Node and in a
 * page, with nothing but the library's public names.
 */
import { compile, makeDataset, openSession } from "../../src/index.ts";

/** What training gave. */
export interface Trained {
  readonly diagnostics: readonly string[];
  /** Mean loss per epoch. */
  readonly losses: readonly number[];
  /** The parameters at the end, by path. */
  readonly parameters: Readonly<Record<string, readonly number[]>>;
}

/** Trains the first program of `text`. */
export async function trainText(text: string, device: GPUDevice): Promise<Trained> {
  const { diagnostics, programs } = compile({ path: "page.dl", text });
  const [program] = programs;
  if (!program) return { diagnostics: diagnostics.map((d) => `${d.code} ${d.message}`), losses: [], parameters: {} };
  const plan = program.trainPlan?.data;
  const session = await openSession(program, { device });
  const { history } = await session.train(plan && makeDataset(plan, program.info, {}));
  const parameters: Record<string, readonly number[]> = {};
  for (const { name } of session.parameters) parameters[name] = Array.from(await session.get(name));
  session.close();
  return { diagnostics: [], losses: history.flatMap((h) => h.loss ?? []), parameters };
}
