/**
 * Numbers that were written as texts and the reverse: `pkey: 1000`, `mtu: "9000"`.
 * What was meant is plain, so it is taken, and said aloud; anything else is left
 * for the schema to refuse.
 * @module
 */
import { Failure } from '#values/failure.ts'
import { formatPkey, parsePkey } from '#values/pkey.ts'
import { isRecord } from '#schema/zod.ts'

const ETHERNET = ['vlanID', 'mtu']

/** Block of the spec → its fields that are whole numbers. */
const WHOLE: Readonly<Record<string, readonly string[]>> = {
  macvlan: ETHERNET,
  ipvlan: ETHERNET,
  vlan: ETHERNET,
  sriov: [...ETHERNET, 'minTxRateMbps', 'maxTxRateMbps'],
  ovs: ['vlan'],
  coordinator: ['hostRuleTable', 'podRPFilter', 'txQueueLen', 'vethMTU'],
}

/** The spec with what was meant, and a sentence for each field that was changed. */
export function readWrittenNumbers(spec: unknown): { spec: unknown; warnings: string[] } {
  if (!isRecord(spec)) return { spec, warnings: [] }
  const warnings: string[] = []
  const blocks = Object.entries(spec).map(([key, block]) => {
    if (!isRecord(block)) return [key, block]
    const fields = Object.entries(block).map(([field, value]) => {
      const read = fieldOf(key, field, value)
      if (read === undefined) return [field, value]
      warnings.push(`spec.${key}.${field}: ${read.warning}`)
      return [field, read.value]
    })
    return [key, Object.fromEntries(fields)]
  })
  return { spec: Object.fromEntries(blocks), warnings }
}

type Read = { readonly value: string | number; readonly warning: string }

function fieldOf(block: string, field: string, value: unknown): Read | undefined {
  if (block === 'ibsriov' && field === 'pkey') return pkeyOf(value)
  if (WHOLE[block]?.includes(field) !== true) return undefined
  if (typeof value !== 'string' || !/^-?(0|[1-9][0-9]{0,9})$/.test(value)) return undefined
  return { value: Number(value), warning: `text "${value}" is taken for the number ${value}` }
}

function pkeyOf(value: unknown): Read | undefined {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0) return undefined
  const text = String(value)
  return {
    value: text,
    warning: `number ${text} is taken for the text "${text}": ${meaningOf(text)}`,
  }
}

/** What a P_Key written as a decimal number is: people write 1000 and mean 0x1000. */
function meaningOf(decimal: string): string {
  try {
    const [is, looks] = [formatPkey(parsePkey(decimal)), `0x${decimal.padStart(4, '0')}`]
    return `it is the P_Key ${is}${is === looks ? '' : `, not ${looks}`}`
  } catch (cause) {
    if (cause instanceof Failure) return cause.message
    throw cause
  }
}
