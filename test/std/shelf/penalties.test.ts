/** The penalties against their formulas by hand. */
import { describeShelf } from "./kit.ts";
import { penalties } from "./penalties.ts";

describeShelf("penalties", penalties);
