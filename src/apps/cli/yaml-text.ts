/**
 * YAML text of documents. A module of its own, loaded when it is called: the
 * library takes longer to load than the rest of the CLI, and a bundle gives
 * the names of a CommonJS package only to who imports it by name.
 * @module
 */
import { stringify } from 'yaml'

/** One document, or several parted by `---`. */
export function yamlText(documents: readonly unknown[]): string {
  const options = { lineWidth: 0, aliasDuplicateObjects: false }
  return documents.map((one) => stringify(one, options)).join('---\n')
}
