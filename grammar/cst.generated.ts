/**
 * The concrete tree's types, one node per rule of the grammar. Generated from parser.ts by generate.ts; not edited by hand.
 */
import type { CstNode, IToken } from "chevrotain";

/** The rule `declaration`. */
export interface DeclarationCstNode extends CstNode { name: "declaration"; children: DeclarationCstChildren }
/** Its parts. */
export type DeclarationCstChildren = { useDeclaration?: UseDeclarationCstNode[]; constDeclaration?: ConstDeclarationCstNode[]; fnDeclaration?: FnDeclarationCstNode[]; layerDeclaration?: LayerDeclarationCstNode[]; optimizerDeclaration?: OptimizerDeclarationCstNode[]; scheduleDeclaration?: ScheduleDeclarationCstNode[]; modelDeclaration?: ModelDeclarationCstNode[]; trainDeclaration?: TrainDeclarationCstNode[]; };

/** The rule `useDeclaration`. */
export interface UseDeclarationCstNode extends CstNode { name: "useDeclaration"; children: UseDeclarationCstChildren }
/** Its parts. */
export type UseDeclarationCstChildren = { Use: IToken[]; Text: IToken[]; As?: IToken[]; Name?: IToken[]; };

/** The rule `constDeclaration`. */
export interface ConstDeclarationCstNode extends CstNode { name: "constDeclaration"; children: ConstDeclarationCstChildren }
/** Its parts. */
export type ConstDeclarationCstChildren = { Const: IToken[]; Name: IToken[]; Equals: IToken[];  expression: ExpressionCstNode[]; };

/** The rule `fnDeclaration`. */
export interface FnDeclarationCstNode extends CstNode { name: "fnDeclaration"; children: FnDeclarationCstChildren }
/** Its parts. */
export type FnDeclarationCstChildren = { Fn: IToken[]; Name: IToken[]; parameters: ParametersCstNode[]; body: BodyCstNode[]; gradient?: GradientCstNode[]; };

/** The rule `gradient`. */
export interface GradientCstNode extends CstNode { name: "gradient"; children: GradientCstChildren }
/** Its parts. */
export type GradientCstChildren = { With: IToken[]; word: IToken[]; LeftParen: IToken[]; Name: IToken[]; RightParen: IToken[];  entries: EntriesCstNode[]; };

/** The rule `layerDeclaration`. */
export interface LayerDeclarationCstNode extends CstNode { name: "layerDeclaration"; children: LayerDeclarationCstChildren }
/** Its parts. */
export type LayerDeclarationCstChildren = { Layer: IToken[]; Name: IToken[]; parameters: ParametersCstNode[]; block: BlockCstNode[]; };

/** The rule `optimizerDeclaration`. */
export interface OptimizerDeclarationCstNode extends CstNode { name: "optimizerDeclaration"; children: OptimizerDeclarationCstChildren }
/** Its parts. */
export type OptimizerDeclarationCstChildren = { Optimizer: IToken[]; Name: IToken[]; parameters: ParametersCstNode[]; Over?: IToken[]; over?: IToken[]; Colon?: IToken[]; type?: TypeCstNode[]; block: BlockCstNode[]; };

/** The rule `scheduleDeclaration`. */
export interface ScheduleDeclarationCstNode extends CstNode { name: "scheduleDeclaration"; children: ScheduleDeclarationCstChildren }
/** Its parts. */
export type ScheduleDeclarationCstChildren = { word?: (IToken)[]; Name: IToken[]; parameters: ParametersCstNode[]; body: BodyCstNode[]; };

/** The rule `modelDeclaration`. */
export interface ModelDeclarationCstNode extends CstNode { name: "modelDeclaration"; children: ModelDeclarationCstChildren }
/** Its parts. */
export type ModelDeclarationCstChildren = { Model: IToken[]; Name: IToken[]; parameters?: ParametersCstNode[]; block: BlockCstNode[]; };

/** The rule `trainDeclaration`. */
export interface TrainDeclarationCstNode extends CstNode { name: "trainDeclaration"; children: TrainDeclarationCstChildren }
/** Its parts. */
export type TrainDeclarationCstChildren = { Train: IToken[]; reference: ReferenceCstNode[]; As?: IToken[]; alias?: IToken[];  entries: EntriesCstNode[]; };

/** The rule `reference`. */
export interface ReferenceCstNode extends CstNode { name: "reference"; children: ReferenceCstChildren }
/** Its parts. */
export type ReferenceCstChildren = { Name: (IToken)[]; Dot?: IToken[]; };

/** The rule `body`. */
export interface BodyCstNode extends CstNode { name: "body"; children: BodyCstChildren }
/** Its parts. */
export type BodyCstChildren = { Equals?: IToken[];  expression?: ExpressionCstNode[]; block?: BlockCstNode[]; };

