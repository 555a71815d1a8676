/** `use`: what a file brings in, under which names, from where, and what it does not. */
import { describe, expect, test } from "vitest";
import { check } from "../../src/check/check.ts";
import { usePath } from "../../src/check/use-path.ts";
import { compile, type Compilation } from "../../src/compile.ts";
import { Diagnostics } from "../../src/support/diagnostic.ts";
import type { Source } from "../../src/support/span.ts";
import { openSession } from "../../src/session.ts";
import { parse } from "../../src/syntax/parse.ts";

type Texts = Readonly<Record<string, string>>;

/** Compiles `main.dl` among other files; `asked` gets each path that the host is asked for. */
function compileFiles(files: Texts, asked: string[] = []): Compilation {
  const use = (path: string): Source | undefined => {
    asked.push(path);
    const text = files[path];
    return text === undefined ? undefined : { path, text };
  };
  return compile({ path: "main.dl", text: files["main.dl"] ?? "" }, { use });
}

const errors = (files: Texts): string[] => compileFiles(files).diagnostics.filter((d) => d.severity === "error").map((d) => `${d.code} ${d.message}`);

/** The outputs of the first program for x = [1, 2]. */
async function outputs(files: Texts): Promise<Record<string, number[]>> {
  const { programs: [program], diagnostics } = compileFiles(files);
  if (!program) throw new Error(diagnostics.map((d) => d.message).join("\n"));
  const session = await openSession(program, { backend: "f64" });
  const made = await session.predict({ x: [1, 2] });
  session.close();
  return Object.fromEntries(Object.entries(made).map(([name, { data }]) => [name, [...data]]));
}

const model = (p: string): string => `model M {\n  input x: f32[N]\n  output p = ${p}\n}\n`;

