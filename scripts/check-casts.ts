/**
 * Type assertions: `as T` stands only where a branded value is made (`values/`)
 * and where rows of a database are decoded (`store/`). `as const` is free.
 * @module
 */
import { isAsExpression, isIdentifier, isTypeReferenceNode } from 'typescript/unstable/ast'
import type { Fault } from './files.ts'
import { type Source, lineOf, walk } from './tree.ts'

const FREE = /^src\/(values|store)\/|^test\/|^bench\//

/** Every assertion in another place. */
export function checkCasts(sources: readonly Source[]): Fault[] {
  return sources.filter(({ path, test }) => !test && !FREE.test(path)).flatMap(faultsOf)
}

function faultsOf(source: Source): Fault[] {
  const found: Fault[] = []
  walk(source.tree, (node) => {
    if (!isAsExpression(node)) return
    const { type } = node
    const constant =
      isTypeReferenceNode(type) && isIdentifier(type.typeName) && type.typeName.text === 'const'
    if (constant) return
    const text = 'a type assertion: decode or narrow instead'
    found.push({ path: source.path, line: lineOf(source, node), text })
  })
  return found
}
