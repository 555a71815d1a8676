/**
 * A program of this folder as one file of plain JavaScript, as users have the compiler and as the peers are: run by `tsx`, each function is given
 * its name anew where it is made, which costs a cold compiler a seventh of its time. Comes in: a file, and where the other goes. Each module
 * keeps its own `import.meta.url`.
 *
 *     await plainJavaScript("…/test/bench/one-workload.ts", "…/bench-results/one-workload.mjs")
 */
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

export async function plainJavaScript(file: string, outfile: string): Promise<void> {
  const { build } = await import("esbuild");
  await build({
    entryPoints: [file], outfile, bundle: true, packages: "external", format: "esm", platform: "node", target: "node20", logLevel: "error",
    plugins: [{
      name: "import.meta.url",
      setup: (bundle) => bundle.onLoad({ filter: /\.ts$/ }, ({ path }) => ({ contents: readFileSync(path, "utf8").replaceAll("import.meta.url", JSON.stringify(pathToFileURL(path).href)), loader: "ts" })),
    }],
  });
}
