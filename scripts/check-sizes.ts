/**
 * Sizes: lines of a file, lines of a function, exports of a file, nesting,
 * columns of a line. Functions of tests may be long: a table of cases is.
 * @module
 */
import {
  type Node,
  type Statement,
  isArrowFunction,
  isCaseClause,
  isClassStaticBlockDeclaration,
  isConstructorDeclaration,
  isDoStatement,
  isExportDeclaration,
  isForInStatement,
  isForOfStatement,
  isForStatement,
  isFunctionDeclaration,
  isFunctionExpression,
  isGetAccessorDeclaration,
  isIfStatement,
  isMethodDeclaration,
  isNamedExports,
  isSwitchStatement,
  isTryStatement,
  isVariableStatement,
  isWhileStatement,
  SyntaxKind,
} from 'typescript/unstable/ast'
import type { Fault, TextFile } from './files.ts'
import { type Source, hasModifier, lineOf } from './tree.ts'

/** Limits; a shell line is wider because a pipeline is read in one go. */
export const LIMITS = {
  fileLines: 300,
  binLines: 20,
  decisionLines: 60,
  functionLines: 60,
  exports: 8,
  nesting: 3,
  columns: 100,
  shellColumns: 140,
} as const

/** A kernel module is one file in the kernel's own style, and long. */
const EXEMPT = new Set(['test/testbed/ibfake.c'])
const TEXT_KINDS = /\.(ts|c|h|sh|mk)$|(^|\/)Makefile$|^bin\/verbena$|^\.ci\/run$/
const SHELL = /\.(sh|mk)$|(^|\/)Makefile$|^bin\/verbena$|^\.ci\/run$/

/** Lines and columns of every file that somebody writes by hand. */
export function checkTextSizes(files: readonly TextFile[]): Fault[] {
  return files
    .filter(({ path }) => !EXEMPT.has(path) && (TEXT_KINDS.test(path) || isDecision(path)))
    .flatMap(textFaults)
}

function isDecision(path: string): boolean {
  return /^docs\/decisions\/.*\.md$/.test(path)
}

function textFaults({ path, text }: TextFile): Fault[] {
  const lines = text.replace(/\n$/, '').split('\n')
  const most = isDecision(path)
    ? LIMITS.decisionLines
    : /^bin\/.*\.ts$/.test(path)
      ? LIMITS.binLines
      : LIMITS.fileLines
  const columns = SHELL.test(path) ? LIMITS.shellColumns : LIMITS.columns
  const long = isDecision(path) ? [] : lines.flatMap((line, i) => columnFault(line, i, columns))
  return [
    ...(lines.length > most ? [{ line: 0, text: `${lines.length} lines, at most ${most}` }] : []),
    ...long,
  ].map((fault) => ({ path, ...fault }))
}

function columnFault(line: string, index: number, most: number): Omit<Fault, 'path'>[] {
  const width = Array.from(line).length
  return width > most ? [{ line: index + 1, text: `${width} columns, at most ${most}` }] : []
}

/** Functions, nesting and exports of every TypeScript file. */
export function checkCodeSizes(sources: readonly Source[]): Fault[] {
  return sources.flatMap((source) => [
    ...exportFaults(source),
    ...(source.test ? [] : functionFaults(source)),
  ])
}

function exportFaults(source: Source): Fault[] {
  if (source.path.endsWith('/index.ts')) return []
  const count = source.tree.statements.reduce((sum, s) => sum + exportsOf(s), 0)
  const text = `${count} exports, at most ${LIMITS.exports}`
  return count > LIMITS.exports ? [{ path: source.path, line: 0, text }] : []
}

function exportsOf(statement: Statement): number {
  if (isExportDeclaration(statement)) {
    const clause = statement.exportClause
    return clause !== undefined && isNamedExports(clause) ? clause.elements.length : 1
  }
  if (!hasModifier(statement, SyntaxKind.ExportKeyword)) return 0
  return isVariableStatement(statement) ? statement.declarationList.declarations.length : 1
}

function functionFaults(source: Source): Fault[] {
  const found: Fault[] = []
  const at = (node: Node, text: string): void => {
    found.push({ path: source.path, line: lineOf(source, node), text })
  }
  const visit = (node: Node, depth: number): void => {
    const inner = isFunction(node) ? 0 : depth + (nests(node) ? 1 : 0)
    if (isFunction(node)) {
      const lines = lengthOf(source, node)
      if (lines > LIMITS.functionLines) {
        at(node, `function of ${lines} lines, at most ${LIMITS.functionLines}`)
      }
    } else if (inner > depth && inner === LIMITS.nesting + 1) {
      at(node, `nested ${inner} deep, at most ${LIMITS.nesting}`)
    }
    node.forEachChild((child) => {
      visit(child, inner)
      return undefined
    })
  }
  visit(source.tree, 0)
  return found
}

function lengthOf(source: Source, node: Node): number {
  const end = source.tree.getLineAndCharacterOfPosition(node.getEnd()).line
  return end + 2 - lineOf(source, node)
}

function isFunction(node: Node): boolean {
  return (
    isFunctionDeclaration(node) ||
    isFunctionExpression(node) ||
    isArrowFunction(node) ||
    isMethodDeclaration(node) ||
    isConstructorDeclaration(node) ||
    isGetAccessorDeclaration(node) ||
    isClassStaticBlockDeclaration(node)
  )
}

/** `else if` goes on with its `if`; a case is part of its switch. */
function nests(node: Node): boolean {
  if (isIfStatement(node)) {
    const { parent } = node
    return !(isIfStatement(parent) && parent.elseStatement === node)
  }
  return (
    !isCaseClause(node) &&
    (isForStatement(node) ||
      isForInStatement(node) ||
      isForOfStatement(node) ||
      isWhileStatement(node) ||
      isDoStatement(node) ||
      isSwitchStatement(node) ||
      isTryStatement(node))
  )
}