describe("what `use` brings", () => {
  test("functions and constants under their own names, or behind one", async () => {
    const tools = "const k = 3\nfn scaled(x) = k * x\n";
    expect(await outputs({ "main.dl": `use "tools.dl"\n${model("scaled(x) + k")}`, "tools.dl": tools })).toEqual({ p: [6, 9] });
    expect(await outputs({ "main.dl": `use "tools.dl" as t\n${model("t.scaled(x) + t.k")}`, "tools.dl": tools })).toEqual({ p: [6, 9] });
  });

  test("a file sees its own names, never those of who uses it", async () => {
    const files = { "main.dl": `use "tools.dl" as t\nconst k = 100\nfn relu(x) = 7\n${model("t.scaled(x)")}`, "tools.dl": "const k = 3\nfn scaled(x) = relu(k * x)\n" };
    expect(await outputs(files)).toEqual({ p: [3, 6] });
  });

  test("layers own parameters where they are called, and instances share them", () => {
    const { programs, diagnostics } = compileFiles({
      "main.dl": `use "blocks.dl" as b\nmodel M {\n  input x: f32[N, 2]\n  h = b.block(x, 3)\n  enc = instance b.block(units = 3)\n  u = enc(h)\n  v = enc(u)\n  output p = v\n}`,
      "blocks.dl": "layer block(x: f32[N, d], units) {\n  param W: f32[d, units] ~ he\n  return tanh(x @ W)\n}\ninitializer he() = normal(0, 1 / sqrt(fan_in))\n",
    });
    expect(diagnostics.map((d) => d.message)).toEqual([]);
    expect(programs[0]?.model.params.map((p) => p.path)).toEqual(["M.h.W", "M.enc.W"]);
  });

  test("optimizers, schedules, initialisers and functions are arguments like the file's own", () => {
    const { programs, diagnostics } = compileFiles({
      "main.dl": `use "own.dl" as own\nmodel M {\n  param w: f32[3] ~ own.ones_twice\n  loss = sum(own.bend(w))\n}\ntrain M { steps = 2, optimizer = own.walk(lr = own.slow(0.1)) }`,
      "own.dl": "optimizer walk(lr = 1) {\n  θ <- θ - lr * g\n}\nschedule slow(a) = a / t\ninitializer ones_twice() = 2\nfn bend(w) = w^2\n",
    });
    expect(diagnostics.map((d) => d.message)).toEqual([]);
    expect(programs[0]?.train?.phases[0]?.runs[0]?.optimizer.name).toBe("walk");
  });

  test("a model, where a block of the first file trains it; the block sees the first file's names", async () => {
    const net = "const start = 5\nmodel Net(k = 2) {\n  param w: f32[k] ~ constant(start)\n  loss = sum(w^2)\n}\ntrain Net { steps = 1, optimizer = nothing_of_this_name() }\nmodel Other { param v: f32 ~ ones\n loss = v^2 }\n";
    for (const [use, name] of [['use "net.dl"', "Net"], ['use "net.dl" as n', "n.Net"]]) {
      const main = `${use}\nconst rate = 0.25\ntrain ${name} as mine { steps = k, optimizer = sgd(lr = rate) }`;
      const { programs, diagnostics } = compileFiles({ "main.dl": main, "net.dl": net });
      expect(diagnostics.map((d) => d.message)).toEqual([]);
      expect(programs.map((p) => [p.model.name, p.train?.name, p.train?.phases[0]?.steps])).toEqual([["Net", "mine", 2]]);
      const [program] = programs;
      if (!program) throw new Error("no program");
      const session = await openSession(program, { backend: "f64" });
      await session.step();
      expect([...(await session.get("Net.w"))]).toEqual([2.5, 2.5]);
      session.close();
    }
  });

  test("nothing that a used file uses itself", () => {
    const files = { "a.dl": 'use "b.dl"\nfn f(x) = h(x)\n', "b.dl": "fn h(x) = x\n" };
    expect(errors({ ...files, "main.dl": `use "a.dl"\n${model("f(x)")}` })).toEqual([]);
    expect(errors({ ...files, "main.dl": `use "a.dl"\n${model("f(x) + h(x)")}` })).toEqual(["E0101 nothing is called `h` here"]);
    expect(errors({ ...files, "main.dl": `use "a.dl" as a\n${model("a.f(x) + a.h(x)")}` })).toEqual(["E0101 `a.dl` declares no `h`"]);
  });

  test("a file of the library, whatever the own files call alike", async () => {
    const main = (folder: string): string => `use "${folder}std/activations.dl" as l\nfn relu(x) = 0 - x\n${model("relu(x) + l.relu(x - 1)")}`;
    expect(await outputs({ "main.dl": main(""), "std/activations.dl": "fn relu(x) = 100\n" })).toEqual({ p: [-1, -1] });
    expect(await outputs({ "main.dl": main("./"), "std/activations.dl": "fn relu(x) = 100\n" })).toEqual({ p: [99, 98] });
  });
});

