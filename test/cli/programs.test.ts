/** The command on programs: training, checking, looking inside, and what it does when something is wrong. */
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runNabla } from "./run-nabla.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const example = (name: string): string => path.join(root, "examples", name);
let folder: string;

beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "nabla-cli-"));
});
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

/** Writes a program into the test's folder and gives its name there. */
function program(name: string, text: string): string {
  fs.writeFileSync(path.join(folder, name), text);
  return name;
}

/** The regression y = 2 x + 1, on data in a file. */
function line(more = "", data = "line.csv"): string {
  return `model Line {
  input  x: f32[N, 1]
  target y: f32[N, 1]
  output p = dense(x, 1)
  loss = mean((p - y)^2)
}
train Line {
  data = csv("${data}") { x = column("a"), y = column("b") }
  split = holdout(validation = 0.2, test = 0.2)
  batch = 8
  epochs = 5
  optimizer = sgd(0.1)
  seed = 3
  ${more}
}
`;
}

const rows = (count: number): string => `a,b\n${Array.from({ length: count }, (_, i) => `${i / count},${(2 * i) / count + 1}`).join("\n")}\n`;

describe("nabla train", () => {
  test("trains, prints the measured values on standard output and writes weights", { timeout: 60_000 }, async () => {
    fs.writeFileSync(path.join(folder, "line.csv"), rows(40));
    const { status, out, err } = await runNabla(["train", program("line.dl", line()), "--set", "epochs=30"], { cwd: folder });
    expect({ status, err: status === 0 ? "" : err }).toEqual({ status: 0, err: "" });
    expect(out).toMatch(/^test loss \d/m);
    expect(Number(/test loss (\S+)/.exec(out)?.[1])).toBeLessThan(0.05);
    expect(err).toContain("running on ");
    expect(err).toContain("epoch 30/30  loss ");
    expect(err).not.toContain("\u001b");
    const weights = fs.readFileSync(path.join(folder, "runs/line/weights.safetensors"));
    const header = JSON.parse(weights.subarray(8, 8 + Number(weights.readBigUInt64LE(0))).toString()) as object;
    expect(Object.keys(header).some((key) => key.endsWith(".W"))).toBe(true);
    expect(fs.readdirSync(path.join(folder, "runs/line"))).toEqual(["weights.safetensors"]);
  });

  test("redraws one line on a terminal", { timeout: 60_000 }, async () => {
    fs.writeFileSync(path.join(folder, "line.csv"), rows(40));
    const { status, out } = await runNabla(["train", program("line.dl", line())], { cwd: folder, terminal: true });
    expect(status).toBe(0);
    expect(out).toContain("\r\u001b[2K");
    expect(out).toMatch(/epoch 5\/5 {2}loss \d/);
    // Two streams of one terminal: every drawn line fits its 80 columns.
    for (const drawn of out.replaceAll("\r\u001b[2K", "\n").split("\n")) expect([...drawn].length).toBeLessThanOrEqual(120);
  });

  test("says the same as JSON lines", { timeout: 60_000 }, async () => {
    fs.writeFileSync(path.join(folder, "line.csv"), rows(40));
    const { status, out, err } = await runNabla(["train", program("line.dl", line()), "--json", "-q"], { cwd: folder });
    expect({ status, err }).toEqual({ status: 0, err: "" });
    const events = out.trimEnd().split("\n").map((text) => JSON.parse(text) as { event: string });
    expect(events.map((e) => e.event)).toEqual(["epoch", "epoch", "epoch", "epoch", "epoch", "end"]);
    expect(events.at(-1)).toMatchObject({ end: "finished", epochs: 5, final: { test: { loss: expect.any(Number) } } });
  });

  test("of two train blocks one is named, also in what it says to try next", { timeout: 60_000 }, async () => {
    fs.writeFileSync(path.join(folder, "line.csv"), rows(40));
    const file = program("two.dl", `${line()}${line().slice(line().indexOf("train Line")).replace("train Line", "train Line as slow")}`);
    const unnamed = await runNabla(["train", file], { cwd: folder });
    expect({ status: unnamed.status, err: unnamed.err }).toEqual({ status: 2, err: expect.stringContaining("one of Line, slow") as string });
    const { status, err } = await runNabla(["train", file, "slow"], { cwd: folder });
    expect(status).toBe(0);
    for (const command of ["train two.dl slow --set ", "graph two.dl slow ", "build two.dl slow -o "]) expect(err).toContain(`npx nabla ${command}`);
  });

  test("the same file and seed give the same weights", { timeout: 60_000 }, async () => {
    fs.writeFileSync(path.join(folder, "line.csv"), rows(40));
    const file = program("line.dl", line());
    for (const output of ["one", "two"]) expect((await runNabla(["train", file, "-q", "-o", output], { cwd: folder })).status).toBe(0);
    const read = (output: string): Buffer => fs.readFileSync(path.join(folder, output, "weights.safetensors"));
    expect(read("one").equals(read("two"))).toBe(true);
  });

  test("Ctrl-C saves and ends with status 130", { timeout: 60_000 }, async () => {
    fs.writeFileSync(path.join(folder, "line.csv"), rows(40));
    const { status, err } = await runNabla(["train", program("line.dl", line()), "--set", "epochs=100000", "-o", "cut"], { cwd: folder, interruptAt: /epoch +\d+\/100000/ });
    expect(status).toBe(130);
    expect(err).toContain("interrupted");
    expect(fs.existsSync(path.join(folder, "cut/weights.safetensors"))).toBe(true);
  });

  test("a loss that is not finite stops the run with status 1 and keeps good weights", { timeout: 60_000 }, async () => {
    fs.writeFileSync(path.join(folder, "line.csv"), rows(40));
    const { status, err } = await runNabla(["train", program("burst.dl", line().replace("sgd(0.1)", "sgd(1e30)")), "-o", "burst"], { cwd: folder });
    expect(status).toBe(1);
    expect(err).toContain("E0606");
    expect(err).toMatch(/burst\.dl:\d+:\d+/);
    const weights = fs.readFileSync(path.join(folder, "burst/weights.safetensors"));
    const start = 8 + Number(weights.readBigUInt64LE(0));
    for (let at = start; at + 4 <= weights.length; at += 4) expect(Number.isFinite(weights.readFloatLE(at))).toBe(true);
  });
});

