/** E01xx: names, calls and where statements may stand. */
import type { ErrorCode } from "./error-code.ts";

/** In order of their codes. */
export const nameCodes: readonly ErrorCode[] = [
  {
    code: "E0101",
    title: "an unknown name",
    text: "Nothing of this name is declared above this line, in this file, in the files it uses, or in the library. The message suggests a name that is spelled alike, if there is one.",
    wrong: "model M {\n  input x: f32[N, 2]\n  output p = rlu(x)\n}",
    right: "model M {\n  input x: f32[N, 2]\n  output p = relu(x)\n}",
    see: ["W0101"],
  },
  {
    code: "E0102",
    title: "a name bound twice",
    text: "A name means one thing in its scope, so that a line can be read without knowing the lines between. Choose another name; what changes from step to step is a `state` with `<-`.",
    wrong: "model M {\n  input x: f32[N, 2]\n  h = x + 1\n  h = h * 2\n  output p = h\n}",
    right: "model M {\n  input x: f32[N, 2]\n  h = x + 1\n  k = h * 2\n  output p = k\n}",
    see: ["W0102"],
  },
  {
    code: "E0103",
    title: "an index without a binder",
    text: "An index is bound on the left of an equation (`z[b, o] = …`) or in the brackets of a reduction (`sum[i] …`), and is known only there.",
    wrong: "model M {\n  input x: f32[N, 4]\n  a[n] = x[n, k]\n  output a\n}",
    right: "model M {\n  input x: f32[N, 4]\n  a[n] = sum[k] x[n, k]\n  output a\n}",
  },
  {
    code: "E0104",
    title: "a setting that nothing is called",
    text: "`--set name=value` overrides a hyperparameter of a model or a key of its train block, and there is none of this name. The message suggests one that is spelled alike.",
  },
  {
    code: "E0105",
    title: "parameters or draws without a name of their own",
    text: "Parameters and random numbers are found again by their path, which comes from the names that things are bound to. A layer call in the middle of an expression, or two in one binding, have none. Bind each on a line of its own.",
    wrong: "model M {\n  input x: f32[N, 4]\n  output p = dense(x, 3) + dense(x, 3)\n}",
    right: "model M {\n  input x: f32[N, 4]\n  a = dense(x, 3)\n  b = dense(x, 3)\n  output p = a + b\n}",
  },
  {
    code: "E0106",
    title: "arguments that do not fit the declaration",
    text: "An argument is missing, given twice, one too many, or has a name that the declaration does not know. Both places are shown. A model's hyperparameters without a default are set with --set.",
    wrong: "fn f(x) = x + 1\nmodel M {\n  input x: f32[N, 2]\n  output p = f(x, 3)\n}",
    right: "fn f(x) = x + 1\nmodel M {\n  input x: f32[N, 2]\n  output p = f(x)\n}",
  },
  {
    code: "E0107",
    title: "a declaration that calls itself",
    text: "Calls are expanded where they stand, so one that comes back to itself would never end. What repeats is written with `for`, `fold` or `scan`.",
    wrong: "fn f(x) = f(x) + 1\nmodel M {\n  input x: f32[N, 2]\n  output p = f(x)\n}",
    right: "fn f(x) = x + 1\nmodel M {\n  input x: f32[N, 2]\n  output p = fold k in 0..3 with h = x { f(h) }\n}",
    see: ["E0110"],
  },
  {
    code: "E0108",
    title: "a thing of another kind is needed here",
    text: "A layer where a tensor is expected, a number that is called, an optimizer outside a train block. The message says what stands here.",
    wrong: "model M {\n  input x: f32[N, 4]\n  output p = x(3)\n}",
    right: "model M {\n  input x: f32[N, 4]\n  output p = x * 3\n}",
  },
  {
    code: "E0109",
    title: "a statement that has no place here",
    text: "Each kind of block has its statements: a function returns a value, a model has inputs, outputs and losses, a layer has parameters. The message says where this one belongs, or what the block lacks.",
    wrong: "fn f(x) {\n  y = x + 1\n}",
    right: "fn f(x) {\n  y = x + 1\n  return y\n}",
  },
  {
    code: "E0110",
    title: "the program unfolds too far",
    text: "Calls and `for` loops are expanded before anything runs, and there is a limit to the result. `fold` and `scan` share one body for all turns.",
    wrong: "model M {\n  input x: f32[N, 4]\n  for k in 0..1000000 {\n    h = x + k\n  }\n  output x\n}",
    right: "model M {\n  input x: f32[N, 4]\n  h = fold k in 0..10 with h = x {\n    h + k\n  }\n  output h\n}",
    see: ["E0107"],
  },
  {
    code: "E0120",
    title: "not supported yet",
    text: "The program is legal and this version cannot compile this part of it. The message names the part, and where there is one, another way to write it.",
  },
  {
    code: "E0130",
    title: "a used file that is not there",
    text: "The path after `use` is relative to the file that says it, with `/` between its parts; one that begins with `std/` names a file of the library. The message suggests a file that is spelled alike. A program that is compiled from a text alone gets the texts of other files from whoever compiles it.",
    wrong: "use \"no-such-file.dl\"",
    right: "use \"std/losses.dl\"",
  },
  {
    code: "E0131",
    title: "a path that `use` does not take",
    text: "`use` takes the relative path of a `.dl` file. Absolute paths and addresses are refused, since a program should mean the same wherever its folder stands.",
    wrong: "use \"https://example.org/layers.dl\"",
    right: "use \"std/losses.dl\"",
  },
  {
    code: "E0132",
    title: "files that use each other",
    text: "A file is read before the one that uses it, so files cannot use each other in a circle. The message shows the circle. What both need goes into a third file.",
  },
  {
    code: "E0133",
    title: "one name from two files",
    text: "`use` brings the declarations of a file under their own names, and each name means one thing. Put one of the files behind a name with `as`: `use \"losses.dl\" as l`, then `l.focal`. Two models with one name cannot be trained in one program either, since their parameters would have the same paths.",
  },
  {
    code: "E0134",
    title: "too many files",
    text: "A program has at most 1,000 files, and a chain of files that use one another at most 100.",
  },
  {
    code: "E0135",
    title: "a name that programs cannot hold",
    text: "A compiled program is data in JavaScript, where the key `__proto__` changes the object that it is put into. It is the only such name; all others, `constructor` among them, are legal.",
    wrong: "fn __proto__(x) = x",
    right: "fn proto(x) = x",
  },
];
