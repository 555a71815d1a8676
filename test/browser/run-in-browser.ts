/**
 * Runs a TypeScript module inside a real browser page. Comes in: a file whose default export is an async function of
 * one JSON value. Goes out: what the function gives, as JSON. The module may import anything of the core, and nothing of
 * Node: esbuild bundles it for a browser and fails on a Node built-in.
 *
 *     const losses = await runInBrowser(new URL("./page-xor.ts", import.meta.url), { steps: 5 });
 */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { startChromium } from "./chromium.ts";

/** A value that survives JSON. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Milliseconds for the page's whole work. */
const PAGE_TIMEOUT = 120_000;

/** In a worker the same script answers one message. */
const asWorker = "if (typeof document === 'undefined') onmessage = async ({ data }) => postMessage(JSON.stringify(await run(JSON.parse(data))));";

async function bundle(entry: string): Promise<string> {
  const result = await build({
    stdin: { contents: `import run from ${JSON.stringify(entry)}; globalThis.runPage = run; ${asWorker}`, resolveDir: path.dirname(entry), loader: "ts" },
    bundle: true, write: false, format: "esm", platform: "browser", target: "chrome120", logLevel: "silent",
  });
  return result.outputFiles[0]?.text ?? "";
}

/** Serves one page and its script on a free port of this machine; WebGPU wants a secure origin, and localhost is one. */
async function serve(script: string): Promise<Server> {
  const server = createServer((request, response) => {
    const isScript = request.url === "/page.js";
    response.setHeader("content-type", isScript ? "text/javascript; charset=utf-8" : "text/html; charset=utf-8");
    response.end(isScript ? script : '<!doctype html><title>nabla</title><script type="module" src="/page.js"></script>');
  });
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
  return server;
}

/** Bundles `entry`, opens it in a headless Chromium, calls its default export there or in a worker with `argument` and gives its result. Console errors of the page become part of a failure's message. */
export async function runInBrowser(entry: URL, argument: Json, where: "page" | "worker" = "page"): Promise<Json> {
  const script = await bundle(fileURLToPath(entry));
  const server = await serve(script);
  const heard: string[] = [];
  try {
    const browser = await startChromium();
    try {
      const page = await browser.newPage();
      page.on("console", (message) => heard.push(`${message.type()}: ${message.text()}`));
      page.on("pageerror", (error) => heard.push(`uncaught: ${error.message}`));
      page.setDefaultTimeout(PAGE_TIMEOUT);
      await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/`);
      await page.waitForFunction("typeof globalThis.runPage === 'function'", undefined, { timeout: 15_000 });
      const text = JSON.stringify(argument);
      const work = where === "worker" ? page.evaluate(inWorker, text) : page.evaluate(inPage, text);
      return JSON.parse(await within(work, PAGE_TIMEOUT)) as Json;
    } finally {
      await browser.close();
    }
  } catch (error) {
    throw new Error([error instanceof Error ? error.message : String(error), ...heard].join("\n"), { cause: error });
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** Runs in the page. */
async function inPage(text: string): Promise<string> {
  const { runPage } = globalThis as unknown as { runPage: (argument: unknown) => Promise<unknown> };
  return JSON.stringify(await runPage(JSON.parse(text)));
}

/** Runs in the page, which lets a worker do the work. */
function inWorker(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const worker = new Worker("/page.js", { type: "module" });
    worker.onmessage = ({ data }) => resolve(String(data));
    worker.onerror = (event) => reject(new Error(event.message));
    worker.postMessage(text);
  });
}

async function within<T>(work: Promise<T>, milliseconds: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`the page did not answer within ${milliseconds / 1000} seconds`)), milliseconds);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