describe("bad input", () => {
  const cases: readonly (readonly [what: string, text: string, data: string | undefined, status: number, says: readonly string[]])[] = [
    ["a missing data file", line("", "none.csv"), undefined, 1, ["E0501", "none.csv"]],
    ["a cell that is no number", line("", "bad.csv"), "a,b\n1,2\n3,x\n", 1, ["E0507", "row 2", "\"b\""]],
    ["a column that is not there", line("", "bad.csv"), "a,c\n1,2\n", 1, ["E0502", "\"b\""]],
    ["a row that is too short", line("", "bad.csv"), "a,b\n1,2\n3\n", 1, ["E0506", "row 2"]],
  ];
  test.each(cases)("%s", async (_what, text, data, status, says) => {
    if (data !== undefined) fs.writeFileSync(path.join(folder, "bad.csv"), data);
    const finished = await runNabla(["train", program("bad.dl", text), "-o", "never"], { cwd: folder });
    expect(finished.status).toBe(status);
    expect(finished.out).toBe("");
    for (const part of [...says, "bad.dl:"]) expect(finished.err).toContain(part);
    expect(fs.existsSync(path.join(folder, "never"))).toBe(false);
  });

  test("an output folder that cannot be written is status 2 and writes nothing", async () => {
    fs.writeFileSync(path.join(folder, "line.csv"), rows(40));
    fs.writeFileSync(path.join(folder, "a-file"), "");
    const { status, err } = await runNabla(["train", program("line.dl", line()), "-o", "a-file/inside"], { cwd: folder });
    expect(status).toBe(2);
    expect(err).toContain("E0702");
    expect(fs.readFileSync(path.join(folder, "a-file"), "utf8")).toBe("");
  });

  test("no adapter is status 3", async () => {
    fs.writeFileSync(path.join(folder, "line.csv"), rows(40));
    const { status, err } = await runNabla(["train", program("line.dl", line())], { cwd: folder, env: { VK_DRIVER_FILES: "/nabla/no-driver.json", NABLA_ADAPTER: undefined } });
    expect(status).toBe(3);
    expect(err).toContain("E0601");
  });
});

describe("nabla check", () => {
  test("is quiet on standard output and succeeds on the examples", { timeout: 240_000 }, async () => {
    const files = fs.readdirSync(path.join(root, "examples")).filter((f) => f.endsWith(".dl"));
    expect(files.length).toBeGreaterThan(3);
    const { status, out, err } = await runNabla(["check", ...files.map(example)]);
    expect({ status, out, err: status === 0 ? "" : err }).toEqual({ status: 0, out: "", err: "" });
  });

  test("reports several errors with file, line and column, status 1", async () => {
    const file = program("wrong.dl", "model M {\n  input x: f32[N, 2]\n  h = dens(x, 3)\n  k = relu(z)\n  loss = sum(h)\n}\n");
    const { status, out, err } = await runNabla(["check", file], { cwd: folder });
    expect({ status, out }).toEqual({ status: 1, out: "" });
    expect(err).toMatch(/wrong\.dl:3:7/);
    expect(err).toMatch(/wrong\.dl:4:12/);
    expect(err).toContain("dense");
    const json = await runNabla(["check", file, "--json"], { cwd: folder });
    expect(json.err).toBe("");
    expect(JSON.parse(json.out)).toMatchObject({ version: 1, ok: false, diagnostics: expect.arrayContaining([expect.objectContaining({ file: "wrong.dl", range: { start: { line: 3, column: 7 }, end: expect.any(Object) } })]) });
  });

  test("reads standard input", async () => {
    const { status, err } = await runNabla(["check", "-"], { input: "model M { loss = }" });
    expect(status).toBe(1);
    expect(err).toContain("<stdin>:1:");
  });
});

