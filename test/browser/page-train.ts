/** A page's work: train a `.dl` text on the page's own device. */
import { type Trained, trainText } from "./train-text.ts";

/** Gets the text, gives what training gave. */
export default async function page({ text }: { readonly text: string }): Promise<Trained> {
  const adapter = await navigator.gpu.requestAdapter();
  if (!adapter) throw new Error("the page gets no adapter");
  return trainText(text, await adapter.requestDevice());
}
