/**
 * Options of a bond as ifacer writes them: `miimon=100;arp_ip_target=[10.0.0.1]`.
 *
 * Spec: Spiderpool ifacer; Linux Documentation/networking/bonding.rst. Underlines in
 * a name do not count: `up_delay` is `updelay`.
 * @module
 */
import { BOND_OPTIONS, type BondOption, type BondSettings } from '#values/bond.ts'
import { failureIn } from '#values/failure.ts'
import { type IfName, parseIfName } from '#values/if-name.ts'
import { parseIp } from '#values/ip.ts'
import { fail } from './failures.ts'

/** What the text says, but for the mode. */
export type BondText = Pick<BondSettings, 'options' | 'arpTargets'> & {
  readonly primary: IfName | undefined
}

const SPELLINGS: ReadonlyMap<string, BondOption> = new Map(
  optionNames().flatMap((name) => [[plain(name), name] as const]),
)
/** Other names of the same, by the driver's own documentation. */
const ALIASES: Readonly<Record<string, BondOption>> = {
  numunsolna: 'num_grat_arp',
  numpeernotif: 'num_grat_arp',
}
const PRIMARY = 'primary'
const ARP_TARGETS = ['arpiptarget', 'arpiptargets']

/** @throws {Failure} `bond-option-invalid` */
export function parseBondOptions(text: string | undefined): BondText {
  const options: { [Name in BondOption]?: number } = {}
  let primary: IfName | undefined
  let arpTargets: BondText['arpTargets'] = []
  for (const pair of (text ?? '').split(';')) {
    if (pair.trim() === '') continue
    const equals = pair.indexOf('=')
    const [key, value] =
      equals < 0 ? [pair.trim(), ''] : [pair.slice(0, equals).trim(), pair.slice(equals + 1).trim()]
    const name = plain(key)
    if (name === PRIMARY) primary = readAs(key, value, () => parseIfName(value))
    else if (ARP_TARGETS.includes(name)) {
      arpTargets = listOf(value).map((one) => readAs(key, value, () => parseIp(one)))
    } else {
      const option = SPELLINGS.get(name) ?? ALIASES[name]
      if (option === undefined) throw invalid(key, value, 'no such option is known')
      options[option] = numberOf(option, value)
    }
  }
  return { options, arpTargets, primary }
}

function optionNames(): BondOption[] {
  return Object.keys(BOND_OPTIONS).filter((name): name is BondOption => name in BOND_OPTIONS)
}

function plain(key: string): string {
  return key.toLowerCase().replaceAll(/[_-]/g, '')
}

/** `[a,b]`, or `a,b`. */
function listOf(value: string): string[] {
  const inner = /^\[(.*)\]$/.exec(value)?.[1] ?? value
  return inner.split(',').flatMap((one) => (one.trim() === '' ? [] : [one.trim()]))
}

function numberOf(option: BondOption, value: string): number {
  const words: readonly string[] = BOND_OPTIONS[option]
  const at = words.indexOf(value)
  if (at >= 0) return at
  if (/^\d+$/.test(value)) return Number(value)
  const known = words.length === 0 ? 'a number' : `a number, or one of ${words.join(', ')}`
  throw invalid(option, value, `it must be ${known}`)
}

function readAs<T>(key: string, value: string, parse: () => T): T {
  try {
    return parse()
  } catch (cause) {
    throw invalid(key, value, String(failureIn(cause)?.details['reason'] ?? cause), cause)
  }
}

function invalid(option: string, value: string, reason: string, cause?: unknown): Error {
  return fail('bond-option-invalid', { option, value, reason }, cause)
}
