/**
 * The version of this package, from the package.json above this file: two folders up in the sources, three in dist.
 *
 *     packageVersion()   // "0.1.0"
 */
import * as fs from "node:fs";

/** The version, or "unknown" where the package has been taken apart. */
export function packageVersion(): string {
  for (const above of ["../../package.json", "../../../package.json"]) {
    const file = new URL(above, import.meta.url);
    if (!fs.existsSync(file)) continue;
    const manifest: unknown = JSON.parse(fs.readFileSync(file, "utf8"));
    if (manifest !== null && typeof manifest === "object" && "name" in manifest && manifest.name === "nabla" && "version" in manifest) return String(manifest.version);
  }
  return "unknown";
}
