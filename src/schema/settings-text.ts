/**
 * The text of the ConfigMap `spiderpool-conf`. A module of its own, loaded when
 * it is called: the YAML library takes longer to load than the rest.
 *
 * Spec: Spiderpool's configuration file, key `conf.yml`.
 * @module
 */
import { parse } from 'yaml'
import type { FieldFault } from '#values/admission.ts'
import { invalid } from './fault.ts'
import { DEFAULT_SETTINGS, type Settings, settings } from './spiderpool-settings.ts'
import { isRecord, readWith } from './zod.ts'

const FIELD = 'data[conf.yml]'

/** Settings that a ConfigMap states, or what is wrong with it. Another ConfigMap states none. */
export function readSettings(configMap: unknown): {
  readonly settings: Settings
  readonly faults: readonly FieldFault[]
} {
  const data = isRecord(configMap) ? configMap['data'] : undefined
  const text = isRecord(data) ? data['conf.yml'] : undefined
  if (typeof text !== 'string') return { settings: DEFAULT_SETTINGS, faults: [] }
  let raw: unknown
  try {
    raw = parse(text) ?? {}
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n')[0] : String(cause)
    return { settings: DEFAULT_SETTINGS, faults: [invalid(FIELD, text, `no YAML: ${reason}`)] }
  }
  const read = readWith(settings, raw, FIELD)
  if (!read.ok) return { settings: DEFAULT_SETTINGS, faults: read.faults }
  return { settings: read.value, faults: [] }
}