/** The rule `parameters`. */
export interface ParametersCstNode extends CstNode { name: "parameters"; children: ParametersCstChildren }
/** Its parts. */
export type ParametersCstChildren = { LeftParen: IToken[]; parameter?: (ParameterCstNode)[]; Comma?: (IToken)[]; RightParen: IToken[]; };

/** The rule `parameter`. */
export interface ParameterCstNode extends CstNode { name: "parameter"; children: ParameterCstChildren }
/** Its parts. */
export type ParameterCstChildren = { Name: IToken[]; Colon?: IToken[]; type?: TypeCstNode[]; Equals?: IToken[];  expression?: ExpressionCstNode[]; };

/** The rule `type`. */
export interface TypeCstNode extends CstNode { name: "type"; children: TypeCstChildren }
/** Its parts. */
export type TypeCstChildren = { Name: IToken[]; LeftBracket?: IToken[]; dimension?: (DimensionCstNode)[]; Comma?: IToken[]; RightBracket?: IToken[]; };

/** The rule `dimension`. */
export interface DimensionCstNode extends CstNode { name: "dimension"; children: DimensionCstChildren }
/** Its parts. */
export type DimensionCstChildren = { Ellipsis?: IToken[];  expression?: ExpressionCstNode[]; };

/** The rule `block`. */
export interface BlockCstNode extends CstNode { name: "block"; children: BlockCstChildren }
/** Its parts. */
export type BlockCstChildren = { LeftBrace: IToken[]; separator?: (SeparatorCstNode)[]; statement?: (StatementCstNode)[]; RightBrace: IToken[]; };

/** The rule `separator`. */
export interface SeparatorCstNode extends CstNode { name: "separator"; children: SeparatorCstChildren }
/** Its parts. */
export type SeparatorCstChildren = { Newline?: IToken[]; Semicolon?: IToken[]; };

/** The rule `statement`. */
export interface StatementCstNode extends CstNode { name: "statement"; children: StatementCstChildren }
/** Its parts. */
export type StatementCstChildren = { inputStatement?: InputStatementCstNode[]; paramStatement?: ParamStatementCstNode[]; stateStatement?: StateStatementCstNode[]; outputStatement?: OutputStatementCstNode[]; metricStatement?: MetricStatementCstNode[]; lossStatement?: LossStatementCstNode[]; goalStatement?: GoalStatementCstNode[]; requireStatement?: RequireStatementCstNode[]; returnStatement?: ReturnStatementCstNode[]; forStatement?: ForStatementCstNode[]; bindStatement?: BindStatementCstNode[]; };

/** The rule `inputStatement`. */
export interface InputStatementCstNode extends CstNode { name: "inputStatement"; children: InputStatementCstChildren }
/** Its parts. */
export type InputStatementCstChildren = { role?: (IToken)[]; Name: IToken[]; Colon: IToken[]; type: TypeCstNode[]; In?: IToken[]; range?: RangeCstNode[]; };

/** The rule `paramStatement`. */
export interface ParamStatementCstNode extends CstNode { name: "paramStatement"; children: ParamStatementCstChildren }
/** Its parts. */
export type ParamStatementCstChildren = { Param: IToken[]; Name: IToken[]; Colon: IToken[]; type: TypeCstNode[]; Tilde: IToken[];  expression: ExpressionCstNode[]; As?: IToken[]; role?: IToken[]; Was?: IToken[]; Text?: IToken[]; };

/** The rule `stateStatement`. */
export interface StateStatementCstNode extends CstNode { name: "stateStatement"; children: StateStatementCstChildren }
/** Its parts. */
export type StateStatementCstChildren = { State: IToken[]; Name: IToken[]; Colon?: IToken[]; type?: TypeCstNode[]; Tilde: IToken[];  expression: ExpressionCstNode[]; };

/** The rule `outputStatement`. */
export interface OutputStatementCstNode extends CstNode { name: "outputStatement"; children: OutputStatementCstChildren }
/** Its parts. */
export type OutputStatementCstChildren = { Output: IToken[]; leftSide: LeftSideCstNode[]; Equals?: IToken[];  expression?: ExpressionCstNode[]; };

/** The rule `metricStatement`. */
export interface MetricStatementCstNode extends CstNode { name: "metricStatement"; children: MetricStatementCstChildren }
/** Its parts. */
export type MetricStatementCstChildren = { Metric: IToken[]; leftSide: LeftSideCstNode[]; Equals: IToken[];  expression: ExpressionCstNode[]; };

/** The rule `lossStatement`. */
export interface LossStatementCstNode extends CstNode { name: "lossStatement"; children: LossStatementCstChildren }
/** Its parts. */
export type LossStatementCstChildren = { Loss: IToken[]; Name?: IToken[]; Equals: IToken[];  expression: ExpressionCstNode[]; };

