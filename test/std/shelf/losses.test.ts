/** The losses against their formulas by hand. */
import { describeShelf } from "./kit.ts";
import { losses } from "./losses.ts";

describeShelf("losses", losses);
