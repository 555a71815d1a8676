/**
 * The grammar as a Chevrotain `CstParser`: pure, without semantics. Comes in: the tokens of one declaration
 * (`layout.ts`). Goes out: its concrete tree and what did not fit.
 *
 * Invariants: binary operators are one flat rule (`expression`), so a tree is no deeper than its brackets, and precedence
 * is none of this file's business; recovery is by resynchronising at statements, entries and arms alone, never by
 * inventing or deleting a token, so that a tree holds nothing that was not written.
 *
 *     const parser = new DlParser();
 *     parser.input = tokens;
 *     parser.declaration()      // declaration > constDeclaration > expression > operand
 */
import type { CstNode, IParserErrorMessageProvider, ParserMethod } from "chevrotain";
import { LateLookahead } from "./late-lookahead.ts";
import { RecoveringParser } from "./recovering-parser.ts";
import { keyword, tokenTypes as T, vocabulary } from "./tokens.ts";

type Rule = ParserMethod<[], CstNode>;
/** Expressions: an error in one is an error of the statement around it. */
const inner = { resyncEnabled: false } as const;

/** A parser error's message is only what was expected; the sentence around it is made where the text is known. */
const expectations: IParserErrorMessageProvider = {
  buildMismatchTokenMessage: ({ expected }) => expected.LABEL ?? expected.name,
  buildNotAllInputParsedMessage: () => "the end of the declaration",
  buildNoViableAltMessage: () => "something else",
  buildEarlyExitMessage: () => "something else",
};

const maxLookahead = 2;

/** The parser; `dl.md` shows each rule with an example. The grammar never changes, so Chevrotain looks for mistakes in it only where a test asks. */
export class DlParser extends RecoveringParser {
  /** Makes ready for a text of any depth, see LateLookahead. */
  readonly completeLookahead: () => void;

  constructor({ validate = false }: { readonly validate?: boolean } = {}) {
    const lookaheadStrategy = new LateLookahead({ maxLookahead });
    super([...vocabulary], { recoveryEnabled: true, maxLookahead, lookaheadStrategy, skipValidations: !validate, nodeLocationTracking: "onlyOffset", errorMessageProvider: expectations });
    this.completeLookahead = () => lookaheadStrategy.complete();
    this.performSelfAnalysis();
  }

  // ------------------------------------------------------------------------------------------- declarations

  readonly declaration: Rule = this.RULE("declaration", () => {
    this.OR([
      { ALT: () => this.SUBRULE(this.useDeclaration) },
      { ALT: () => this.SUBRULE(this.constDeclaration) },
      { ALT: () => this.SUBRULE(this.fnDeclaration) },
      { ALT: () => this.SUBRULE(this.layerDeclaration) },
      { ALT: () => this.SUBRULE(this.optimizerDeclaration) },
      { ALT: () => this.SUBRULE(this.scheduleDeclaration) },
      { ALT: () => this.SUBRULE(this.modelDeclaration) },
      { ALT: () => this.SUBRULE(this.trainDeclaration) },
    ]);
  });

  readonly useDeclaration: Rule = this.RULE("useDeclaration", () => {
    this.CONSUME(keyword("use"));
    this.CONSUME(T.Text);
    this.OPTION(() => { this.CONSUME(keyword("as")); this.CONSUME(T.Name); });
  });

  readonly constDeclaration: Rule = this.RULE("constDeclaration", () => {
    this.CONSUME(keyword("const"));
    this.CONSUME(T.Name);
    this.CONSUME(T.Equals);
    this.SUBRULE(this.expression);
  });

  readonly fnDeclaration: Rule = this.RULE("fnDeclaration", () => {
    this.CONSUME(keyword("fn"));
    this.CONSUME(T.Name);
    this.SUBRULE(this.parameters);
    this.SUBRULE(this.body);
    this.OPTION(() => this.SUBRULE(this.gradient));
  });

  readonly gradient: Rule = this.RULE("gradient", () => {
    this.CONSUME(keyword("with"));
    this.CONSUME(T.Name, { LABEL: "word" });
    this.CONSUME(T.LeftParen);
    this.CONSUME2(T.Name);
    this.CONSUME(T.RightParen);
    this.SUBRULE(this.entries);
  });

  readonly layerDeclaration: Rule = this.RULE("layerDeclaration", () => {
    this.CONSUME(keyword("layer"));
    this.CONSUME(T.Name);
    this.SUBRULE(this.parameters);
    this.SUBRULE(this.block);
  });

