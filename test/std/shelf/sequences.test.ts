/** Recurrent cells and layers against plain loops. */
import { describeShelf } from "./kit.ts";
import { sequences } from "./sequences.ts";

describeShelf("sequences", sequences);
