/** Names of parameters, states and draws: scope + binding + parameter, whatever the formatting. */
import { describe, expect, it } from "vitest";
import { errorsOf, modelOf } from "./check-text.ts";

const paths = (body: string): string[] => modelOf(`model M { input x: f32[N, 4]\n${body}\n}`).params.map((p) => p.path);

describe("paths", () => {
  it("are scope, binding and parameter; functions add nothing", () => {
    expect(paths("h = relu(dense(x, 8))\noutput p = dense(h, 2)")).toEqual(["M.h.W", "M.h.b", "M.p.W", "M.p.b"]);
  });

  it("add the argument's name for a layer inside another layer's argument", () => {
    expect(paths("output p = dense(relu(dense(x, 8)), 2)")).toEqual(["M.p.x.W", "M.p.x.b", "M.p.W", "M.p.b"]);
  });

  it("add the turn of a `for`, inside a layer too", () => {
    const text = `
      layer block(x: f32[..., n]) { u = relu(dense(x, n))
        return x + u }
      model M { input x: f32[N, 4]
        h = x
        for k in 0..2 { h = block(h) }
        output h }`;
    expect(modelOf(text).params.map((p) => p.path)).toEqual(["M.h.0.u.W", "M.h.0.u.b", "M.h.1.u.W", "M.h.1.u.b"]);
  });

  it("are shared by the calls of an instance", () => {
    expect(paths("enc = instance dense(units = 3)\noutput p = enc(x) + enc(x * 2)")).toEqual(["M.enc.W", "M.enc.b"]);
  });

  it("lend a parameter of an instance by its name", () => {
    const [w] = modelOf("model M { input x: f32[N, 4]\nenc = instance dense(units = 3, bias = false)\ncode = enc(x)\noutput back = code @ transpose(enc.W) }").params;
    expect(w?.path).toBe("M.enc.W");
    expect(errorsOf("model M { input x: f32[N, 4]\nenc = instance dense(units = 3)\noutput y = x @ enc.W }")[0]).toBe("E0101 this instance has no parameter `W` yet");
  });

  it("refuse an instance whose calls disagree about sizes", () => {
    expect(errorsOf("model M { input x: f32[N, 4]\nenc = instance dense(units = 4)\noutput p = enc(x[:, 0..2]) + enc(x) }")[0]).toMatch(/^E0202 `M.enc.W` is shared/);
  });

  it("leave out a parameter that only a dropped branch mentions", () => {
    expect(paths("output p = dense(x, 3, bias = false)")).toEqual(["M.p.W"]);
  });

  it("keep the former path", () => {
    const [w] = modelOf('model M { input x: f32[N]\nparam w: f32 ~ zeros was "Old.w"\noutput p = w * x }').params;
    expect(w?.was).toBe("Old.w");
  });

  it("name draws, and number them in a shared instance", () => {
    const text = `
      layer noisy(x: f32[..., n]) { noise = normal(0, 1)[..., n]
        return x + noise }
      model M { input x: f32[N, 4]
        enc = instance noisy()
        a = enc(x)
        b = enc(a)
        d = dropout(b, 0.5)
        output b
        output d }`;
    const seen = new Set<string>();
    const pending: object[] = modelOf(text).outputs.map((o) => o.value);
    const done = new Set<object>();
    for (let at = pending.pop(); at; at = pending.pop()) {
      if (done.has(at)) continue;
      done.add(at);
      if ("kind" in at && at.kind === "random" && "path" in at) seen.add(String(at.path));
      for (const child of Object.values(at)) if (typeof child === "object" && child !== null && !("source" in child)) pending.push(child as object);
    }
    expect([...seen].sort()).toEqual(["M.d.keep", "M.enc.noise", "M.enc.noise#2"]);
  });

  it("refuse two draws of one name", () => {
    expect(errorsOf("model M { input x: f32[N, 4]\noutput p = dropout(dropout(x, 0.1), 0.2) }")[0]).toBe("E0105 two draws would both be called `M.p.keep`");
  });
});

describe("roles", () => {
  it("are weight unless `as` says otherwise", () => {
    const model = modelOf("model M { input x: f32[N, 4]\nh = layer_norm(dense(dense(x, 4), 4))\noutput h }");
    expect(Object.fromEntries(model.params.map((p) => [p.path, p.role]))).toMatchObject({ "M.h.x.W": "weight", "M.h.x.b": "bias", "M.h.γ": "scale", "M.h.β": "bias" });
  });

  it("make the sets, parameters further down included", () => {
    const text = `model M { input x: f32[N, 4]
      target y: f32[N, 2]
      loss penalty = l2(weights) + l1(biases)
      loss fit = mse(dense(x, 2), y) }`;
    const leaves = JSON.stringify(modelOf(text).terms[0]?.value, (key, value: unknown) => (key === "span" ? undefined : value));
    expect(leaves).toContain("M.fit.W");
    expect(leaves).toContain("M.fit.b");
  });
});