  readonly optimizerDeclaration: Rule = this.RULE("optimizerDeclaration", () => {
    this.CONSUME(keyword("optimizer"));
    this.CONSUME(T.Name);
    this.SUBRULE(this.parameters);
    this.OPTION(() => {
      this.CONSUME(keyword("over"));
      this.CONSUME2(T.Name, { LABEL: "over" });
      this.CONSUME(T.Colon);
      this.SUBRULE(this.type);
    });
    this.SUBRULE(this.block);
  });

  readonly scheduleDeclaration: Rule = this.RULE("scheduleDeclaration", () => {
    this.OR((["schedule", "initializer"] as const).map((word) => ({ ALT: () => this.CONSUME(keyword(word), { LABEL: "word" }) })));
    this.CONSUME(T.Name);
    this.SUBRULE(this.parameters);
    this.SUBRULE(this.body);
  });

  readonly modelDeclaration: Rule = this.RULE("modelDeclaration", () => {
    this.CONSUME(keyword("model"));
    this.CONSUME(T.Name);
    this.OPTION(() => this.SUBRULE(this.parameters));
    this.SUBRULE(this.block);
  });

  readonly trainDeclaration: Rule = this.RULE("trainDeclaration", () => {
    this.CONSUME(keyword("train"));
    this.SUBRULE(this.reference);
    this.OPTION(() => { this.CONSUME(keyword("as")); this.CONSUME(T.Name, { LABEL: "alias" }); });
    this.SUBRULE(this.entries);
  });

  readonly reference: Rule = this.RULE("reference", () => {
    this.CONSUME(T.Name);
    this.OPTION(() => { this.CONSUME(T.Dot); this.CONSUME2(T.Name); });
  }, inner);

  readonly body: Rule = this.RULE("body", () => {
    this.OR([
      { ALT: () => { this.CONSUME(T.Equals); this.SUBRULE(this.expression); } },
      { ALT: () => this.SUBRULE(this.block) },
    ]);
  }, inner);

  readonly parameters: Rule = this.RULE("parameters", () => {
    this.CONSUME(T.LeftParen);
    this.OPTION(() => {
      this.SUBRULE(this.parameter);
      this.MANY(() => { this.CONSUME(T.Comma); this.SUBRULE2(this.parameter); });
      this.OPTION2(() => this.CONSUME2(T.Comma));
    });
    this.CONSUME(T.RightParen);
  });

  readonly parameter: Rule = this.RULE("parameter", () => {
    this.CONSUME(T.Name);
    this.OPTION(() => { this.CONSUME(T.Colon); this.SUBRULE(this.type); });
    this.OPTION2(() => { this.CONSUME(T.Equals); this.SUBRULE(this.expression); });
  }, inner);

  readonly type: Rule = this.RULE("type", () => {
    this.CONSUME(T.Name);
    this.OPTION(() => {
      this.CONSUME(T.LeftBracket);
      this.OPTION2(() => { this.SUBRULE(this.dimension); this.MANY(() => { this.CONSUME(T.Comma); this.SUBRULE2(this.dimension); }); });
      this.CONSUME(T.RightBracket);
    });
  }, inner);

  readonly dimension: Rule = this.RULE("dimension", () => { this.OR([{ ALT: () => this.CONSUME(T.Ellipsis) }, { ALT: () => this.SUBRULE(this.expression) }]); }, inner);

  // ------------------------------------------------------------------------------------------- statements

  readonly block: Rule = this.RULE("block", () => {
    this.CONSUME(T.LeftBrace);
    this.MANY(() => this.SUBRULE(this.separator));
    this.OPTION(() => {
      this.SUBRULE(this.statement);
      this.MANY2(() => { this.AT_LEAST_ONE(() => this.SUBRULE2(this.separator)); this.OPTION2(() => this.SUBRULE2(this.statement)); });
    });
    this.CONSUME(T.RightBrace);
  });

  readonly separator: Rule = this.RULE("separator", () => { this.OR([{ ALT: () => this.CONSUME(T.Newline) }, { ALT: () => this.CONSUME(T.Semicolon) }]); }, inner);

  readonly statement: Rule = this.RULE("statement", () => {
    this.OR([
      { ALT: () => this.SUBRULE(this.inputStatement) },
      { ALT: () => this.SUBRULE(this.paramStatement) },
      { ALT: () => this.SUBRULE(this.stateStatement) },
      { ALT: () => this.SUBRULE(this.outputStatement) },
      { ALT: () => this.SUBRULE(this.metricStatement) },
      { ALT: () => this.SUBRULE(this.lossStatement) },
      { ALT: () => this.SUBRULE(this.goalStatement) },
      { ALT: () => this.SUBRULE(this.requireStatement) },
      { ALT: () => this.SUBRULE(this.returnStatement) },
      { ALT: () => this.SUBRULE(this.forStatement) },
      { ALT: () => this.SUBRULE(this.bindStatement) },
    ]);
  });

