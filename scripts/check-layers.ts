/**
 * Layers: who imports whom, and how; cycles; default exports; what runs in
 * `needs/`; clocks, randomness and the process in folders that are pure.
 * @module
 */
import {
  type Node,
  type Statement,
  isExportAssignment,
  isIdentifier,
  isImportDeclaration,
  isInterfaceDeclaration,
  isMetaProperty,
  isNewExpression,
  isPropertyAccessExpression,
  isTypeAliasDeclaration,
  SyntaxKind,
} from 'typescript/unstable/ast'
import { cyclesOf } from './graph.ts'
import type { Fault } from './files.ts'
import { importsOf } from './imports.ts'
import { FEATURES, faultOf, layerOf, targetOf } from './layers.ts'
import { type Source, hasModifier, lineOf, walk } from './tree.ts'

const PURE = new Set<string>(['values', 'needs', 'wire', 'schema', 'attach', ...FEATURES])
const WORLD = new Set([
  ...['process', 'console', 'performance', 'crypto', 'fetch', 'Buffer'],
  ...['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask'],
])
const WORLD_CALLS = new Set(['Date.now', 'Math.random'])

/** Every fault of layers in the tree. */
export function checkLayers(sources: readonly Source[]): Fault[] {
  return [...sources.flatMap(faultsOfFile), ...cycleFaults(sources)]
}

function faultsOfFile(source: Source): Fault[] {
  const at = (line: number, text: string): Fault => ({ path: source.path, line, text })
  const imports = importsOf(source).flatMap((what) => {
    const text = faultOf(source, what)
    return text === undefined ? [] : [at(what.line, text)]
  })
  const depth = source.path.startsWith('src/') && source.path.split('/').length > 4
  const layer = layerOf(source.path)
  const pure = source.path.startsWith('src/') && PURE.has(layer) && !source.test
  return [
    ...imports,
    ...(depth ? [at(0, 'nothing under src/ is deeper than src/wire/rdma/device.ts')] : []),
    ...source.tree.statements.flatMap((s) => statementFault(source, layer, s)),
    ...(pure ? worldFaults(source) : []),
  ]
}

function statementFault(source: Source, layer: string, statement: Statement): Fault[] {
  const at = (text: string): Fault[] => [
    { path: source.path, line: lineOf(source, statement), text },
  ]
  if (isExportAssignment(statement)) return at('no default exports')
  if (hasModifier(statement, SyntaxKind.DefaultKeyword)) return at('no default exports')
  const runs =
    !isImportDeclaration(statement) &&
    !isInterfaceDeclaration(statement) &&
    !isTypeAliasDeclaration(statement)
  return layer === 'needs' && !source.test && runs ? at('needs/ holds types only') : []
}

/** Time, randomness, output and the process are needs: pure folders never touch them. */
function worldFaults(source: Source): Fault[] {
  const found: Fault[] = []
  walk(source.tree, (node) => {
    const name = worldNameOf(node)
    if (name === undefined) return
    const text = `${name}: time, randomness, output and bytes of Node are needs of this folder`
    found.push({ path: source.path, line: lineOf(source, node), text })
  })
  return found
}

function worldNameOf(node: Node): string | undefined {
  if (isNewExpression(node) && isIdentifier(node.expression)) {
    const none = (node.arguments?.length ?? 0) === 0
    return node.expression.text === 'Date' && none ? 'new Date()' : undefined
  }
  if (isPropertyAccessExpression(node) && isIdentifier(node.expression)) {
    const { text } = node.expression
    const call = `${text}.${node.name.text}`
    return WORLD_CALLS.has(call) || WORLD.has(text) ? call : undefined
  }
  if (isIdentifier(node) && isCallee(node) && WORLD.has(node.text)) return node.text
  return isMetaProperty(node) ? 'import.meta' : undefined
}

function isCallee(node: Node): boolean {
  const parent = node.parent
  return parent?.kind === SyntaxKind.CallExpression && 'expression' in parent
    ? parent.expression === node
    : false
}

function cycleFaults(sources: readonly Source[]): Fault[] {
  const known = new Set(sources.map(({ path }) => path))
  const edges = new Map(
    sources.map((source) => {
      const targets = importsOf(source)
        .filter(({ specifier }) => /^[.#]/.test(specifier))
        .map(({ specifier }) => targetOf(source.path, specifier))
      return [source.path, targets.filter((target) => known.has(target))]
    }),
  )
  return cyclesOf(edges).map((cycle) => ({
    path: cycle[0] ?? '',
    line: 0,
    text: `imports go in a circle: ${[...cycle, cycle[0]].join(' -> ')}`,
  }))
}
