/**
 * The rules of the house as functions from files to violations (`path:line what`). Kept apart from the test that
 * applies them, so that each can be shown to find a planted violation.
 */
import { ts } from "ts-morph";
import { type Import, importsOf, lineOf, type SourceFile, walk } from "./source-files.ts";

/** A rule: what it demands, and where it is broken. */
export interface Rule {
  readonly name: string;
  readonly find: (files: readonly SourceFile[]) => readonly string[];
}

/** The order of the rooms: a file imports from its own and from those to its left, types included. */
export const order: readonly string[] = [
  "src/support", "src/ir", "src/ops", "grammar", "src/syntax", "src/std", "src/check", "src/graph", "src/grad", "src/simplify", "src/schedule",
  "kernels", "src/memory", "src/wgsl", "src/harness", "src/report", "src/lower.ts", "src/compile.ts", "src/session.ts", "src/index.ts", "src/cli",
];

/** Rooms that are carried into bundles or pages, and the only rooms of ours they may import from. */
const closed: Readonly<Record<string, readonly string[]>> = {
  "src/harness/runtime": ["src/harness/runtime"],
  "src/harness/node": ["src/harness/node", "src/harness/runtime"],
};

/** The rooms that may touch the machine. */
const impure: readonly string[] = ["src/cli", "src/harness/node"];

const within = (path: string, room: string): boolean => path === room || path.startsWith(`${room}/`);
const roomIndex = (path: string): number => order.findIndex((room) => within(path, room));
const isCore = (path: string): boolean => roomIndex(path) >= 0;
const isHouse = (file: SourceFile): boolean => isCore(file.path);

/** Applies `check` to each file, collecting `path:line text`. */
function perFile(check: (file: SourceFile, report: (line: number, text: string) => void) => void, only = isHouse): Rule["find"] {
  return (files) => {
    const found: string[] = [];
    for (const file of files) if (only(file)) check(file, (line, text) => found.push(`${file.path}:${line} ${text}`));
    return found;
  };
}

function perImport(check: (file: SourceFile, imported: Import) => string | undefined): Rule["find"] {
  return perFile((file, report) => {
    for (const imported of importsOf(file)) {
      const text = check(file, imported);
      if (text !== undefined) report(imported.line, text);
    }
  });
}