  readonly inputStatement: Rule = this.RULE("inputStatement", () => {
    this.OR((["input", "target"] as const).map((word) => ({ ALT: () => this.CONSUME(keyword(word), { LABEL: "role" }) })));
    this.CONSUME(T.Name);
    this.CONSUME(T.Colon);
    this.SUBRULE(this.type);
    this.OPTION(() => { this.CONSUME(keyword("in")); this.SUBRULE(this.range); });
  });

  readonly paramStatement: Rule = this.RULE("paramStatement", () => {
    this.CONSUME(keyword("param"));
    this.CONSUME(T.Name);
    this.CONSUME(T.Colon);
    this.SUBRULE(this.type);
    this.CONSUME(T.Tilde);
    this.SUBRULE(this.expression);
    this.OPTION(() => { this.CONSUME(keyword("as")); this.CONSUME2(T.Name, { LABEL: "role" }); });
    this.OPTION2(() => { this.CONSUME(keyword("was")); this.CONSUME(T.Text); });
  });

  readonly stateStatement: Rule = this.RULE("stateStatement", () => {
    this.CONSUME(keyword("state"));
    this.CONSUME(T.Name);
    this.OPTION(() => { this.CONSUME(T.Colon); this.SUBRULE(this.type); });
    this.CONSUME(T.Tilde);
    this.SUBRULE(this.expression);
  });

  readonly outputStatement: Rule = this.RULE("outputStatement", () => {
    this.CONSUME(keyword("output"));
    this.SUBRULE(this.leftSide);
    this.OPTION(() => { this.CONSUME(T.Equals); this.SUBRULE(this.expression); });
  });

  readonly metricStatement: Rule = this.RULE("metricStatement", () => {
    this.CONSUME(keyword("metric"));
    this.SUBRULE(this.leftSide);
    this.CONSUME(T.Equals);
    this.SUBRULE(this.expression);
  });

  readonly lossStatement: Rule = this.RULE("lossStatement", () => {
    this.CONSUME(keyword("loss"));
    this.OPTION(() => this.CONSUME(T.Name));
    this.CONSUME(T.Equals);
    this.SUBRULE(this.expression);
  });

  readonly goalStatement: Rule = this.RULE("goalStatement", () => {
    this.OR((["minimize", "maximize"] as const).map((word) => ({ ALT: () => this.CONSUME(keyword(word), { LABEL: "sense" }) })));
    this.SUBRULE(this.expression);
  });

  readonly requireStatement: Rule = this.RULE("requireStatement", () => {
    this.CONSUME(keyword("require"));
    this.SUBRULE(this.expression);
    this.OPTION(() => { this.CONSUME(T.Comma); this.CONSUME(T.Text); });
  });

  readonly returnStatement: Rule = this.RULE("returnStatement", () => {
    this.CONSUME(keyword("return"));
    this.SUBRULE(this.expressionList);
  });

  readonly forStatement: Rule = this.RULE("forStatement", () => {
    this.CONSUME(keyword("for"));
    this.CONSUME(T.Name);
    this.CONSUME(keyword("in"));
    this.SUBRULE(this.range);
    this.SUBRULE(this.block);
  });

  readonly bindStatement: Rule = this.RULE("bindStatement", () => {
    this.SUBRULE(this.expressionList, { LABEL: "left" });
    this.OPTION(() => {
      this.OR([
        { ALT: () => this.CONSUME(T.Equals, { LABEL: "op" }) },
        { ALT: () => this.CONSUME(T.Arrow, { LABEL: "op" }) },
      ]);
      this.SUBRULE2(this.expressionList, { LABEL: "right" });
    });
  });

  readonly expressionList: Rule = this.RULE("expressionList", () => {
    this.SUBRULE(this.listed);
    this.MANY(() => { this.CONSUME(T.Comma); this.SUBRULE2(this.listed); });
  }, inner);

  readonly listed: Rule = this.RULE("listed", () => { this.SUBRULE(this.expression); }, inner);

