/**
 * The types of the concrete tree, from the grammar itself. Comes in: nothing. Goes out: the text of
 * `cst.generated.ts`, which a test compares with the file (`npx vitest run -u test/grammar` writes it).
 *
 *     generateCstTypes()   // "… export interface DeclarationCstNode extends CstNode { …"
 */
import { generateCstDts } from "chevrotain";
import { theParser } from "./parse-declaration.ts";

const header = `/**
 * The concrete tree's types, one node per rule of the grammar. Generated from parser.ts by generate.ts; not edited by hand.
 */
`;

/** The text of `cst.generated.ts`. */
export function generateCstTypes(): string {
  const types = generateCstDts(theParser().getGAstProductions(), { includeVisitorInterface: false })
    .replace("import type { CstNode, ICstVisitor, IToken }", "import type { CstNode, IToken }")
    .replace(/export interface (\w+)CstNode extends CstNode \{\n\s+(name: "(\w+)");\n\s+(children: \w+);\n\}/g, '/** The rule `$3`. */\nexport interface $1CstNode extends CstNode { $2; $4 }')
    .replace(/\n\nexport type \w+ = \{[^}]*\}/g, (type) => `\n/** Its parts. */${type.slice(1).replace(/\s*\n\s*(?=[^e])/g, " ")}`);
  return header + types;
}
