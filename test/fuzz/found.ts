/** Cases in which the device once differed, shrunk; each names what was wrong. */
import type { Recipe } from "./recipe.ts";

export const found: readonly { readonly name: string; readonly recipe: Recipe; readonly choice: number }[] = [
  {
    name: "an output without elements has a place, though no kernel writes it",
    recipe: { leaves: [[210], []], steps: [{ kind: 0, a: 0, b: 0, c: 0 }], capacity: 1, loss: 0, seed: 0, live: 1 },
    choice: 0,
  },
  {
    name: "a shift further than the axis is long reads nothing, and its text compiles",
    recipe: { leaves: [[0], []], steps: [{ kind: 9681, a: 0, b: 0, c: 0 }, { kind: 0, a: 0, b: 0, c: 0 }], capacity: 1, loss: 0, seed: 0, live: 1 },
    choice: 0,
  },
  {
    name: "an unshifted softmax over an axis without elements has no maximum to shift by",
    recipe: { leaves: [[210, 2]], steps: [{ kind: 123, a: 0, b: 0, c: 0 }], capacity: 1, loss: 0, seed: 0, live: 1 },
    choice: 0,
  },
  {
    name: "a product without rows, tiled as if it had some: what follows its sum varies with the column alone",
    recipe: { leaves: [[]], steps: [{ kind: 6933, a: 225, b: 0, c: 0 }, { kind: 4655, a: 6909, b: 0, c: 0 }], capacity: 1, loss: 1975, seed: 0, live: 1 },
    choice: 65_926,
  },
  {
    name: "a tensor without elements in the turns of a loop, which became no constant there",
    recipe: { leaves: [[5907]], steps: [{ kind: 14, a: 0, b: 0, c: 1 }, { kind: 0, a: 0, b: 0, c: 0 }], capacity: 1, loss: 0, seed: 0, live: 1 },
    choice: 0,
  },
  {
    name: "what follows the sums of a product without columns, in a loop over the rows: it varies with the row, and is known for a cell alone",
    recipe: {
      leaves: [[]],
      steps: [
        { kind: 0, a: 0, b: 0, c: 0 }, { kind: 2615, a: 0, b: 6537, c: 0 }, { kind: 0, a: 3609, b: 0, c: 0 }, { kind: 0, a: 0, b: 0, c: 0 },
        { kind: 4043, a: 3580, b: 3513, c: 4026 }, { kind: 9233, a: 65, b: 9415, c: 9803 }, { kind: 8283, a: 2296, b: 1808, c: 2591 },
      ],
      capacity: 33, loss: 4092, seed: 4359, live: 1,
    },
    choice: 99_986,
  },
  {
    name: "a parameter between parameters that are read as one is written by another stage",
    recipe: {"leaves":[[6910,3349,1429,5744],[7569,5371,2727],[4667,5847,9413]],"steps":[{"kind":9636,"a":970,"b":3224,"c":8745},{"kind":4040,"a":6278,"b":5601,"c":6703},{"kind":10675,"a":5837,"b":4198,"c":6395},{"kind":7459,"a":3776,"b":9881,"c":6185},{"kind":11807,"a":3789,"b":9923,"c":4674}],"capacity":65,"loss":908,"seed":6728,"live":1},
    choice: 8,
  },
  {
    name: "an index into one element is read by nobody: a nest that listed it shared a stage with the one that wrote it",
    recipe: {
      leaves: [[0], []],
      steps: [{ kind: 4002, a: 0, b: 0, c: 0 }, { kind: 1511, a: 3546, b: 0, c: 1677 }, { kind: 0, a: 0, b: 0, c: 0 }],
      capacity: 1, loss: 0, seed: 0, live: 1,
    },
    choice: 0,
  },
  {
    name: "what is read where nothing is, a convolution beside its image, is read by no kernel, though its nest lists it",
    recipe: {
      leaves: [[1063], [0, 209], [0, 6091]],
      steps: [
        { kind: 405, a: 0, b: 0, c: 0 },
        { kind: 3675, a: 0, b: 0, c: 0 },
        { kind: 0, a: 0, b: 0, c: 0 },
        { kind: 5251, a: 8015, b: 1958, c: 2039 },
        { kind: 4704, a: 7637, b: 6424, c: 1415 },
        { kind: 11521, a: 9130, b: 8081, c: 339 },
        { kind: 10951, a: 8469, b: 1462, c: 6053 },
      ],
      capacity: 2, loss: 9370, seed: 5721, live: 1,
    },
    choice: 46669,
  },
];
