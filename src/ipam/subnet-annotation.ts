/**
 * What a pod template says of automatic pools: a subnet for each family, of one
 * interface or of several, how many addresses, and what becomes of them.
 *
 * Spec: Spiderpool annotations `ipam.spidernet.io/subnet`, `subnets`,
 * `ippool-ip-number` (`3` fixed, `+1` more than there are pods), `ippool-reclaim`.
 * @module
 */
import { type JsonObject, isJsonObject, keyFolder } from '#wire/cni/conf.ts'
import { failureIn } from '#values/failure.ts'
import { badAnnotation as bad, parseAnnotation as parse } from './annotation-text.ts'

/** Subnets by name for one interface. */
export type AutoChoice = {
  readonly ifName: string
  readonly ipv4: string | undefined
  readonly ipv6: string | undefined
}

export type AutoWish = {
  readonly choices: readonly AutoChoice[]
  /** True where one choice was made without an interface. */
  readonly single: boolean
  /** Undefined where nothing is said. */
  readonly count: { readonly fixed: boolean; readonly number: number } | undefined
  /** Whether the pools go with the application. */
  readonly reclaim: boolean
}

/** Keys of the annotations. */
export const WISH_KEY = {
  each: 'ipam.spidernet.io/subnets',
  one: 'ipam.spidernet.io/subnet',
  count: 'ipam.spidernet.io/ippool-ip-number',
  reclaim: 'ipam.spidernet.io/ippool-reclaim',
} as const
const FIRST_INTERFACE = 'eth0'

type Annotations = Readonly<Record<string, string>>
const fold = keyFolder(['interface', 'ipv4', 'ipv6'])

/** The annotation that asks for automatic pools, if any. */
export function wishKeyOf(annotations: Annotations): string | undefined {
  return [WISH_KEY.each, WISH_KEY.one].find((key) => annotations[key] !== undefined)
}

/** Undefined where no pool is asked for. @throws {Failure} `pool-annotation-invalid` */
export function readAutoWish(annotations: Annotations): AutoWish | undefined {
  const key = wishKeyOf(annotations)
  if (key === undefined) return undefined
  const read = parse(key, annotations[key] ?? '')
  const single = key === WISH_KEY.one
  return {
    choices: single ? [choiceOf(key, read, FIRST_INTERFACE)] : choicesOf(read),
    single,
    count: countOf(annotations[WISH_KEY.count]),
    reclaim: reclaimOf(annotations[WISH_KEY.reclaim]),
  }
}

/** What is wrong with such annotations: which, its value, and why; undefined when nothing is. */
export function wishFault(annotations: Annotations) {
  try {
    readAutoWish(annotations)
    return undefined
  } catch (cause) {
    const { annotation, reason } = failureIn(cause)?.details ?? {}
    if (typeof annotation !== 'string') throw cause
    return { annotation, value: annotations[annotation] ?? '', reason: String(reason) }
  }
}

function choicesOf(list: unknown): AutoChoice[] {
  const key = WISH_KEY.each
  if (!Array.isArray(list) || list.length === 0) return bad(key, 'it is no list of interfaces')
  const choices = list.map((item: unknown) => choiceOf(key, item, undefined))
  const names = choices.map(({ ifName }) => ifName)
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  return twice === undefined ? choices : bad(key, `interface ${twice} is there twice`)
}

/** `ifName` undefined: the object must name its interface. */
function choiceOf(key: string, raw: unknown, ifName: string | undefined): AutoChoice {
  if (!isJsonObject(raw)) return bad(key, 'it is no object')
  const folded = fold(raw)
  const named = folded['interface']
  const own = typeof named === 'string' && named !== '' ? named : undefined
  const name = ifName ?? own ?? bad(key, 'an item names no interface')
  const [ipv4, ipv6] = [subnetIn(key, folded, 'ipv4'), subnetIn(key, folded, 'ipv6')]
  if (ipv4 === undefined && ipv6 === undefined) return bad(key, 'it names no subnet')
  return { ifName: name, ipv4, ipv6 }
}

/** One subnet a family is used: the first. */
function subnetIn(key: string, from: JsonObject, family: 'ipv4' | 'ipv6'): string | undefined {
  const list = from[family]
  if (list === undefined || list === null) return undefined
  if (!Array.isArray(list)) return bad(key, `${family} is no list of subnet names`)
  const names = list.map((name: unknown) =>
    typeof name === 'string' && name !== '' ? name : bad(key, `a name in ${family} is empty`),
  )
  return names[0]
}

function countOf(text: string | undefined): AutoWish['count'] {
  if (text === undefined) return undefined
  const number = /^(\+?)(\d{1,9})$/.exec(text)
  if (number === null) return bad(WISH_KEY.count, 'it is neither a number nor + and a number')
  return { fixed: number[1] === '', number: Number(number[2]) }
}

function reclaimOf(text: string | undefined): boolean {
  if (text === undefined || text === 'true') return true
  return text === 'false' ? false : bad(WISH_KEY.reclaim, 'it is neither true nor false')
}
