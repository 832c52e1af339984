/**
 * Keys that a JSON text has twice in one object. A parser keeps the last and says
 * nothing, where the writer cannot have meant both.
 *
 * Spec: RFC 8259, section 4 (names within an object SHOULD be unique).
 * @module
 */

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],]/gs

/** The first such key with its path, `sysctl.net.core.somaxconn`; `text` is legal JSON. */
export function duplicateKey(text: string): string | undefined {
  const stack: { readonly keys: Set<string> | undefined; key: string | undefined }[] = []
  let awaitsKey = false
  for (const [token] of text.matchAll(TOKEN)) {
    const top = stack.at(-1)
    if (token === '{' || token === '[') {
      stack.push({ keys: token === '{' ? new Set() : undefined, key: undefined })
      awaitsKey = token === '{'
    } else if (token === '}' || token === ']') {
      stack.pop()
      awaitsKey = false
    } else if (token === ',') awaitsKey = top?.keys !== undefined
    else if (awaitsKey && top?.keys !== undefined) {
      const key = String(JSON.parse(token))
      top.key = key
      if (top.keys.has(key)) return stack.flatMap((one) => one.key ?? []).join('.')
      top.keys.add(key)
      awaitsKey = false
    }
  }
  return undefined
}