describe("what is used for nothing", () => {
  const parts = "const width = 3\nfn f(x) = x\nmodel Net { param w: f32 ~ zeros\n loss = w^2 }\ntrain Net { steps = 1, optimizer = sgd }\n";
  const found = (main: string): string[] => compileFiles({ "main.dl": main, "parts.dl": parts, "empty.dl": "train M { steps = 1 }" }).diagnostics.map((d) => `${d.code} ${d.message}`);

  test.each([
    `use "parts.dl"\n${model("f(x)")}`, `use "parts.dl"\nmodel M {\n input x: f32[N, width]\n output p = x\n}`, `use "parts.dl"\nmodel M(w = width) {\n input x: f32[N, w]\n output p = x\n}`,
    `use "parts.dl" as q\n${model("x * q.width")}`, 'use "parts.dl"\ntrain Net { steps = 1, optimizer = sgd }', 'use "parts.dl" as p\ntrain p.Net { steps = 1, optimizer = sgd }',
    `use "parts.dl"\n${model("x")}train M { steps = width, optimizer = sgd }`.replace("input x: f32[N]", "input x: f32[N, 1]").replace("output p = x", "param w: f32 ~ zeros\nloss = mean(x * w)").replace("train M {", 'train M { data = csv("a.csv") { x = columns(0..1) }, '),
  ])("not what is mentioned: %s", (main) => expect(found(main)).toEqual([]));

  test("a file behind a name that is never said, one of which nothing is said, one twice, one without declarations", () => {
    expect(found(`use "parts.dl" as q\n${model("x")}`)).toEqual(["W0105 nothing of `parts.dl` is used"]);
    expect(found(`use "parts.dl"\n${model("x")}`)).toEqual(["W0105 nothing of `parts.dl` is used"]);
    expect(found(`use "parts.dl"\nuse "parts.dl"\n${model("f(x)")}`)).toEqual(["W0105 `parts.dl` is used twice"]);
    expect(found(`use "empty.dl"\n${model("x")}`)).toEqual(["W0105 `empty.dl` declares nothing that could be used"]);
    // With errors, warnings are not looked for.
    expect(found(`use "parts.dl"\n${model("y")}`)).toEqual(["E0101 nothing is called `y` here"]);
  });
});

describe("models of a used file", () => {
  const used = (net: string, main = 'use "net.dl" as net\n' + model("net.one * x")): string[] => errors({ "main.dl": main, "net.dl": `const one = 1\n${net}` });

  test("are checked, whether or not something trains them", () => {
    expect(used("model Net { output p = missing }")).toEqual(["E0101 nothing is called `missing` here"]);
    expect(used("model Net { input x: f32[N, 3]\n output p = x @ x }")).toEqual(["E0203 `@` joins 3 with N: [N, 3] @ [N, 3]"]);
    expect(used("model Net { param w: f32 ~ zeros\n loss = missing * w }\n", 'use "net.dl"\ntrain Net { steps = 1, optimizer = sgd }')).toEqual(["E0101 nothing is called `missing` here"]);
  });

  test("are not asked what only a program must say: a hyperparameter may be open, a loss missing", () => {
    expect(used("model Net(width) { input x: f32[N, 3]\n output p = dense(x, width) }")).toEqual([]);
    expect(used("model Net(a, b = a + 1) { input x: f32[N, 3]\n require a > 2\n h = dense(x, b)\n output p = h @ zeros[b, a] }")).toEqual([]);
    expect(used("model Net { param w: f32 ~ zeros\n param v: f32 ~ zeros\n loss = w }")).toEqual([]);
  });
});

