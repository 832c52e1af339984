/**
 * Keys of a CNI configuration, which upstream plugins read without regard to
 * case: `deviceId` is `deviceID`. Existing configurations rely on it.
 *
 * Spec: CNI 1.1.0, section 1, and encoding/json of Go, whose decoder every
 * plugin of the field uses: of several spellings the last one wins, null is as
 * good as absent. Keys of free-form maps (`sysctl`, `args.cni`) keep their case.
 * @module
 */

/** A JSON object as it was read. */
export type JsonObject = Readonly<Record<string, unknown>>

/** True for an object that is neither null nor an array. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * Makes the function that gives known keys their own spelling. It returns a new
 * object: known keys without null, unknown ones as they are, in the order read.
 */
export function keyFolder(known: readonly string[]): (from: JsonObject) => Record<string, unknown> {
  const spelling = new Map(known.map((key) => [key.toLowerCase(), key]))
  return (from) => {
    const folded: Record<string, unknown> = {}
    for (const key of Object.keys(from)) {
      const ours = spelling.get(key.toLowerCase())
      if (ours === undefined) keep(folded, key, from[key])
      else if (from[key] !== null) folded[ours] = from[key]
    }
    return folded
  }
}

/** Value of one key, in whatever case it is written; null counts as absent. */
export function lookUp(from: JsonObject, key: string): unknown {
  const wanted = key.toLowerCase()
  let found: unknown
  for (const spelling of Object.keys(from)) {
    const value = from[spelling]
    if (value !== null && spelling.toLowerCase() === wanted) found = value
  }
  return found
}

const OWN_KEY = { enumerable: true, configurable: true, writable: true } as const

/** `__proto__` of a document is a key like any other, not the object's prototype. */
function keep(into: Record<string, unknown>, key: string, value: unknown): void {
  if (key !== '__proto__') into[key] = value
  else Object.defineProperty(into, key, { value, ...OWN_KEY })
}
