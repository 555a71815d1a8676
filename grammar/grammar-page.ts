/**
 * The page of the grammar: each rule with its railroad diagram, what it is for, and an example. Comes in: the reference
 * `dl.md`. Goes out: the text of `docs/language/grammar.html`, one file without scripts that needs no network.
 *
 *     grammarPage(text of dl.md)   // "<!doctype html>…"
 *
 * The diagrams are drawn from the parser itself, so they cannot differ from it.
 */
import { Alternation, Alternative, type IProduction, NonTerminal, Option, Repetition, RepetitionMandatory, Rule, Terminal, type TokenType } from "chevrotain";
import { theParser } from "./parse-declaration.ts";
import { choice, loop, nothing, option, railroad, row, rule, type Track, word } from "./railroad.ts";
import { reductionWords, tokenTypes as T, vocabulary } from "./tokens.ts";

const escaped = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
/** Text with `code` in backticks. */
const prose = (text: string): string => escaped(text).replace(/`([^`]+)`/g, "<code>$1</code>");

/** What stands in the box of a token. */
function tokenTrack(type: TokenType): Track {
  const label = type.LABEL ?? type.name;
  if (label.startsWith("`")) return word(label.slice(1, -1), true);
  if (type === T.Word) return word("any word", false);
  return word(label.replace(/^(a|an|the) /, ""), false);
}

function trackOf(production: IProduction): Track {
  if (production instanceof NonTerminal) return rule(production.nonTerminalName);
  if (production instanceof Terminal) return tokenTrack(production.terminalType);
  if (production instanceof Alternation) return choice(production.definition.map(trackOf));
  if (production instanceof Option) return option(rowOf(production.definition));
  if (production instanceof RepetitionMandatory) return loop(rowOf(production.definition));
  if (production instanceof Repetition) return option(loop(rowOf(production.definition)));
  if (production instanceof Alternative || production instanceof Rule) return rowOf(production.definition);
  return nothing;
}

const rowOf = (parts: readonly IProduction[]): Track => row(parts.map(trackOf));

/** Tokens that stand for several: their members, as written. */
function membersOf(category: TokenType): string {
  const members = vocabulary.filter((t) => t.CATEGORIES?.includes(category) && t.LABEL?.startsWith("`"));
  return members.map((t) => `<code>${escaped(t.LABEL?.slice(1, -1) ?? "")}</code>`).join(" ");
}

const style = `
:root { color-scheme: light dark; --ink: #1d2733; --paper: #ffffff; --quiet: #5b6b7c; --line: #7d8fa3; --word: #fdf1d7; --kind: #e3f0e4; --rule: #e4ecf8; --edge: #9fb0c3; --code: #f4f6f8; }
@media (prefers-color-scheme: dark) { :root { --ink: #dfe6ee; --paper: #12171d; --quiet: #93a3b4; --line: #6f8296; --word: #4a3c17; --kind: #1f3d2a; --rule: #1e3352; --edge: #52667c; --code: #1b222a; } }
body { margin: 0 auto; max-width: 62rem; padding: 2rem 1.25rem 4rem; font: 16px/1.55 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
h1 { font-size: 1.7rem; margin: 0 0 .5rem; } h2 { margin: 2.5rem 0 .5rem; border-bottom: 1px solid var(--edge); padding-bottom: .25rem; } h3 { margin: 1.75rem 0 .25rem; font: 600 1rem ui-monospace, monospace; }
h3 a { color: inherit; text-decoration: none; } p { margin: .25rem 0 .5rem; } .quiet { color: var(--quiet); }
code, pre { font: 13px/1.5 ui-monospace, monospace; background: var(--code); border-radius: 4px; } code { padding: 0 .25em; } pre { padding: .6rem .8rem; overflow-x: auto; margin: .5rem 0; }
.scroll { overflow-x: auto; } nav { columns: 11rem; font: 13px/1.7 ui-monospace, monospace; margin: 1rem 0; } nav a { display: block; color: inherit; }
dt { font-weight: 600; margin-top: .4rem; } dd { margin: 0 0 0 1rem; }
svg.railroad path { fill: none; stroke: var(--line); stroke-width: 1.5; } svg.railroad circle { fill: var(--line); }
svg.railroad rect { stroke: var(--edge); } rect.word { fill: var(--word); } rect.kind { fill: var(--kind); } rect.rule { fill: var(--rule); }
svg.railroad text { font: 12px ui-monospace, "DejaVu Sans Mono", monospace; text-anchor: middle; fill: var(--ink); } text.kind { font-style: italic; } svg.railroad a:hover rect { stroke: var(--ink); }
`;

/** The page's text. */
export function grammarPage(reference: string): string {
  const productions = theParser().getGAstProductions();
  const out: string[] = [
    "<!doctype html>", '<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>The grammar of .dl</title>', `<style>${style}</style></head><body>`,
    "<h1>The grammar of <code>.dl</code></h1>",
    `<p class="quiet">${Object.keys(productions).length} rules, drawn from the parser. Read each diagram from left to right: a track above a part leaves it out, a track below repeats it. A rectangle is another rule.</p>`,
    `<nav>${Object.keys(productions).map((name) => `<a href="#${name}">${name}</a>`).join("")}</nav>`,
    "<h2>Words and signs</h2><dl>",
    "<dt>name</dt><dd>a word that is not reserved: letters of any script, digits and <code>_</code>, not beginning with a digit</dd>",
    "<dt>any word</dt><dd>a name or a reserved word</dd>",
    "<dt>number</dt><dd>digits, perhaps a point and digits, perhaps an exponent: <code>3</code> <code>0.5</code> <code>1e-4</code></dd>",
    '<dt>string</dt><dd>in double quotes, on one line: <code>"data.csv"</code></dd>',
    "<dt>end of the line</dt><dd>where the line does not go on; see <a href=\"lexing.md\">lexing</a></dd>",
    `<dt>operator (between operands)</dt><dd>${membersOf(T.BinaryOperator)}</dd>`,
    `<dt>operator (before an operand)</dt><dd>${membersOf(T.PrefixOperator)}</dd>`,
    `<dt>reduction</dt><dd>${reductionWords.map((w) => `<code>${w}</code>`).join(" ")}</dd>`,
    "</dl>",
  ];
  for (const [, level, heading, body] of reference.matchAll(/^(##|###) (.+)\n([\s\S]*?)(?=^##|(?![\s\S]))/gm)) {
    if (heading === undefined || body === undefined) continue;
    if (level === "##") {
      out.push(`<h2>${escaped(heading)}</h2>`);
      continue;
    }
    const production = productions[heading];
    const [, text = "", example = ""] = /^\s*([\s\S]*?)\s*```dl\n([\s\S]*?)```/.exec(body) ?? [];
    out.push(`<h3 id="${heading}"><a href="#${heading}">${heading}</a></h3>`, `<p>${prose(text)}</p>`);
    if (production) out.push(`<div class="scroll">${railroad(rowOf(production.definition), heading)}</div>`);
    out.push(`<pre>${escaped(example.trimEnd())}</pre>`);
  }
  return `${out.join("\n")}\n</body></html>\n`;
}