describe("which file", () => {
  test("is relative to the file that says it, and read once", () => {
    const asked: string[] = [];
    const files = {
      "main.dl": `use "lib/a.dl"\nuse "lib/deep/b.dl"\nuse "../up.dl"\nuse "./lib/../lib/c.dl"\n${model("a(x) + b(x) + up(x) + c(x)")}`,
      "lib/a.dl": 'use "c.dl" as k\nfn a(x) = k.c(x)\n', "lib/deep/b.dl": 'use "../c.dl"\nfn b(x) = c(x)\n', "lib/c.dl": "fn c(x) = x\n", "../up.dl": 'use "lib/shared.dl"\nfn up(x) = shared(x)\n',
      "../lib/shared.dl": "fn shared(x) = x\n",
    };
    const { diagnostics, programs } = compileFiles(files, asked);
    expect(diagnostics.map((d) => d.message)).toEqual([]);
    expect(asked).toEqual(["lib/a.dl", "lib/c.dl", "lib/deep/b.dl", "../up.dl", "../lib/shared.dl"]);
    expect(programs[0]?.uses.map((u) => u.path).sort()).toEqual(["../lib/shared.dl", "../up.dl", "lib/a.dl", "lib/c.dl", "lib/deep/b.dl"]);
  });

  test("one file by two paths is one file, if the host says so", () => {
    const text = "fn f(x) = x\n";
    const use = (path: string): Source => ({ path: "/home/f.dl", text: path === "" ? "" : text });
    const { diagnostics } = compile({ path: "main.dl", text: `use "f.dl"\nuse "link.dl"\n${model("f(x)")}` }, { use });
    expect(diagnostics.map((d) => `${d.code} ${d.message}`)).toEqual(["W0105 `link.dl` is the file `f.dl`, which is used already"]);
  });

  test("never itself, over whatever path", () => {
    const use = (path: string): Source | undefined => (path === "../here/main.dl" ? { path: "here/main.dl", text } : undefined);
    const text = 'use "../here/main.dl"\n';
    const { diagnostics } = compile({ path: "here/main.dl", text }, { use });
    expect(diagnostics.map((d) => `${d.code} ${d.message}`)).toEqual(["E0132 files use each other: main.dl → ../here/main.dl"]);
    expect(errors({ "main.dl": 'use "main.dl"' })).toEqual(["E0132 files use each other: main.dl → main.dl"]);
    expect(errors({ "main.dl": 'use "a.dl"', "a.dl": 'use "b.dl"', "b.dl": 'use "a.dl"' })).toEqual(["E0132 files use each other: a.dl → b.dl → a.dl"]);
  });

  test("chains end: a host that always has another file is no endless loop", () => {
    const use = (path: string): Source => ({ path, text: `use "x${path}"\n` });
    const { diagnostics } = compile({ path: "main.dl", text: 'use "a.dl"' }, { use });
    expect(diagnostics.map((d) => d.code)).toEqual(["E0134"]);
    const wide = (path: string): Source => ({ path, text: "" });
    const many = compile({ path: "main.dl", text: Array.from({ length: 1200 }, (_, k) => `use "f${k}.dl"\n`).join("") }, { use: wide });
    expect(new Set(many.diagnostics.map((d) => d.code))).toEqual(new Set(["E0134"]));
  });

  test.each([
    ["net.dl", "../a.dl", "../a.dl"], ["b/net.dl", "../a.dl", "a.dl"], ["../b/net.dl", "../../a.dl", "../../a.dl"], ["x/y/net.dl", "./../z//a.dl", "x/z/a.dl"], ["net.dl", "ü b.dl", "ü b.dl"],
  ])("from %s, %s is %s", (from, written, path) => {
    expect(usePath(from, written)).toEqual({ kind: "file", path });
  });

  test.each(["", " ", "/a.dl", "C:/a.dl", "file:///a.dl", "https://x.org/a.dl", "data:text/plain,.dl", "a\\b.dl", "a.txt", "a", "a\0.dl", "a\n.dl", "\u202ea.dl"])("%j is refused", (written) => {
    expect(usePath("net.dl", written).kind).toBe("problem");
  });
});

