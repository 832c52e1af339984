/**
 * JSON from outside: as JSON.parse reads it, but for nests so deep that what
 * walks through the value would run out of stack.
 *
 * Spec: RFC 8259, section 9 (an implementation may limit the depth of nesting).
 * @module
 */

/** Levels of arrays and objects in one another; what the field writes has less than twenty. */
const MOST_LEVELS = 256

/** @throws {SyntaxError} as JSON.parse, and for a nest of more than 256 levels */
export function parseJson(text: string): unknown {
  if (text.length > MOST_LEVELS && levelsOf(text) > MOST_LEVELS) {
    throw new SyntaxError(`more than ${MOST_LEVELS} levels of arrays and objects`)
  }
  return JSON.parse(text)
}

/** True for a value that is nested deeper than that, or holds itself (an alias of YAML can). */
export function isTooDeep(value: unknown): boolean {
  const seen = new Map<object, number>()
  const left: [unknown, number][] = [[value, 1]]
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const [one, level] = next
    if (typeof one !== 'object' || one === null || (seen.get(one) ?? 0) >= level) continue
    if (level > MOST_LEVELS) return true
    seen.set(one, level)
    for (const inner of Object.values(one)) left.push([inner, level + 1])
  }
  return false
}

const [QUOTE, BACKSLASH, OPEN_LIST, CLOSE_LIST, OPEN, CLOSE] = [34, 92, 91, 93, 123, 125] as const

/** Deepest level, of a text that is JSON; up to one more than the most. */
function levelsOf(text: string): number {
  let [level, deepest, inString] = [0, 0, false]
  for (let at = 0; at < text.length && deepest <= MOST_LEVELS; at++) {
    const code = text.charCodeAt(at)
    if (inString) {
      if (code === BACKSLASH) at++
      else if (code === QUOTE) inString = false
    } else if (code === QUOTE) inString = true
    else if (code === OPEN_LIST || code === OPEN) deepest = Math.max(deepest, ++level)
    else if (code === CLOSE_LIST || code === CLOSE) level--
  }
  return deepest
}
