/**
 * CNI configurations of the node that a network object refers to by name.
 *
 * Spec: CNI 1.1.0, section 1; look-up order as libcni: lists first, by file name.
 * @module
 */
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** Text of the configuration called `name`, undefined when the folder has none. */
export async function confByName(folder: string, name: string): Promise<string | undefined> {
  const files = await readdir(folder).catch(() => [])
  const lists = files.filter((file) => file.endsWith('.conflist')).toSorted()
  const singles = files.filter((file) => /\.(conf|json)$/.test(file)).toSorted()
  for (const file of [...lists, ...singles]) {
    const text = await readFile(join(folder, file), 'utf8').catch(() => '')
    if (nameIn(text) === name) return text
  }
  return undefined
}

/** A file that cannot be read as JSON names nothing; it must not hide the others. */
function nameIn(text: string): unknown {
  try {
    const conf: unknown = JSON.parse(text)
    return typeof conf === 'object' && conf !== null && 'name' in conf ? conf.name : undefined
  } catch {
    return undefined
  }
}
