/**
 * Standard input as text, for `-` in place of a file.
 *
 *     const text = await readStandardInput();
 */

/** The text of standard input. */
export async function readStandardInput(): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of process.stdin) parts.push(Buffer.from(part as Uint8Array));
  return Buffer.concat(parts).toString("utf8");
}
