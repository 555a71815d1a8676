/** The metrics against their formulas by hand. */
import { describeShelf } from "./kit.ts";
import { metrics } from "./metrics.ts";

describeShelf("metrics", metrics);
