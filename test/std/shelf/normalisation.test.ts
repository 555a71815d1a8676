/** The normalisations against their formulas by hand. */
import { describeShelf } from "./kit.ts";
import { normalisation } from "./normalisation.ts";

describeShelf("normalisation", normalisation);