  readonly leftSide: Rule = this.RULE("leftSide", () => {
    this.CONSUME(T.Name);
    this.OPTION(() => {
      this.CONSUME(T.LeftBracket);
      this.SUBRULE(this.leftItem);
      this.MANY(() => { this.CONSUME(T.Comma); this.SUBRULE2(this.leftItem); });
      this.CONSUME(T.RightBracket);
    });
  }, inner);

  readonly leftItem: Rule = this.RULE("leftItem", () => { this.OR([{ ALT: () => this.CONSUME(T.Ellipsis) }, { ALT: () => this.SUBRULE(this.binder) }]); }, inner);

  readonly binder: Rule = this.RULE("binder", () => {
    this.CONSUME(T.Name);
    this.OPTION(() => { this.CONSUME(keyword("in")); this.SUBRULE(this.range); });
  }, inner);

  readonly range: Rule = this.RULE("range", () => {
    this.SUBRULE(this.expression);
    this.CONSUME(T.Range);
    this.SUBRULE2(this.expression);
  }, inner);

  // ------------------------------------------------------------------------------------------- expressions

  readonly expression: Rule = this.RULE("expression", () => {
    this.SUBRULE(this.operand);
    this.MANY(() => {
      this.CONSUME(T.BinaryOperator, { LABEL: "op" });
      this.SUBRULE2(this.operand);
    });
  }, inner);

  readonly operand: Rule = this.RULE("operand", () => {
    this.MANY(() => this.OR([
      { ALT: () => this.CONSUME(T.PrefixOperator, { LABEL: "prefix" }) },
      { ALT: () => this.SUBRULE(this.reduction) },
    ]));
    this.OR2([
      { ALT: () => this.CONSUME(T.Number) },
      { ALT: () => this.CONSUME(T.Name) },
      { ALT: () => this.CONSUME(T.ReductionWord) },
      { ALT: () => this.CONSUME(T.Text) },
      { ALT: () => this.CONSUME(keyword("true")) },
      { ALT: () => this.CONSUME(keyword("false")) },
      { ALT: () => this.SUBRULE(this.parenthesis) },
      { ALT: () => this.SUBRULE(this.array) },
      { ALT: () => this.SUBRULE(this.cases) },
      { ALT: () => this.SUBRULE(this.fold) },
      { ALT: () => this.SUBRULE(this.instance) },
    ]);
    // Written out here and no rule of its own: it would cost every level of nested calls its stack.
    this.MANY2(() => this.OR3([
      { ALT: () => this.SUBRULE(this.arguments, { LABEL: "postfix" }) },
      { ALT: () => this.SUBRULE(this.items, { LABEL: "postfix" }) },
      { ALT: () => this.SUBRULE(this.member, { LABEL: "postfix" }) },
    ]));
  }, inner);

  readonly reduction: Rule = this.RULE("reduction", () => {
    this.CONSUME(T.ReductionWord);
    this.CONSUME(T.LeftBracket);
    this.SUBRULE(this.binder);
    this.MANY(() => { this.CONSUME(T.Comma); this.SUBRULE2(this.binder); });
    this.OPTION(() => { this.CONSUME(keyword("where")); this.SUBRULE(this.expression); });
    this.CONSUME(T.RightBracket);
  }, inner);

  readonly member: Rule = this.RULE("member", () => { this.CONSUME(T.Dot); this.CONSUME(T.Word); }, inner);

  readonly arguments: Rule = this.RULE("arguments", () => {
    this.CONSUME(T.LeftParen);
    this.OPTION(() => {
      this.SUBRULE(this.argument);
      // No choice stands around an argument: it would cost every level of nested calls its stack.
      this.MANY({
        MAX_LOOKAHEAD: 4,
        DEF: () => {
          this.CONSUME(T.Comma);
          this.OPTION2(() => { this.CONSUME(T.Ellipsis); this.CONSUME2(T.Comma); });
          this.SUBRULE2(this.argument);
        },
      });
      this.OPTION3(() => { this.CONSUME3(T.Comma); this.OPTION4(() => { this.CONSUME2(T.Ellipsis); this.OPTION5(() => this.CONSUME4(T.Comma)); }); });
    });
    this.CONSUME(T.RightParen);
  }, inner);

  readonly argument: Rule = this.RULE("argument", () => {
    this.OPTION(() => { this.CONSUME(T.Word); this.CONSUME(T.Equals); });
    this.SUBRULE(this.expression);
    this.OPTION2(() => { this.CONSUME(T.Range); this.SUBRULE2(this.expression, { LABEL: "to" }); });
  }, inner);

