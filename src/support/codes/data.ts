/** E05xx: the data that a train block names, and values handed to a session. */
import type { ErrorCode } from "./error-code.ts";

/** In order of their codes. */
export const dataCodes: readonly ErrorCode[] = [
  {
    code: "E0501",
    title: "the data file is missing, empty, or has no usable header",
    text: "A CSV file has a first line with distinct column names and at least one row after it. Its path starts from the folder of the .dl file.",
  },
  {
    code: "E0502",
    title: "a column that the file does not have",
    text: "`column(\"name\")` must be one of the names in the file's first line, and `columns(a..b)` must end within its columns, which are counted from 0.",
  },
  {
    code: "E0503",
    title: "an input without values",
    text: "Every input and target of the model needs an entry in the block's `data`, and every value that a session's call needs must be given.",
  },
  {
    code: "E0504",
    title: "a number of values that does not fit",
    text: "The data has more or fewer numbers per example than the model declares, or two inputs have different numbers of examples.",
  },
  {
    code: "E0505",
    title: "no parameter or state of that name",
    text: "Parameters are named by their path, such as `Digits.h.W`; a session lists them under `parameters`.",
  },
  {
    code: "E0506",
    title: "a row of another length",
    text: "Each row of a CSV file has as many cells as the header. The message names the row, counted from 1 after the header. A comma inside a cell needs quotes around the cell.",
  },
  {
    code: "E0507",
    title: "a cell that is no finite number",
    text: "Empty cells, text, NaN and infinities are refused rather than guessed at. The message names row and column; mend the file or leave the row out.",
  },
  {
    code: "E0508",
    title: "a value outside its declared range, or not whole",
    text: "`target y: i32[N] in 0..10` promises whole numbers from 0 to 9. The message names the row and the value. Labels that count from 1 can be written `column(\"label\") - 1`.",
    see: ["E0216"],
  },
  {
    code: "E0509",
    title: "nothing left to train on",
    text: "The parts for validation and test take all rows. Make their fractions smaller, or use a larger file.",
  },
  {
    code: "E0510",
    title: "a hyperparameter that cannot change without compiling",
    text: "A hyperparameter that fixes a size, a bound or a branch is part of the compiled program. Compile again with `set`.",
  },
  {
    code: "E0520",
    title: "a step that the train block does not have",
    text: "`session.step(feed, { step })` runs one step of the train block. Where it has `step` sections, one of them is named: `critic`, or `warm.critic` where a phase has steps of its own. The message lists them.",
  },
  {
    code: "E0521",
    title: "no example is left to train on",
    text: "`only` keeps the examples for which its condition holds, and it holds for none of the parts that are fitted.",
  },
  {
    code: "E0522",
    title: "a phase that cannot last so long",
    text: "`epochs` and `steps` may be computed from how earlier phases ended, and what came out is no whole number from 0 up.",
  },
  {
    code: "E0523",
    title: "training that starts from another block's result",
    text: "The train block says `start = other`. `nabla train` trains both; a session trains one block, so what the other has saved must be loaded with `session.load` first.",
  },
];