describe("looking inside", () => {
  test.each(["build", "normalise", "differentiate", "simplify", "schedule", "bind", "stages", "plan", "emit"])("dump --after=%s", async (pass) => {
    const { status, out, err } = await runNabla(["dump", example("xor.dl"), `--after=${pass}`, "--verify"]);
    expect({ status, err }).toEqual({ status: 0, err: "" });
    expect(out.length).toBeGreaterThan(100);
  });

  test("dump --diff marks what a pass changed", async () => {
    const { status, out } = await runNabla(["dump", example("xor.dl"), "--after=simplify", "--diff"]);
    expect(status).toBe(0);
    expect(out).toMatch(/^- /m);
  });

  test("dump names the passes when it does not know one", async () => {
    const { status, err } = await runNabla(["dump", example("xor.dl"), "--after=magic"]);
    expect(status).toBe(2);
    expect(err).toContain("simplify");
  });

  test("grad prints the gradient by one parameter, or says which there are", async () => {
    const { status, out } = await runNabla(["grad", example("xor.dl"), "--wrt", "h.W"]);
    expect(status).toBe(0);
    expect(out).toContain("∂loss/∂h.W = xᵀ @ ");
    expect(out).not.toContain("∂loss/∂z.W");
    const wrong = await runNabla(["grad", example("xor.dl"), "--wrt", "h.V"]);
    expect(wrong.status).toBe(2);
    expect(wrong.err).toContain("Xor.h.W");
  });

  test("grad --explain tells which rewrites fired, with line and equation", async () => {
    const { status, out } = await runNabla(["grad", example("softmax.dl"), "--explain"]);
    expect(status).toBe(0);
    expect(out).toContain("∂s = (p - one_hot(y, 3)) / N");
    expect(out).toMatch(/\n {2}\d+:\d+ +softmax-shift +exp\(.* {2}→ {2}exp\(/);
    expect(out).toMatch(/\n {2}softmax-quotient +\(a \/ s\) · y = /);
    const json = await runNabla(["grad", example("softmax.dl"), "--explain", "--json"]);
    expect((JSON.parse(json.out) as { ledger: string }).ledger).toContain("normalise: ");
  });

  test("graph writes one page that fetches nothing", async () => {
    const { status, err } = await runNabla(["graph", example("xor.dl"), "-o", "xor.html"], { cwd: folder });
    expect(status).toBe(0);
    expect(err).toContain("wrote xor.html");
    const html = fs.readFileSync(path.join(folder, "xor.html"), "utf8");
    expect(html).toContain("@compute");
    expect(html).not.toMatch(/(src|href)="https?:/);
  });
});

describe("nabla fmt", () => {
  test("--check finds what fmt changes, once", async () => {
    const file = program("loose.dl", "# kept\nmodel M{\ninput x:f32[N,2]\n\n  output p=x*2 # also\n}\n");
    expect((await runNabla(["fmt", "--check", file], { cwd: folder })).status).toBe(1);
    expect((await runNabla(["fmt", file], { cwd: folder })).status).toBe(0);
    const text = fs.readFileSync(path.join(folder, file), "utf8");
    expect(text).toContain("# kept\nmodel M {");
    expect(text).toContain("# also");
    expect((await runNabla(["fmt", "--check", file], { cwd: folder })).status).toBe(0);
  });

  test("- prints standard input formatted, and nothing where it has errors", async () => {
    const good = await runNabla(["fmt", "-"], { input: "const a=1 # one\n" });
    expect([good.status, good.out]).toEqual([0, "const a = 1  # one\n"]);
    const bad = await runNabla(["fmt", "-"], { input: "const a=\n" });
    expect([bad.status, bad.out]).toEqual([1, ""]);
    expect(bad.err).toContain("<stdin>:1:");
  });

  test("of several files those that can be are formatted", async () => {
    const files = [program("one.dl", "const a=1\r\n"), program("two.dl", "const a=(\n"), program("three.dl", "const a = 3\n")];
    const { status, err } = await runNabla(["fmt", ...files], { cwd: folder });
    expect(status).toBe(1);
    expect(err).toContain("two.dl:1:9");
    expect(files.map((f) => fs.readFileSync(path.join(folder, f), "utf8"))).toEqual(["const a = 1\r\n", "const a=(\n", "const a = 3\n"]);
  });

  test("leaves a file with errors alone", async () => {
    const file = program("broken.dl", "model M{ input x:\n");
    const { status, err } = await runNabla(["fmt", file], { cwd: folder });
    expect(status).toBe(1);
    expect(err).toContain("broken.dl:1:");
    expect(fs.readFileSync(path.join(folder, file), "utf8")).toBe("model M{ input x:\n");
  });
});
