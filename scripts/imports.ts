/**
 * The imports of a file: every form in which one module names another, with
 * whether only types come over.
 * @module
 */
import {
  type Expression,
  type ImportDeclaration,
  type Node,
  isCallExpression,
  isExportDeclaration,
  isImportDeclaration,
  isImportTypeNode,
  isLiteralTypeNode,
  isNamedImports,
  isNamespaceImport,
  isStringLiteral,
  SyntaxKind,
} from 'typescript/unstable/ast'
import { type Source, lineOf, walk } from './tree.ts'

/** One mention of another module. */
export type Import = {
  /** As written: `./plan.ts`, `#values/guid.ts`, `node:fs`, `zod`. */
  readonly specifier: string
  readonly line: number
  /** Nothing of it is there at run time. */
  readonly typeOnly: boolean
  readonly form: 'named' | 'namespace' | 'bare' | 'reexport' | 'reexport-all' | 'dynamic'
}

/** All imports of a file, in the order of the text. */
export function importsOf(source: Source): Import[] {
  const found: Import[] = []
  walk(source.tree, (node) => {
    const made = importOf(node)
    if (made !== undefined) found.push({ ...made, line: lineOf(source, node) })
  })
  return found
}

function importOf(node: Node): Omit<Import, 'line'> | undefined {
  if (isImportDeclaration(node)) {
    const specifier = textOf(node.moduleSpecifier)
    return specifier === undefined ? undefined : { specifier, ...formOf(node) }
  }
  if (isExportDeclaration(node)) {
    const specifier = textOf(node.moduleSpecifier)
    if (specifier === undefined) return undefined
    const form = node.exportClause === undefined ? 'reexport-all' : 'reexport'
    return { specifier, typeOnly: node.isTypeOnly, form }
  }
  if (isImportTypeNode(node) && isLiteralTypeNode(node.argument)) {
    const specifier = textOf(node.argument.literal)
    return specifier === undefined ? undefined : { specifier, typeOnly: true, form: 'named' }
  }
  if (isCallExpression(node) && node.expression.kind === SyntaxKind.ImportKeyword) {
    const specifier = textOf(node.arguments[0])
    return specifier === undefined ? undefined : { specifier, typeOnly: false, form: 'dynamic' }
  }
  return undefined
}

function formOf(node: ImportDeclaration): Pick<Import, 'typeOnly' | 'form'> {
  const clause = node.importClause
  if (clause === undefined) return { typeOnly: false, form: 'bare' }
  const typeOnly = clause.phaseModifier === SyntaxKind.TypeKeyword
  const bindings = clause.namedBindings
  if (bindings !== undefined && isNamespaceImport(bindings)) return { typeOnly, form: 'namespace' }
  const allTypes =
    clause.name === undefined &&
    bindings !== undefined &&
    isNamedImports(bindings) &&
    bindings.elements.length > 0 &&
    bindings.elements.every((element) => element.isTypeOnly)
  return { typeOnly: typeOnly || allTypes, form: 'named' }
}

function textOf(node: Node | Expression | undefined): string | undefined {
  return node !== undefined && isStringLiteral(node) ? node.text : undefined
}
