/**
 * Words: one word per thing. Holds the names of files and of what they export
 * to the project's vocabulary, and keeps what belongs to one machine out.
 * @module
 */
import {
  type Statement,
  isClassDeclaration,
  isFunctionDeclaration,
  isIdentifier,
  isInterfaceDeclaration,
  isTypeAliasDeclaration,
  isVariableStatement,
  SyntaxKind,
} from 'typescript/unstable/ast'
import type { Fault, TextFile } from './files.ts'
import { type Source, hasModifier, lineOf } from './tree.ts'

const VERBS = new Set(['handle', 'process', 'manage', 'do', 'perform', 'ensure'])
const ENDINGS = new Set(['manager', 'helper', 'handler', 'impl', 'info', 'data'])
const FILE_NAMES = new Set(['utils', 'util', 'helpers', 'helper', 'common', 'types', 'constants'])
/** Paths of one person's or one machine's home, and hosts in a lock file. */
const MACHINE_PATHS = /(?<![\w./-])\/(?:home|Users|work|workspace)\/[\w.-]+/
const LOCKED_HOST = /"resolved": "https?:/
const TEXTS = /\.(ts|c|h|sh|mk|md|json|ya?ml)$|(^|\/)Makefile$|^bin\/|^\.ci\//

/** Names of files and of exports. */
export function checkWords(sources: readonly Source[]): Fault[] {
  return sources.flatMap((source) => [
    ...fileNameFaults(source.path),
    ...source.tree.statements.flatMap((s) => exportFaults(source, s)),
  ])
}

function exportFaults(source: Source, statement: Statement): Fault[] {
  if (!hasModifier(statement, SyntaxKind.ExportKeyword)) return []
  return namesOf(statement).flatMap((name) => {
    const text = faultOfName(name)
    return text === undefined ? [] : [{ path: source.path, line: lineOf(source, statement), text }]
  })
}

function namesOf(statement: Statement): string[] {
  if (isVariableStatement(statement)) {
    return statement.declarationList.declarations.flatMap(({ name }) =>
      isIdentifier(name) ? [name.text] : [],
    )
  }
  const named =
    isFunctionDeclaration(statement) ||
    isClassDeclaration(statement) ||
    isInterfaceDeclaration(statement) ||
    isTypeAliasDeclaration(statement)
  return named && statement.name !== undefined ? [statement.name.text] : []
}

/** What is wrong with the name of an export; undefined when nothing is. */
export function faultOfName(name: string): string | undefined {
  const words = wordsOf(name)
  const [first = '', last = ''] = [words[0], words.at(-1)]
  if (/^[a-z]/.test(name) && VERBS.has(first)) return `${name}: not "${first}", say what it does`
  const ended = words.length > 1 && ENDINGS.has(last) && words.at(-2) !== 'subnet'
  if (ended) return `${name}: no -${last}, say what it is`
  if (words.includes('adapter')) return `${name}: "adapter" is not used, say hca, vf or netdev`
  const subnet = words.indexOf('subnet')
  const known = words[subnet + 1] === 'manager' || words[subnet - 1] === 'spider'
  if (subnet >= 0 && !known) return `${name}: "subnet" only in subnet manager, say fabric or cidr`
  return undefined
}

/** `planDetachOf` → plan, detach, of; `RDMA_COMMAND` → rdma, command. */
function wordsOf(name: string): string[] {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll(/([A-Z])([A-Z][a-z])/g, '$1_$2')
    .toLowerCase()
    .split('_')
    .filter((word) => word !== '')
}

function fileNameFaults(path: string): Fault[] {
  const name = path.slice(path.lastIndexOf('/') + 1).replace(/(\.test|\.bench)?\.ts$/, '')
  const found: string[] = []
  if (FILE_NAMES.has(name)) found.push(`no file "${name}": a thing lives with its noun`)
  if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name)) found.push('file names are kebab-case nouns')
  return found.map((text) => ({ path, line: 0, text }))
}

/** What a text says of the machine it was written on. */
export function checkPlaces(files: readonly TextFile[]): Fault[] {
  return files
    .filter(({ path }) => TEXTS.test(path) && path !== 'scripts/check-words.test.ts')
    .flatMap(({ path, text }) =>
      text.split('\n').flatMap((line, index) => {
        const fault = faultOfLine(path, line)
        return fault === undefined ? [] : [{ path, line: index + 1, text: fault }]
      }),
    )
}

function faultOfLine(path: string, line: string): string | undefined {
  const place = MACHINE_PATHS.exec(line)?.[0]
  if (place !== undefined) return `${place}: a path of one machine`
  const locked = path === 'package-lock.json' && LOCKED_HOST.test(line)
  return locked
    ? 'a registry host in the lock: npm install --omit-lockfile-registry-resolved'
    : undefined
}