/** The rule `goalStatement`. */
export interface GoalStatementCstNode extends CstNode { name: "goalStatement"; children: GoalStatementCstChildren }
/** Its parts. */
export type GoalStatementCstChildren = { sense?: (IToken)[];  expression: ExpressionCstNode[]; };

/** The rule `requireStatement`. */
export interface RequireStatementCstNode extends CstNode { name: "requireStatement"; children: RequireStatementCstChildren }
/** Its parts. */
export type RequireStatementCstChildren = { Require: IToken[];  expression: ExpressionCstNode[]; Comma?: IToken[]; Text?: IToken[]; };

/** The rule `returnStatement`. */
export interface ReturnStatementCstNode extends CstNode { name: "returnStatement"; children: ReturnStatementCstChildren }
/** Its parts. */
export type ReturnStatementCstChildren = { Return: IToken[];  expressionList: ExpressionListCstNode[]; };

/** The rule `forStatement`. */
export interface ForStatementCstNode extends CstNode { name: "forStatement"; children: ForStatementCstChildren }
/** Its parts. */
export type ForStatementCstChildren = { For: IToken[]; Name: IToken[]; In: IToken[]; range: RangeCstNode[]; block: BlockCstNode[]; };

/** The rule `bindStatement`. */
export interface BindStatementCstNode extends CstNode { name: "bindStatement"; children: BindStatementCstChildren }
/** Its parts. */
export type BindStatementCstChildren = { left: ExpressionListCstNode[]; op?: (IToken)[]; right?: ExpressionListCstNode[]; };

/** The rule `expressionList`. */
export interface ExpressionListCstNode extends CstNode { name: "expressionList"; children: ExpressionListCstChildren }
/** Its parts. */
export type ExpressionListCstChildren = { listed: (ListedCstNode)[]; Comma?: IToken[]; };

/** The rule `listed`. */
export interface ListedCstNode extends CstNode { name: "listed"; children: ListedCstChildren }
/** Its parts. */
export type ListedCstChildren = {  expression: ExpressionCstNode[]; };

/** The rule `leftSide`. */
export interface LeftSideCstNode extends CstNode { name: "leftSide"; children: LeftSideCstChildren }
/** Its parts. */
export type LeftSideCstChildren = { Name: IToken[]; LeftBracket?: IToken[]; leftItem?: (LeftItemCstNode)[]; Comma?: IToken[]; RightBracket?: IToken[]; };

/** The rule `leftItem`. */
export interface LeftItemCstNode extends CstNode { name: "leftItem"; children: LeftItemCstChildren }
/** Its parts. */
export type LeftItemCstChildren = { Ellipsis?: IToken[]; binder?: BinderCstNode[]; };

/** The rule `binder`. */
export interface BinderCstNode extends CstNode { name: "binder"; children: BinderCstChildren }
/** Its parts. */
export type BinderCstChildren = { Name: IToken[]; In?: IToken[]; range?: RangeCstNode[]; };

/** The rule `range`. */
export interface RangeCstNode extends CstNode { name: "range"; children: RangeCstChildren }
/** Its parts. */
export type RangeCstChildren = {  expression: (ExpressionCstNode)[]; Range: IToken[]; };

/** The rule `expression`. */
export interface ExpressionCstNode extends CstNode { name: "expression"; children: ExpressionCstChildren }
/** Its parts. */
export type ExpressionCstChildren = { operand: (OperandCstNode)[]; op?: IToken[]; };

/** The rule `operand`. */
export interface OperandCstNode extends CstNode { name: "operand"; children: OperandCstChildren }
/** Its parts. */
export type OperandCstChildren = { prefix?: IToken[]; reduction?: ReductionCstNode[]; Number?: IToken[]; Name?: IToken[]; ReductionWord?: IToken[]; Text?: IToken[]; True?: IToken[]; False?: IToken[]; parenthesis?: ParenthesisCstNode[]; array?: ArrayCstNode[]; cases?: CasesCstNode[]; fold?: FoldCstNode[]; instance?: InstanceCstNode[]; postfix?: (ArgumentsCstNode | ItemsCstNode | MemberCstNode)[]; };

/** The rule `reduction`. */
export interface ReductionCstNode extends CstNode { name: "reduction"; children: ReductionCstChildren }
/** Its parts. */
export type ReductionCstChildren = { ReductionWord: IToken[]; LeftBracket: IToken[]; binder: (BinderCstNode)[]; Comma?: IToken[]; Where?: IToken[];  expression?: ExpressionCstNode[]; RightBracket: IToken[]; };

/** The rule `member`. */
export interface MemberCstNode extends CstNode { name: "member"; children: MemberCstChildren }
/** Its parts. */
export type MemberCstChildren = { Dot: IToken[]; Word: IToken[]; };