const everyFileHasARoom: Rule = {
  name: "every source file stands in a room of the plan",
  find: perFile((file, report) => {
    if (!isCore(file.path)) report(1, "stands in no room");
  }, (file) => /^(src|grammar|kernels)\//.test(file.path)),
};

const importDirection: Rule = {
  name: "imports point to the left",
  find: perImport((file, { target, relative }) => {
    if (!relative) return undefined;
    const to = roomIndex(target);
    if (to < 0) return `imports ${target}, which is outside the house`;
    return to > roomIndex(file.path) ? `imports ${target}, a room to its right` : undefined;
  }),
};

const closedRooms: Rule = {
  name: "what bundles carry imports nothing else of ours",
  find: perImport((file, { target, relative }) => {
    const room = Object.keys(closed).find((r) => within(file.path, r));
    if (room === undefined || !relative) return undefined;
    return closed[room]?.some((r) => within(target, r)) ? undefined : `imports ${target}`;
  }),
};

const noNodeBuiltins: Rule = {
  name: "the core imports no Node built-in and no GPU library",
  find: perImport((file, { target, relative }) => {
    if (relative || impure.some((room) => within(file.path, room))) return undefined;
    return target.startsWith("node:") || target === "webgpu" || target === "commander" || target === "picocolors" ? `imports ${target}` : undefined;
  }),
};

const lazyTsMorph: Rule = {
  name: "ts-morph is imported only by src/harness/emit*.ts, and only on demand",
  find: perImport((file, { target, typeOnly, dynamic }) => {
    if (target !== "ts-morph") return undefined;
    if (!/^src\/harness\/emit[^/]*\.ts$/.test(file.path)) return "imports ts-morph";
    return typeOnly || dynamic ? undefined : "imports ts-morph statically";
  }),
};

const machineGlobals = new Set(["console", "process", "Date", "performance", "fetch", "require", "__dirname", "__filename", "localStorage", "navigator"]);

const purity: Rule = {
  name: "the core has no console, process, clock or chance",
  find: perFile((file, report) => {
    walk(file, (node) => {
      if (!ts.isIdentifier(node)) return;
      const parent = node.parent;
      const isMember = (ts.isPropertyAccessExpression(parent) && parent.name === node) || (ts.isPropertyAssignment(parent) && parent.name === node)
        || ((ts.isPropertySignature(parent) || ts.isPropertyDeclaration(parent) || ts.isMethodSignature(parent) || ts.isMethodDeclaration(parent)) && parent.name === node);
      if (!isMember && machineGlobals.has(node.text)) report(lineOf(file, node), `uses ${node.text}`);
      if (isMember && node.text === "random" && parent.getText(file.tree) === "Math.random") report(lineOf(file, node), "uses Math.random");
    });
  }, (file) => isHouse(file) && !impure.some((room) => within(file.path, room))),
};

const noMutableModuleState: Rule = {
  name: "no module-level let or var",
  find: perFile((file, report) => {
    for (const statement of file.tree.statements) {
      if (ts.isVariableStatement(statement) && (statement.declarationList.flags & ts.NodeFlags.Const) === 0) report(lineOf(file, statement), "module-level let or var");
    }
  }),
};

const lengths: Rule = {
  name: "files are at most 500 lines long, tests 700",
  find: perFile((file, report) => {
    const lines = file.text.split("\n").length - 1;
    // What is generated is as long as what it is made of.
    const limit = file.path.endsWith(".generated.ts") ? Number.POSITIVE_INFINITY : file.path.startsWith("test/") ? 700 : 500;
    if (lines > limit) report(limit, `has ${lines} lines`);
  }, () => true),
};

const headers: Rule = {
  name: "every file starts with a header comment",
  find: perFile((file, report) => {
    if (!file.text.replace(/^#!.*\n/, "").startsWith("/**")) report(1, "has no header comment");
  }),
};

/** A top-level export and whether a comment stands before it. */
interface Exported {
  readonly name: string;
  readonly line: number;
  readonly documented: boolean;
  readonly isType: boolean;
}

/** `lay-out-store` names `layOutStore` and `LayOutStore`; such an export is the file's main one, and the header is about it. */
function isMain(file: SourceFile, name: string): boolean {
  const words = (file.path.split("/").at(-1) ?? "").replace(/\.ts$/, "").replaceAll("-", "");
  return words.toLowerCase() === name.toLowerCase();
}

function exportsOf(file: SourceFile): readonly Exported[] {
  const found: Exported[] = [];
  for (const [position, statement] of file.tree.statements.entries()) {
    const named = ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement) || ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement) || ts.isVariableStatement(statement);
    if (!named || !statement.modifiers?.some((m) => m.kind === ts.SyntaxKind.ExportKeyword)) continue;
    // The second signature of an overloaded function shares the first one's comment.
    const before = file.tree.statements[position - 1];
    if (ts.isFunctionDeclaration(statement) && before && ts.isFunctionDeclaration(before) && before.name?.text === statement.name?.text) continue;
    const name = ts.isVariableStatement(statement) ? statement.declarationList.declarations.map((d) => d.name.getText(file.tree)).join(", ") : (statement.name?.text ?? "default");
    // In a file without imports the header stands before the first export.
    const comments = ts.getLeadingCommentRanges(file.text, statement.getFullStart()) ?? [];
    const documented = isMain(file, name) || comments.some((c) => file.text.startsWith("/**", c.pos));
    found.push({ name, line: lineOf(file, statement), documented, isType: ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement) });
  }
  return found;
}

const docComments: Rule = {
  name: "every exported function, class and constant has a doc comment; the header is the main export's",
  find: perFile((file, report) => {
    for (const { name, line, documented, isType } of exportsOf(file)) if (!documented && !isType) report(line, `export ${name} has no doc comment`);
  }),
};

/** The files that make up the library's face. */
const faces: readonly string[] = ["src/index.ts", "src/harness/node/index.ts"];

