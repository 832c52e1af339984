/**
 * The TypeScript files of the project as syntax trees.
 *
 * The trees come from the compiler's own API, which is marked unstable; the
 * compiler's version is pinned exactly in package.json, and only the checks
 * use it. Lines count from 1.
 * @module
 */
import path from 'node:path'
import type { Node, SourceFile, SyntaxKind } from 'typescript/unstable/ast'
import { API } from 'typescript/unstable/sync'
import { ROOT } from './files.ts'

/** A TypeScript file of the project. */
export type Source = {
  /** Relative to the root, with slashes. */
  readonly path: string
  readonly text: string
  readonly test: boolean
  readonly tree: SourceFile
}

/**
 * Parses every TypeScript file that the tsconfig.json of `root` includes. The
 * trees are used inside `use` only: the compiler process ends with it.
 */
export function withSources<T>(use: (sources: readonly Source[]) => T, root: string = ROOT): T {
  const api = new API({ cwd: root })
  try {
    const snapshot = api.updateSnapshot({ openProjects: [path.join(root, 'tsconfig.json')] })
    const sources = snapshot.getProjects().flatMap(({ program, rootFiles }) =>
      rootFiles.flatMap((file) => {
        const tree = program.getSourceFile(file)
        const name = path.relative(root, file).replaceAll(path.sep, '/')
        const test = name.endsWith('.test.ts') || name.startsWith('test/')
        return tree === undefined ? [] : [{ path: name, text: tree.text, test, tree }]
      }),
    )
    return use(sources)
  } finally {
    api.close()
  }
}

/** Calls `visit` with every node under `node`, itself included. */
export function walk(node: Node, visit: (node: Node) => void): void {
  visit(node)
  node.forEachChild((child) => {
    walk(child, visit)
    return undefined
  })
}

/** Line of the first character of `node`, comments before it left out. */
export function lineOf(source: Source, node: Node): number {
  return source.tree.getLineAndCharacterOfPosition(node.getStart(source.tree)).line + 1
}

/** Whether a statement bears a modifier: `export`, `default`. */
export function hasModifier(statement: Node, kind: SyntaxKind): boolean {
  let found = false
  statement.forEachChild((child) => {
    found ||= child.kind === kind
    return undefined
  })
  return found
}
