/** E06xx, the machine, and E07xx, files and output. */
import type { ErrorCode } from "./error-code.ts";

/** In order of their codes. */
export const machineCodes: readonly ErrorCode[] = [
  {
    code: "E0601",
    title: "no WebGPU adapter",
    text: "Neither a GPU nor the software adapter was found, so no kernel can run. The software adapter comes with the npm package @sparticuz/chromium@147.0.0 (x64 Linux). `nabla doctor` shows what was looked for. `--backend f64` runs without an adapter, slowly.",
  },
  {
    code: "E0602",
    title: "more than the device has",
    text: "A kernel needs a larger buffer, more bindings or a feature that the device lacks. A smaller batch (`--set batch=16`) needs smaller buffers; a smaller model needs smaller kernels.",
  },
  {
    code: "E0603",
    title: "a size outside what an entry was compiled for",
    text: "Compiled code has a capacity for each size that varies, and was run with more. The session compiles again before that happens, so meeting this is a bug of nabla.",
  },
  {
    code: "E0604",
    title: "WebGPU refuses a command",
    text: "The GPU library reports a validation error in a kernel or command of ours. This is a bug of nabla, never of your program: please report the message.",
  },
  {
    code: "E0605",
    title: "the device was lost",
    text: "The driver was reset, the GPU unplugged, or it ran out of memory. What was last saved is still there. NABLA_ADAPTER=software runs on the processor instead.",
  },
  {
    code: "E0606",
    title: "a loss or gradient that is not finite",
    text: "A NaN or an infinity came up. The step that met it changed nothing: the weights are those before it, and they were saved. It is run once more with every value in between looked at, and the report points to the operation that made the first one, with the range of its operands. A smaller learning rate, `clip = norm(1.0)`, or a guard against log(0) and division by zero usually helps.",
    see: ["W0202"],
  },
  {
    code: "E0607",
    title: "the GPU library does not load",
    text: "The npm package webgpu holds a native library for each platform. It needs glibc 2.34 or later on Linux (Debian 12, Ubuntu 22.04), macOS or Windows. After a copy of node_modules between machines, run `npm ci` again.",
  },
  {
    code: "E0608",
    title: "the adapter computes wrong numbers",
    text: "`nabla doctor` ran a small kernel and its results are wrong: the graphics driver is broken. Update it, or set NABLA_ADAPTER=software.",
  },
  {
    code: "E0609",
    title: "a kernel that computes something else than its formula",
    text: "`nabla check --bisect` and `--gradients` ran an entry at random points on the device and compared each kernel with its formula in f64, from the numbers that the device itself had computed before. The report names the first kernel that differs, an element, and the line that the kernel computes. This is a bug of nabla or of the graphics driver, never of your program: NABLA_ADAPTER=software tells which.",
  },
  {
    code: "E0610",
    title: "a loop that becomes too large",
    text: "A device runs the turns of a `fold` or `scan` one after the other in one list of operations, and this one would be too long. Fewer turns, a smaller body, or a smaller batch help.",
  },
  {
    code: "E0611",
    title: "a memory budget that is too small",
    text: "`--memory` bounds what a training step keeps between its kernels: the values of the forward pass that the backward pass reads, beside parameters, optimizer states and data. Values that do not fit are computed twice, the cheapest first. A kernel's own operands and results must lie in memory at once, and those of the longest stretch without a kept value; the message says the least that was found.",
    see: ["E0602"],
  },
  {
    code: "E0701",
    title: "a file cannot be read",
    text: "The file does not exist, may not be read, or is not UTF-8 text; or it should hold weights and is no safetensors file. The message says which. Paths on the command line start from the current folder, paths inside a .dl file from that file's folder.",
  },
  {
    code: "E0702",
    title: "a file or folder cannot be written",
    text: "Nothing was written, not even in part. Choose another folder with -o, or mend the permissions that the message names.",
  },
];
