/** Files are whole or absent, and refusals name the path and the reason. */
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ensureFolder, readText, writeFileAtomic, writeFiles } from "../../src/harness/node/files.ts";

let folder: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "nabla-files-"));
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

const failure = (work: Promise<unknown>): Promise<unknown> => work.then(() => "no failure", (error: unknown) => error);

describe("reading", () => {
  test("gives text without its byte order mark", async () => {
    fs.writeFileSync(path.join(folder, "a.csv"), "\uFEFFx,µ\n");
    expect(await readText(path.join(folder, "a.csv"))).toBe("x,µ\n");
  });

  test("names a missing file, a folder and bytes that are no text", async () => {
    expect(await failure(readText(path.join(folder, "no.csv")))).toMatchObject({ code: "E0701", message: expect.stringContaining("no.csv': there is no such file") });
    expect(await failure(readText(folder))).toMatchObject({ code: "E0701", message: expect.stringContaining("it is a folder") });
    fs.writeFileSync(path.join(folder, "bad"), new Uint8Array([0xff, 0xfe, 0xfd]));
    expect(await failure(readText(path.join(folder, "bad")))).toMatchObject({ code: "E0701", message: expect.stringContaining("not UTF-8") });
  });
});

describe("writing", () => {
  test("makes folders, replaces whole files and leaves nothing beside them", async () => {
    const file = path.join(folder, "a", "b", "w.bin");
    await writeFileAtomic(file, "first");
    await writeFileAtomic(file, new Uint8Array([1, 2, 3]));
    expect([...fs.readFileSync(file)]).toEqual([1, 2, 3]);
    expect(fs.readdirSync(path.dirname(file))).toEqual(["w.bin"]);
  });

  test("leaves files alone that already say it", async () => {
    const files = [{ path: "a.txt", contents: "a" }, { path: "sub/b.txt", contents: "b" }];
    expect((await writeFiles(folder, files)).map((f) => f.changed)).toEqual([true, true]);
    const before = fs.statSync(path.join(folder, "a.txt")).mtimeMs;
    expect((await writeFiles(folder, [files[0] ?? { path: "", contents: "" }, { path: "sub/b.txt", contents: "c" }])).map((f) => f.changed)).toEqual([false, true]);
    expect(fs.statSync(path.join(folder, "a.txt")).mtimeMs).toBe(before);
  });

  test("writes nothing when one of the files cannot be written", async () => {
    fs.mkdirSync(path.join(folder, "taken"));
    const result = await failure(writeFiles(folder, [{ path: "a.txt", contents: "a" }, { path: "taken", contents: "b" }]));
    expect(result).toMatchObject({ code: "E0702", message: expect.stringContaining("taken': it is a folder") });
    expect(fs.readdirSync(folder)).toEqual(["taken"]);
  });

  test("refuses a folder that cannot be written, by name and reason", async () => {
    fs.writeFileSync(path.join(folder, "file"), "");
    expect(await failure(ensureFolder(path.join(folder, "file")))).toMatchObject({ code: "E0702", message: expect.stringContaining("it exists and is no folder") });
    expect(await failure(writeFileAtomic("/proc/nabla/x", ""))).toMatchObject({ code: "E0702", message: expect.stringContaining("/proc/nabla'") });
  });

  test("refuses a path that leads out of the folder", async () => {
    const outside = `${path.basename(folder)}-outside`;
    expect(await failure(writeFiles(folder, [{ path: `../${outside}`, contents: "" }]))).toMatchObject({ code: "E0702", message: expect.stringContaining("leads out") });
    expect(fs.existsSync(path.join(folder, "..", outside))).toBe(false);
  });
});
