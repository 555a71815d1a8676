/** Attention, positions and the block of a transformer against plain loops. */
import { describeShelf } from "./kit.ts";
import { attention } from "./attention.ts";

describeShelf("attention", attention);
