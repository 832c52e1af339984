/**
 * The corpus: a folder a target, a file an input. What broke a target once is
 * there for ever. A text that is no whole UTF-8 stands as a JSON string.
 * @module
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Input, Target } from './target.ts'

const FOLDER = join(import.meta.dirname, 'corpus')
const ESCAPED = '.string.json'

/** Seeds of the target and the inputs of its folder. */
export function corpusOf(target: Target): Input[] {
  const folder = join(FOLDER, target.name)
  const names = existsSync(folder) ? readdirSync(folder).toSorted() : []
  const inputs = names.map((name): Input => {
    const bytes = readFileSync(join(folder, name))
    if (target.form === 'bytes') return bytes
    const text = bytes.toString('utf8')
    return name.endsWith(ESCAPED) ? String(JSON.parse(text)) : text
  })
  return [...target.seeds(), ...inputs]
}

/** Puts an input there; gives its path. */
export function addToCorpus(target: Target, input: Input): string {
  const folder = join(FOLDER, target.name)
  mkdirSync(folder, { recursive: true })
  const isWhole = typeof input !== 'string' || input.isWellFormed()
  const content = isWhole ? input : JSON.stringify(input)
  const name = createHash('sha256').update(content).digest('hex').slice(0, 12)
  const path = join(folder, `${name}${isWhole ? '' : ESCAPED}`)
  writeFileSync(path, content)
  return path
}
