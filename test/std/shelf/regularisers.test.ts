/** The regularisers against their formulas by hand. */
import { describeShelf } from "./kit.ts";
import { regularisers } from "./regularisers.ts";

describeShelf("regularisers", regularisers);