  readonly items: Rule = this.RULE("items", () => {
    this.CONSUME(T.LeftBracket);
    this.SUBRULE(this.item);
    this.MANY(() => { this.CONSUME(T.Comma); this.SUBRULE2(this.item); });
    this.CONSUME(T.RightBracket);
  }, inner);

  readonly item: Rule = this.RULE("item", () => {
    this.OR([
      { ALT: () => this.CONSUME(T.Ellipsis) },
      { ALT: () => this.CONSUME(T.Colon) },
      {
        ALT: () => {
          this.SUBRULE(this.expression);
          this.OPTION(() => this.OR2([
            { ALT: () => { this.CONSUME(T.Range); this.SUBRULE2(this.expression, { LABEL: "to" }); } },
            { ALT: () => { this.CONSUME(keyword("in")); this.SUBRULE(this.range); } },
          ]));
        },
      },
    ]);
  }, inner);

  readonly parenthesis: Rule = this.RULE("parenthesis", () => {
    this.CONSUME(T.LeftParen);
    this.SUBRULE(this.expression);
    this.CONSUME(T.RightParen);
  }, inner);

  readonly array: Rule = this.RULE("array", () => {
    this.CONSUME(T.LeftBracket);
    this.OPTION(() => {
      this.SUBRULE(this.expression);
      this.MANY(() => { this.CONSUME(T.Comma); this.SUBRULE2(this.expression); });
      this.OPTION2(() => this.CONSUME2(T.Comma));
    });
    this.CONSUME(T.RightBracket);
  }, inner);

  readonly cases: Rule = this.RULE("cases", () => {
    this.CONSUME(keyword("cases"));
    this.CONSUME(T.LeftBrace);
    this.MANY(() => this.SUBRULE(this.separator));
    this.OPTION(() => {
      this.SUBRULE(this.caseArm);
      this.MANY2(() => { this.AT_LEAST_ONE(() => this.SUBRULE2(this.separator)); this.OPTION2(() => this.SUBRULE2(this.caseArm)); });
    });
    this.CONSUME(T.RightBrace);
  }, inner);

  readonly caseArm: Rule = this.RULE("caseArm", () => {
    this.SUBRULE(this.expression);
    this.OR([
      { ALT: () => { this.CONSUME(keyword("if")); this.SUBRULE2(this.expression, { LABEL: "condition" }); } },
      { ALT: () => this.CONSUME(keyword("otherwise")) },
    ]);
  });

  readonly fold: Rule = this.RULE("fold", () => {
    this.OR((["fold", "scan"] as const).map((word) => ({ ALT: () => this.CONSUME(keyword(word), { LABEL: "form" }) })));
    this.CONSUME(T.Name);
    this.CONSUME(keyword("in"));
    this.SUBRULE(this.range);
    this.CONSUME(keyword("with"));
    this.SUBRULE(this.carry);
    this.MANY(() => { this.CONSUME(T.Comma); this.SUBRULE2(this.carry); });
    this.SUBRULE(this.block);
  }, inner);

  readonly carry: Rule = this.RULE("carry", () => {
    this.CONSUME(T.Name);
    this.CONSUME(T.Equals);
    this.SUBRULE(this.expression);
  }, inner);

  readonly instance: Rule = this.RULE("instance", () => {
    this.CONSUME(keyword("instance"));
    this.SUBRULE(this.reference);
    this.SUBRULE(this.arguments);
  }, inner);

  // ------------------------------------------------------------------------------------------- entries

  readonly entries: Rule = this.RULE("entries", () => {
    this.CONSUME(T.LeftBrace);
    this.MANY(() => this.SUBRULE(this.entrySeparator));
    this.OPTION(() => {
      this.SUBRULE(this.entry);
      this.MANY2(() => { this.AT_LEAST_ONE(() => this.SUBRULE2(this.entrySeparator)); this.OPTION2(() => this.SUBRULE2(this.entry)); });
    });
    this.CONSUME(T.RightBrace);
  });

  readonly entrySeparator: Rule = this.RULE("entrySeparator", () => { this.OR([{ ALT: () => this.SUBRULE(this.separator) }, { ALT: () => this.CONSUME(T.Comma) }]); }, inner);

  readonly entry: Rule = this.RULE("entry", () => {
    this.CONSUME(T.Word, { LABEL: "key" });
    this.OR([
      { ALT: () => { this.CONSUME(T.Equals); this.SUBRULE(this.expression); this.OPTION(() => this.SUBRULE(this.entries)); } },
      { ALT: () => { this.CONSUME2(T.Word, { LABEL: "section" }); this.SUBRULE2(this.entries); } },
    ]);
  });
}
