/**
 * What people write and mean plainly: numbers as texts and the reverse
 * (`pkey: 1000`, `mtu: "9000"`), and fields under the name or at the place that
 * they had in older guides. It is taken, and said aloud; anything else is left
 * for the schema to refuse.
 * @module
 */
import { Failure } from '#values/failure.ts'
import { formatPkey, parsePkey } from '#values/pkey.ts'
import { isRecord } from '#schema/zod.ts'

type Fields = Readonly<Record<string, unknown>>
/** What the fields of a block are: texts or whole numbers; the rest is left alone. */
type Sorts = { readonly text?: readonly string[]; readonly whole?: readonly string[] }

const ETHERNET: Sorts = { text: ['rdmaResourceName'], whole: ['vlanID', 'mtu'] }

/** Block of the spec → its fields. */
const BLOCKS: Readonly<Record<string, Sorts>> = {
  macvlan: ETHERNET,
  ipvlan: ETHERNET,
  vlan: ETHERNET,
  sriov: {
    text: ['resourceName'],
    whole: ['vlanID', 'mtu', 'minTxRateMbps', 'maxTxRateMbps'],
  },
  ibsriov: { text: ['resourceName', 'pkey'] },
  ipoib: { text: ['master'] },
  ovs: { text: ['bridge', 'deviceID'], whole: ['vlan'] },
  bond: { text: ['name', 'options'], whole: ['mode'] },
  ippools: { text: ['ipv4', 'ipv6'] },
  coordinator: {
    text: ['podMACPrefix', 'podDefaultRouteNIC'],
    whole: ['hostRuleTable', 'podRPFilter', 'txQueueLen', 'vethMTU'],
  },
}
/** Blocks whose pools can be those of the subnet of the master. */
const MATCHING = ['sriov', 'ibsriov', 'ipoib', 'ovs']

/** The spec with what was meant, and a sentence for each field that was changed. */
export function readWrittenNumbers(spec: unknown): { spec: unknown; warnings: string[] } {
  if (!isRecord(spec)) return { spec, warnings: [] }
  const warnings: string[] = []
  const blocks = Object.entries(spec).map(([key, block]) => {
    if (!isRecord(block) || BLOCKS[key] === undefined) return [key, block]
    return [key, blockOf(key, placed(key, block, warnings), { at: `spec.${key}`, warnings })]
  })
  return { spec: Object.fromEntries(blocks), warnings }
}

/** The same for the spec of a SpiderCoordinator, whose fields are those of the block. */
export function readCoordinatorNumbers(spec: unknown): { spec: unknown; warnings: string[] } {
  if (!isRecord(spec)) return { spec, warnings: [] }
  const warnings: string[] = []
  return { spec: blockOf('coordinator', spec, { at: 'spec', warnings }), warnings }
}

type About = { readonly at: string; readonly warnings: string[] }

function blockOf(key: string, block: Fields, { at, warnings }: About): Fields {
  const sorts = BLOCKS[key] ?? {}
  const fields = Object.entries(block).map(([field, value]) => {
    const here = { at: `${at}.${field}`, warnings }
    if (isRecord(value) && (field === 'bond' || field === 'ippools')) {
      return [field, blockOf(field, value, here)]
    }
    if (sorts.whole?.includes(field) === true) return [field, wholeOf(value, here)]
    if (sorts.text?.includes(field) !== true) return [field, value]
    if (!Array.isArray(value)) return [field, textOf(value, here)]
    const items = value.map((item: unknown, i) => textOf(item, { ...here, at: `${here.at}[${i}]` }))
    return [field, items]
  })
  return Object.fromEntries(fields)
}

function wholeOf(value: unknown, { at, warnings }: About): unknown {
  if (typeof value !== 'string' || !/^-?(0|[1-9][0-9]{0,9})$/.test(value)) return value
  warnings.push(`${at}: text "${value}" is taken for the number ${value}`)
  return Number(value)
}

function textOf(value: unknown, { at, warnings }: About): unknown {
  if (typeof value !== 'number' || !Number.isInteger(value)) return value
  const isPkey = at.endsWith('.pkey')
  if (isPkey && value < 0) return value
  const text = String(value)
  const meaning = isPkey ? `: ${meaningOf(text)}` : ''
  warnings.push(`${at}: number ${text} is taken for the text "${text}"${meaning}`)
  return text
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

/** Fields of older guides at their place of today, where that is empty. */
function placed(key: string, block: Fields, warnings: string[]): Fields {
  const isolated = key === 'sriov' ? renamed(block, warnings) : block
  const { matchMasterSubnet, ...rest } = isolated
  if (matchMasterSubnet === undefined || !MATCHING.includes(key)) return isolated
  const { ippools = {} } = rest
  if (!isRecord(ippools) || ippools['matchMasterSubnet'] !== undefined) return isolated
  warnings.push(
    `spec.${key}.matchMasterSubnet: it is taken for spec.${key}.ippools.matchMasterSubnet`,
  )
  return { ...rest, ippools: { ...ippools, matchMasterSubnet } }
}

function renamed(block: Fields, warnings: string[]): Fields {
  const { enableRdma, ...rest } = block
  if (enableRdma === undefined || rest['rdmaIsolation'] !== undefined) return block
  warnings.push('spec.sriov.enableRdma: it is taken for spec.sriov.rdmaIsolation')
  return { ...rest, rdmaIsolation: enableRdma }
}
