/**
 * Name of a network interface: 1 to 15 bytes, unique in its namespace.
 *
 * Spec: Linux net/core/dev.c, dev_valid_name(), and CNI 1.1.0, section 2
 * (CNI_IFNAME), which forbids the colon too. Texts are CNI's own.
 * @module
 */
import { fail } from './failures.ts'

/** A legal interface name. */
export type IfName = string & { readonly brand: 'IfName' }

/** Bytes of the longest name (IFNAMSIZ 16 without the final zero). */
const MAX_BYTES = 15

/** @throws {Failure} `if-name-invalid` with the rule that is broken */
export function parseIfName(text: string): IfName {
  const bad = (reason: string): never => {
    throw fail('if-name-invalid', { text, reason })
  }
  if (text === '') bad('interface name is empty')
  if (byteLength(text) > MAX_BYTES) bad('interface name should be less than 16 characters')
  if (text === '.' || text === '..') bad('interface name is . or ..')
  if (/[/:\s\0]/.test(text)) bad('interface name contains / or : or whitespace characters')
  return text as IfName
}

/** True for what {@link parseIfName} would take. */
export function isIfName(text: string): boolean {
  if (text === '' || byteLength(text) > MAX_BYTES) return false
  return text !== '.' && text !== '..' && !/[/:\s\0]/.test(text)
}

/** Bytes of `text` in UTF-8. */
function byteLength(text: string): number {
  let bytes = 0
  for (const char of text) {
    const point = char.codePointAt(0) ?? 0
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4
  }
  return bytes
}