const publicDocs: Rule = {
  name: "everything that the library exports has a doc comment",
  find: (files) => {
    const found: string[] = [];
    for (const face of files.filter((f) => faces.includes(f.path))) {
      for (const statement of face.tree.statements) {
        if (!ts.isExportDeclaration(statement) || !statement.moduleSpecifier || !statement.exportClause || !ts.isNamedExports(statement.exportClause)) continue;
        const [from] = importsOf(face).filter((i) => i.line === lineOf(face, statement.moduleSpecifier ?? statement));
        const file = files.find((f) => f.path === from?.target);
        const names = new Set(statement.exportClause.elements.map((e) => (e.propertyName ?? e.name).text));
        for (const { name, line, documented } of file ? exportsOf(file) : []) if (!documented && names.has(name)) found.push(`${file?.path}:${line} export ${name} has no doc comment`);
      }
    }
    return found;
  },
};

const noAny: Rule = {
  name: "no any, no silenced type errors, no enum, no namespace",
  find: perFile((file, report) => {
    walk(file, (node) => {
      if (node.kind === ts.SyntaxKind.AnyKeyword) report(lineOf(file, node), "any");
      if (ts.isEnumDeclaration(node)) report(lineOf(file, node), "enum");
      if (ts.isModuleDeclaration(node) && node.name.text !== "global" && ts.isIdentifier(node.name)) report(lineOf(file, node), "namespace");
    });
    for (const [index, line] of file.text.split("\n").entries()) if (/^\s*(\/\/|\*)\s*@ts-(ignore|expect-error|nocheck)/.test(line)) report(index + 1, "silenced type error");
  }, (file) => isHouse(file) || file.path.startsWith("test/")),
};

const noLeftovers: Rule = {
  name: "no markers of unfinished work",
  find: perFile((file, report) => {
    for (const [index, line] of file.text.split("\n").entries()) if (/\b(TODO|FIXME|XXX|HACK)\b/.test(line)) report(index + 1, line.trim());
  }, (file) => isHouse(file) || (file.path.startsWith("test/") && !file.path.startsWith("test/architecture"))),
};

const everyTestRuns: Rule = {
  name: "no test is skipped, focused or empty",
  find: perFile((file, report) => {
    walk(file, (node) => {
      if (!ts.isPropertyAccessExpression(node) || !ts.isIdentifier(node.expression)) return;
      if (["it", "test", "describe"].includes(node.expression.text) && ["skip", "only", "todo", "skipIf", "runIf", "fails"].includes(node.name.text)) report(lineOf(file, node), node.getText(file.tree));
    });
  }, (file) => file.path.startsWith("test/")),
};

const fileNames: Rule = {
  name: "file names are kebab-case and say something",
  find: perFile((file, report) => {
    const name = file.path.split("/").at(-1) ?? "";
    if (!/^[a-z0-9]+(-[a-z0-9]+)*(\.(test|generated|config|d))?\.ts$/.test(name)) report(1, "is not kebab-case");
    if (/^(utils?|helpers?|misc|common)\.ts$/.test(name)) report(1, "says nothing");
  }, (file) => isHouse(file) || file.path.startsWith("test/")),
};

const noCycles: Rule = { name: "no import cycles, types included", find: (files) => cycles(files.filter(isHouse)).map((c) => c.join(" > ")) };

/** The groups of two and more files that import each other round, each sorted (Tarjan's components; recursion depth is the number of files). */
function cycles(files: readonly SourceFile[]): readonly (readonly string[])[] {
  const edges = new Map(files.map((f) => [f.path, importsOf(f).filter((i) => i.relative).map((i) => i.target)]));
  const order = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const found: string[][] = [];
  const visit = (path: string): void => {
    order.set(path, order.size);
    low.set(path, order.size - 1);
    stack.push(path);
    for (const next of edges.get(path) ?? []) {
      if (!edges.has(next)) continue;
      if (!order.has(next)) visit(next);
      if (stack.includes(next)) low.set(path, Math.min(low.get(path) ?? 0, low.get(next) ?? 0));
    }
    if (low.get(path) !== order.get(path)) return;
    const group = stack.splice(stack.indexOf(path));
    if (group.length > 1 || edges.get(path)?.includes(path)) found.push(group.sort());
  };
  for (const path of edges.keys()) if (!order.has(path)) visit(path);
  return found;
}

/** All rules over TypeScript files. */
export const rules: readonly Rule[] = [
  everyFileHasARoom, importDirection, closedRooms, noNodeBuiltins, lazyTsMorph, purity, noMutableModuleState, noCycles,
  lengths, headers, docComments, publicDocs, noAny, noLeftovers, everyTestRuns, fileNames,
];
