/** The activations against their formulas by hand. */
import { activations } from "./activations.ts";
import { describeShelf } from "./kit.ts";

describeShelf("activations", activations);
