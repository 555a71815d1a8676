/** The command without any program: help, usage, streams, and what the machine offers. */
import { existsSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { runNabla } from "./run-nabla.ts";

describe("nabla", () => {
  test("alone prints help on standard output and succeeds", async () => {
    const { status, out, err } = await runNabla([]);
    expect(status).toBe(0);
    expect(err).toBe("");
    for (const name of ["train", "check", "doctor", "explain"]) expect(out).toContain(`  ${name} `);
  });

  test("prints its version", async () => {
    expect(await runNabla(["--version"])).toEqual({ status: 0, out: "0.1.0\n", err: "" });
  });

  test("suggests a command for a misspelt one, with status 2", async () => {
    const { status, out, err } = await runNabla(["trian", "x.dl"]);
    expect({ status, out }).toEqual({ status: 2, out: "" });
    expect(err).toContain("Did you mean train?");
  });

  test.each([
    [["train"], "missing required argument 'file'"],
    [["check", "x.dl", "--set", "hidden"], "--set takes name=value"],
    [["doctor", "--color", "blue"], "Allowed choices are auto, always, never"],
    [["check", "no-such-file.dl"], "cannot read 'no-such-file.dl': there is no such file"],
    [["explain", "E9999"], "there is no error code 'E9999'"],
    [["std", "adm"], "did you mean 'adam'?"],
  ])("%j is wrong usage, status 2", async (args, message) => {
    const { status, out, err } = await runNabla(args);
    expect({ status, out }).toEqual({ status: 2, out: "" });
    expect(err).toContain(message);
    expect(err).not.toContain("    at ");
  });

  test("eval of a model that takes data, and of which nothing says from where, shows the input", async () => {
    const { status, out, err } = await runNabla(["eval", "-", "--backend", "f64"], { input: "model M {\n  input x: f32[N]\n  output p = x\n}\n" });
    expect({ status, out }).toEqual({ status: 1, out: "" });
    expect(err).toContain("2:9 - error E0503: `x` has no values: nothing says from what data");
    expect(err).toContain("train M {");
  });

  test("std lists the library and shows an entry as it is written", async () => {
    const list = await runNabla(["std"]);
    expect(list.status).toBe(0);
    expect(list.out).toContain("std/optimizers.dl\n  sgd ");
    const { out } = await runNabla(["std", "sgd"]);
    expect(out).toMatch(/^## Gradient descent: θ ← θ - lr g\..*\noptimizer sgd\(lr = [\d.e-]+\) \{\n {2}θ <- θ - lr \* g\n\}\n$/);
  });

  test("a reader that goes away is no error", async () => {
    const { status, err } = await runNabla(["explain", "--markdown"], { closeOutput: true });
    expect({ status, err }).toEqual({ status: 0, err: "" });
  });
});

describe("nabla doctor", () => {
  test("names the adapter and tries a kernel", async () => {
    const { status, out, err } = await runNabla(["doctor"]);
    expect(status).toBe(0);
    expect(out).toMatch(/ok {3}a kernel +runs and is right/);
    expect(err).toBe("Programs can run here.\n");
  });

  test("says so as JSON", async () => {
    const { status, out, err } = await runNabla(["doctor", "--json"]);
    expect({ status, err }).toEqual({ status: 0, err: "" });
    expect(JSON.parse(out)).toMatchObject({ version: 1, ok: true, findings: expect.arrayContaining([expect.objectContaining({ name: "adapter", ok: true })]) });
  });

  test("without an adapter fails with status 3 and its code", async () => {
    expect(existsSync("/nabla/no-driver.json")).toBe(false);
    const { status, out, err } = await runNabla(["doctor"], { env: { VK_DRIVER_FILES: "/nabla/no-driver.json", NABLA_ADAPTER: undefined } });
    expect(status).toBe(3);
    expect(out).toContain("[E0601]");
    expect(err).toContain("Programs cannot run here.");
  });
});

describe("nabla explain", () => {
  test("explains a code in any case", async () => {
    const { status, out } = await runNabla(["explain", "e0606"]);
    expect(status).toBe(0);
    expect(out).toMatch(/^E0606: a loss or gradient that is not finite\n\n/);
  });
});
