/**
 * ConfigMap `spiderpool-conf`: what it says of the mutation of pods. The other
 * keys of its `conf.yml` are not looked at here.
 *
 * Spec: Spiderpool's chart, values `spiderpoolController.podResourceInject` and
 * `spiderpoolAgent.networkResourcePlugin`.
 * @module
 */
import { parse } from 'yaml'
import { isRecord, type Reading, readWith, z } from './zod.ts'

/** Name of the ConfigMap, in whatever namespace the release is. */
export const SPIDERPOOL_CONF = 'spiderpool-conf'
const KEY = 'conf.yml'
const EXCLUDED = ['kube-system', 'spiderpool', 'metallb-system', 'istio-system']

const injectionConf = z.object({
  podResourceInject: z
    .object({
      enabled: z.boolean().default(true),
      namespacesExclude: z.array(z.string()).default(EXCLUDED),
      /** Empty: all but the excluded. */
      namespacesInclude: z.array(z.string()).default([]),
    })
    .prefault({}),
  agent: z
    .object({
      networkResourcePlugin: z.object({ enabled: z.boolean().default(false) }).prefault({}),
    })
    .prefault({}),
})
export type InjectionConf = z.output<typeof injectionConf>

/** How it is where there is no such ConfigMap. */
export const DEFAULT_INJECTION_CONF: InjectionConf = injectionConf.parse({})

/** Reads the ConfigMap's `data`; the path of a fault is that in its text. */
export function readInjectionConf(
  configMap: Readonly<Record<string, unknown>>,
): Reading<InjectionConf> {
  const { data } = configMap
  const text = isRecord(data) ? data[KEY] : undefined
  const at = `data["${KEY}"]`
  if (typeof text !== 'string') return { ok: true, value: DEFAULT_INJECTION_CONF }
  try {
    return readWith(injectionConf, parse(text, { version: '1.1', merge: true }) ?? {}, at)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n')[0] : String(cause)
    const message = `Invalid value: it cannot be read as YAML: ${reason}`
    return { ok: false, faults: [{ reason: 'Invalid', field: at, message }] }
  }
}
