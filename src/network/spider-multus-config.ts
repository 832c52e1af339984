/**
 * Admission of a SpiderMultusConfig: read, given its defaults, checked.
 * @module
 */
import { isRecord, readWith, unknownKeys } from '#schema/zod.ts'
import { type SpiderMultusConfig, spiderMultusConfig } from '#schema/spider-multus-config.ts'
import type { Admission } from './admission.ts'
import { ruleFault, type Surroundings } from './smc-rules.ts'
import { withDefaults } from './smc-defaults.ts'
import { readWrittenNumbers } from './written-number.ts'

/** Names that a field had once, or has elsewhere, and its name now. */
const RENAMED: ReadonlyMap<string, string> = new Map([
  ['enableRdma', 'rdmaIsolation of sriov or rdmaResourceName'],
  ['matchMasterSubnet', 'matchMasterSubnet inside ippools'],
  ['ibKubernetesEnabled', 'enableIbKubernetes'],
])

/** Every fault of the schema, else the first fault of the rules. */
export function admitSpiderMultusConfig(
  raw: unknown,
  around: Surroundings,
): Admission<SpiderMultusConfig> {
  const meant = isRecord(raw) ? readWrittenNumbers(raw['spec']) : { spec: undefined, warnings: [] }
  const input = isRecord(raw) && 'spec' in raw ? { ...raw, spec: meant.spec } : raw
  const read = readWith(spiderMultusConfig, input)
  if (!read.ok) return { document: undefined, faults: read.faults, warnings: meant.warnings }
  const filled = withDefaults(read.value)
  const labels = readWith(spiderMultusConfig.shape.metadata, filled.metadata, 'metadata')
  if (!labels.ok) return { document: filled, faults: labels.faults, warnings: meant.warnings }
  const fault = ruleFault(filled, around)
  const warnings = [
    ...meant.warnings,
    ...unknownKeys(input, read.value).map(pruned),
    ...macPrefixWarnings(filled),
  ]
  return { document: filled, faults: fault === undefined ? [] : [fault], warnings }
}

function pruned(path: string): string {
  const now = RENAMED.get(path.split('.').at(-1) ?? '')
  return `unknown field "${path}" is ignored${now === undefined ? '' : `: it is ${now}`}`
}

/** An interface over InfiniBand has an address of 20 bytes: no prefix of six fits it. */
function macPrefixWarnings({ spec }: SpiderMultusConfig): string[] {
  const prefix = spec.coordinator?.podMACPrefix ?? ''
  if (prefix === '' || (spec.cniType !== 'ipoib' && spec.cniType !== 'ib-sriov')) return []
  return [
    `spec.coordinator.podMACPrefix: "${prefix}" cannot be set on an interface of type ` +
      `${spec.cniType}: its address is 20 bytes`,
  ]
}