/** The rule `arguments`. */
export interface ArgumentsCstNode extends CstNode { name: "arguments"; children: ArgumentsCstChildren }
/** Its parts. */
export type ArgumentsCstChildren = { LeftParen: IToken[]; argument?: (ArgumentCstNode)[]; Comma?: (IToken)[]; Ellipsis?: (IToken)[]; RightParen: IToken[]; };

/** The rule `argument`. */
export interface ArgumentCstNode extends CstNode { name: "argument"; children: ArgumentCstChildren }
/** Its parts. */
export type ArgumentCstChildren = { Word?: IToken[]; Equals?: IToken[];  expression: ExpressionCstNode[]; Range?: IToken[]; to?: ExpressionCstNode[]; };

/** The rule `items`. */
export interface ItemsCstNode extends CstNode { name: "items"; children: ItemsCstChildren }
/** Its parts. */
export type ItemsCstChildren = { LeftBracket: IToken[]; item: (ItemCstNode)[]; Comma?: IToken[]; RightBracket: IToken[]; };

/** The rule `item`. */
export interface ItemCstNode extends CstNode { name: "item"; children: ItemCstChildren }
/** Its parts. */
export type ItemCstChildren = { Ellipsis?: IToken[]; Colon?: IToken[];  expression?: ExpressionCstNode[]; Range?: IToken[]; to?: ExpressionCstNode[]; In?: IToken[]; range?: RangeCstNode[]; };

/** The rule `parenthesis`. */
export interface ParenthesisCstNode extends CstNode { name: "parenthesis"; children: ParenthesisCstChildren }
/** Its parts. */
export type ParenthesisCstChildren = { LeftParen: IToken[];  expression: ExpressionCstNode[]; RightParen: IToken[]; };

/** The rule `array`. */
export interface ArrayCstNode extends CstNode { name: "array"; children: ArrayCstChildren }
/** Its parts. */
export type ArrayCstChildren = { LeftBracket: IToken[];  expression?: (ExpressionCstNode)[]; Comma?: (IToken)[]; RightBracket: IToken[]; };

/** The rule `cases`. */
export interface CasesCstNode extends CstNode { name: "cases"; children: CasesCstChildren }
/** Its parts. */
export type CasesCstChildren = { Cases: IToken[]; LeftBrace: IToken[]; separator?: (SeparatorCstNode)[]; caseArm?: (CaseArmCstNode)[]; RightBrace: IToken[]; };

/** The rule `caseArm`. */
export interface CaseArmCstNode extends CstNode { name: "caseArm"; children: CaseArmCstChildren }
/** Its parts. */
export type CaseArmCstChildren = {  expression: ExpressionCstNode[]; If?: IToken[]; condition?: ExpressionCstNode[]; Otherwise?: IToken[]; };

/** The rule `fold`. */
export interface FoldCstNode extends CstNode { name: "fold"; children: FoldCstChildren }
/** Its parts. */
export type FoldCstChildren = { form?: (IToken)[]; Name: IToken[]; In: IToken[]; range: RangeCstNode[]; With: IToken[]; carry: (CarryCstNode)[]; Comma?: IToken[]; block: BlockCstNode[]; };

/** The rule `carry`. */
export interface CarryCstNode extends CstNode { name: "carry"; children: CarryCstChildren }
/** Its parts. */
export type CarryCstChildren = { Name: IToken[]; Equals: IToken[];  expression: ExpressionCstNode[]; };

/** The rule `instance`. */
export interface InstanceCstNode extends CstNode { name: "instance"; children: InstanceCstChildren }
/** Its parts. */
export type InstanceCstChildren = { Instance: IToken[]; reference: ReferenceCstNode[]; arguments: ArgumentsCstNode[]; };

/** The rule `entries`. */
export interface EntriesCstNode extends CstNode { name: "entries"; children: EntriesCstChildren }
/** Its parts. */
export type EntriesCstChildren = { LeftBrace: IToken[];  entrySeparator?: (EntrySeparatorCstNode)[];  entry?: (EntryCstNode)[]; RightBrace: IToken[]; };

/** The rule `entrySeparator`. */
export interface EntrySeparatorCstNode extends CstNode { name: "entrySeparator"; children: EntrySeparatorCstChildren }
/** Its parts. */
export type EntrySeparatorCstChildren = { separator?: SeparatorCstNode[]; Comma?: IToken[]; };

/** The rule `entry`. */
export interface EntryCstNode extends CstNode { name: "entry"; children: EntryCstChildren }
/** Its parts. */
export type EntryCstChildren = { key: IToken[]; Equals?: IToken[];  expression?: ExpressionCstNode[];  entries?: (EntriesCstNode)[]; section?: IToken[]; };
