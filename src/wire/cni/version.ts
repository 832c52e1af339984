/**
 * Versions of the CNI specification: comparing them, and which verb a
 * configuration's version allows. Codes and texts are those of the reference
 * library, since runtimes and their users know them.
 *
 * Spec: CNI 1.1.0, section 2 (VERSION) and section 5 (error code 1).
 * @module
 */
import { fail } from '#wire/failures.ts'
import { CNI_VERSIONS, type CniVersion } from './result.ts'

/** Verbs that need a certain version of the configuration at least. */
const MINIMUM: Readonly<Record<string, string>> = { CHECK: '0.4.0', GC: '1.1.0', STATUS: '1.1.0' }

/** What a configuration without `cniVersion` means. */
export const OLDEST_VERSION: CniVersion = '0.1.0'

/**
 * Below zero when `a` is the older one, zero when both are the same. A missing
 * minor or patch counts as 0, an empty text as 0.1.0.
 * @throws {Failure} `cni-version-unreadable`
 */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [partsOf(a), partsOf(b)]
  for (const place of [0, 1, 2]) {
    const difference = (left[place] ?? 0) - (right[place] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

/** The version we speak that `text` is, letter by letter; undefined when it is none. */
export function knownVersion(text: string): CniVersion | undefined {
  return CNI_VERSIONS.find((version) => version === text)
}

/**
 * The version in which `verb` is to be answered.
 * @throws {Failure} `cni-version-unreadable`, `cni-version-verb`, `cni-version-incompatible`
 */
export function versionFor(verb: string, asked: string): CniVersion {
  const minimum = MINIMUM[verb]
  if (minimum !== undefined) {
    if (compareVersions(asked, minimum) < 0) {
      throw fail('cni-version-verb', { whose: 'config', verb, version: asked, minimum })
    }
    if (!CNI_VERSIONS.some((version) => compareVersions(version, asked) >= 0)) {
      throw fail('cni-version-verb', { whose: 'plugin', verb, version: asked, minimum })
    }
  }
  const known = knownVersion(asked)
  if (known === undefined) {
    partsOf(asked) // what is no version at all is told as that
    const list = CNI_VERSIONS.map((version) => `"${version}"`).join(' ')
    const more = `config is ${JSON.stringify(asked)}, plugin supports [${list}]`
    throw fail('cni-version-incompatible', { more })
  }
  return known
}

/** What VERSION answers. */
export function encodeVersions(): string {
  return JSON.stringify({ cniVersion: CNI_VERSIONS.at(-1), supportedVersions: CNI_VERSIONS })
}

function partsOf(version: string): number[] {
  if (version === '') return [0, 1, 0]
  const parts = version.split('.')
  const bad = (reason: string): never => {
    throw fail('cni-version-unreadable', { version, reason })
  }
  if (parts.length > 3) bad('too many parts')
  if (!parts.every((part) => /^[+-]?[0-9]+$/.test(part))) bad('a part is not a number')
  return parts.map(Number)
}
