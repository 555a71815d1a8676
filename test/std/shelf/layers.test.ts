/** The layers against plain loops. */
import { describeShelf } from "./kit.ts";
import { layers } from "./layers.ts";

describeShelf("layers", layers);
