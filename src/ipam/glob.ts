/**
 * Shell patterns in pool names: `*`, `?`, `[a-c]`, `[^a-c]`.
 *
 * Spec: path.Match of Go, which upstream uses.
 * @module
 */

/** True when a name is meant as a pattern. */
export function isPattern(name: string): boolean {
  return /[*?[]/.test(name)
}

/** What a pattern matches; one that is malformed matches nothing. */
export function patternOf(text: string): (name: string) => boolean {
  const source = text.replaceAll(/\[\^?(?:\\.|[^\\\]])+\]|\\?[^]/g, (part) => {
    if (part === '*') return '.*'
    if (part === '?') return '.'
    if (part.length > 2 && part.startsWith('[')) return part
    const char = part.startsWith('\\') && part.length === 2 ? part.slice(1) : part
    return char.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
  })
  try {
    const pattern = new RegExp(`^${source}$`)
    return (name) => pattern.test(name)
  } catch {
    return () => false
  }
}
