/** Programs of several files on the command line: paths, errors, the page, the package. */
import { mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { runNabla } from "./run-nabla.ts";

const root = mkdtempSync(path.join(tmpdir(), "nabla-use-"));
const write = (name: string, contents: string | Uint8Array): void => {
  mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
  writeFileSync(path.join(root, name), contents);
};

beforeAll(() => {
  write("nets/line.dl", `use "../tools.dl" as tools
use "parts/head.dl"
model Line {
  input x: f32[N, 2]
  target y: f32[N, 1]
  p = head(x)
  output p
  loss = tools.half(mean((p - y)^2))
}
train Line {
  data = csv("points.csv") { x = columns(0..2), y = column("y") }
  epochs = 2, batch = 2, optimizer = tools.plain(lr = 0.1)
}
`);
  write("nets/points.csv", "a,b,y\n1,0,1\n0,1,2\n1,1,3\n2,1,4\n");
  write("tools.dl", "fn half(x) = x / 2\noptimizer plain(lr = 1) {\n  θ <- θ - lr * g\n}\n");
  write("nets/parts/head.dl", "## One number for an example.\nlayer head(x: f32[N, d]) {\n  param W: f32[d, 1] ~ zeros\n  return x @ W\n}\n");
});

describe("a program of three files", () => {
  test("trains, from any folder", async () => {
    for (const [cwd, file] of [[root, "nets/line.dl"], [path.join(root, "nets/parts"), "../line.dl"]] as const) {
      const { status, out, err } = await runNabla(["train", file, "--backend", "f64", "-o", path.join(root, "out")], { cwd });
      expect({ status, err }).toEqual({ status: 0, err: expect.stringContaining("4 examples") as string });
      expect(out).toMatch(/loss 0\.\d+/);
    }
  });

  test("is one page, with every file and the lines of each", async () => {
    const { status } = await runNabla(["graph", "nets/line.dl", "-o", "line.html"], { cwd: root });
    expect(status).toBe(0);
    const html = readFileSync(path.join(root, "line.html"), "utf8");
    expect([...html.matchAll(/<h2>([^<]*)<\/h2><ol>/g)].map((m) => m[1])).toEqual(["Source", "tools.dl", "nets/parts/head.dl"]);
    expect(html).toContain('id="L2.4"');
    expect(html).toMatch(/data-lines="[^"]*2\.4/);
  });

  test("is packed whole, in files that compile again", async () => {
    const { status, err } = await runNabla(["build", "nets/line.dl", "-o", "bundle"], { cwd: root });
    expect({ status, err }).toEqual({ status: 0, err: expect.stringContaining("wrote") as string });
    const read = (name: string): string => readFileSync(path.join(root, "bundle", name), "utf8");
    expect(read("model/net/line.dl")).toContain("model Line");
    expect(read("model/tools.dl")).toContain("fn half");
    expect(read("model/net/parts/head.dl")).toContain("layer head");
    expect(read("sources.json")).toContain('"parts/head.dl:4"');
    expect(read("sources.json")).not.toContain(root);
    expect((await runNabla(["check", "bundle/model/net/line.dl"], { cwd: root })).status).toBe(0);
  });
});

describe("files that cannot be used", () => {
  test("are shown at the `use`, as JSON too", async () => {
    write("bad.dl", 'use "tols.dl"\nuse "nets"\nuse "nets/parts.dl" as p\nuse "raw.dl"\n');
    write("raw.dl", new Uint8Array([0xff, 0xfe, 0x00]));
    mkdirSync(path.join(root, "nets/parts.dl"), { recursive: true });
    const { status, err } = await runNabla(["check", "bad.dl"], { cwd: root });
    expect(status).toBe(1);
    expect(err).toContain("bad.dl:1:1 - error E0130: there is no file `tols.dl`");
    expect(err).toContain("did you mean `tools.dl`?");
    expect(err).toContain("`nets/parts.dl` cannot be read: it is a folder");
    expect(err).toContain("`raw.dl` cannot be read: it is not UTF-8 text");
    const { out } = await runNabla(["check", "bad.dl", "--json"], { cwd: root });
    expect((JSON.parse(out) as { diagnostics: { code: string; file: string }[] }).diagnostics.map((d) => `${d.file} ${d.code}`)).toEqual(["bad.dl E0130", "bad.dl E0131", "bad.dl E0130", "bad.dl E0130"]);
  });

  test("a link back to the file is found to be a circle", async () => {
    write("ring.dl", 'use "alias.dl"\n');
    symlinkSync("ring.dl", path.join(root, "alias.dl"));
    const { status, err } = await runNabla(["check", "ring.dl"], { cwd: root });
    expect(status).toBe(1);
    expect(err).toContain("files use each other");
  });

  test("an error in a used file names that file in JSON", async () => {
    write("uses.dl", 'use "broken.dl"\n');
    write("broken.dl", "fn f(x) = x +\n");
    const { out } = await runNabla(["check", "uses.dl", "--json"], { cwd: root });
    const { diagnostics: [first] } = JSON.parse(out) as { diagnostics: { file: string; related: { file: string; message: string }[] }[] };
    expect(first?.file).toBe("broken.dl");
    expect(first?.related.map((r) => [r.file, r.message])).toEqual([["uses.dl", "used here"]]);
  });
});