describe("one name is one thing", () => {
  test.each([
    ["two files", { "main.dl": 'use "a.dl"\nuse "b.dl"', "a.dl": "fn f(x) = x", "b.dl": "fn f(x) = 2 * x" }, ["E0133 `f` comes from `a.dl` and from `b.dl`"]],
    ["a file and the first", { "main.dl": 'fn f(x) = x\nuse "a.dl"', "a.dl": "const f = 1" }, ["E0133 `f` is declared here and comes from `a.dl`"]],
    ["a model and a function", { "main.dl": 'use "a.dl"\nfn f(x) = x', "a.dl": "model f { input x: f32[N]\n output p = x }" }, ["E0133 `f` is declared here and comes from `a.dl`"]],
    ["the name of a file", { "main.dl": 'use "a.dl" as f\nuse "b.dl"', "a.dl": "", "b.dl": "fn f(x) = x" }, ["E0133 `f` is declared here and comes from `b.dl`"]],
    ["two names of files", { "main.dl": 'use "a.dl" as f\nuse "b.dl" as f', "a.dl": "", "b.dl": "" }, ["E0102 `f` is declared twice"]],
    ["two models that are trained", {
      "main.dl": 'use "a.dl" as a\nmodel M { param w: f32 ~ ones\n loss = w^2 }\ntrain M { steps = 1, optimizer = sgd() }\ntrain a.M as other { steps = 1, optimizer = sgd() }', "a.dl": "model M { param w: f32 ~ ones\n loss = w^2 }",
    }, ["E0133 two models called `M` in one program"]],
    ["the same file twice", { "main.dl": `use "a.dl"\nuse "a.dl"\nuse "a.dl" as a\n${model("f(x) + a.f(x)")}`, "a.dl": "fn f(x) = x" }, []],
    ["a diamond", { "main.dl": `use "a.dl"\nuse "b.dl"\n${model("a(x) + b(x)")}`, "a.dl": 'use "c.dl"\nfn a(x) = c(x)', "b.dl": 'use "c.dl"\nfn b(x) = c(x)', "c.dl": "fn c(x) = x" }, []],
    ["a name of the library", { "main.dl": `use "a.dl"\n${model("relu(x)")}`, "a.dl": "fn relu(x) = x" }, []],
  ] as const)("%s", (_, files, expected) => {
    expect(errors(files as Texts)).toEqual(expected);
  });
});

describe("what is wrong elsewhere", () => {
  test("is shown there, with the way that led there", () => {
    const { diagnostics: [first, ...rest] } = compileFiles({ "main.dl": `use "a.dl"\n${model("f(x)")}`, "a.dl": 'use "b.dl"\nfn f(x) = g(x)\n', "b.dl": "fn g(x) = x +\n" });
    expect(rest).toEqual([]);
    expect([first?.code, first?.span?.source.path]).toEqual(["E0001", "b.dl"]);
    expect(first?.related?.map((r) => [r.span.source.path, r.text])).toEqual([["a.dl", "used here"], ["main.dl", "used here"]]);
  });

  test("a missing file is the only error, whatever would have come from it", () => {
    expect(errors({ "main.dl": `use "a.dl"\nuse "b.dl" as b\n${model("f(b.g(x), k)")}train Net { steps = 1 }\ntrain b.Net as two { steps = 1 }` })).toEqual(["E0130 there is no file `a.dl`", "E0130 there is no file `b.dl`"]);
  });

  test("names of uncalled functions of used files are checked, of the library's are not", () => {
    expect(errors({ "main.dl": `use "a.dl"\n${model("x")}`, "a.dl": "fn f(x) = unknown_name\n" })).toEqual(["E0101 nothing is called `unknown_name` here"]);
  });

  test("the name of a file is no value", () => {
    expect(errors({ "main.dl": `use "a.dl" as a\n${model("a + x")}`, "a.dl": "model Net { param w: f32 ~ ones\n loss = w }" })).toEqual(["E0108 `+` needs numbers, and this is the file `a.dl`"]);
    expect(errors({ "main.dl": `use "a.dl" as a\n${model("a.Net(x)")}`, "a.dl": "model Net { param w: f32 ~ ones\n loss = w }" })).toEqual(["E0108 `Net` is a model of `a.dl`, which only `train` may name"]);
  });

  test("without a host, and with one that cannot read", () => {
    const file = { path: "main.dl", text: 'use "a.dl"' };
    expect(compile(file).diagnostics.map((d) => [d.code, d.hint?.slice(0, 40)])).toEqual([["E0130", "this program was compiled from a text al"]]);
    expect(compile(file, { use: () => ({ problem: "permission denied" }) }).diagnostics.map((d) => d.message)).toEqual(["`a.dl` cannot be read: permission denied"]);
    const diagnostics = new Diagnostics();
    check(parse(file, diagnostics), { use: () => undefined, useNames: () => ["other.dl", "aa.dl"] }, diagnostics);
    expect(diagnostics.list.map((d) => d.hint)).toEqual(["did you mean `aa.dl`?"]);
  });
});
