/**
 * What the configuration of `tuning` asks for, its overrides applied: `args.cni`
 * above `runtimeConfig`, that above CNI_ARGS, that above the configuration's own.
 *
 * Spec: containernetworking `tuning`; sysctl(8): the first of `.` and `/` in a name
 * is its separator, the other is a letter then.
 * @module
 */
import type { HardwareAddress } from '#values/hardware-address.ts'
import type { IfName } from '#values/if-name.ts'
import { TUNING_CONF, type TuningDocument } from '#schema/chained-conf.ts'
import type { CniArgs } from '#wire/cni/args.ts'
import { confReader } from './conf.ts'
import { fail } from './failures.ts'
import { parseMac } from './mac.ts'

export type TuningConf = {
  /** Name as written → value. */
  readonly sysctl: Readonly<Record<string, string>>
  readonly mac: HardwareAddress | undefined
  /** True, or left as it is. */
  readonly promiscuous: true | undefined
  /** Bytes. */
  readonly mtu: number | undefined
  readonly allMulticast: boolean | undefined
  /** Packets. */
  readonly txQueueLength: number | undefined
  /** Where the replaced plugin keeps what it found. */
  readonly dataDir: string
}

const read = confReader(TUNING_CONF)
const DATA_DIR = '/run/cni/tuning'
const ROOT = 'net'

/** @throws {Failure} `plugin-conf-invalid`, `mac-argument-invalid` */
export function parseTuning(
  raw: unknown,
  args: CniArgs | undefined,
): { readonly conf: TuningConf; readonly warnings: string[] } {
  const { value, warnings } = read(raw)
  const over = value.args?.cni
  const mtu = over?.mtu ?? value.mtu
  if (mtu !== undefined && mtu < 0) {
    throw fail('plugin-conf-invalid', { field: 'mtu', reason: `${mtu} is negative` })
  }
  const conf: TuningConf = {
    sysctl: { ...value.sysctl, ...over?.sysctl },
    mac: macOf(value, args),
    promiscuous: (over?.promisc ?? value.promisc) || undefined,
    mtu: mtu || undefined,
    allMulticast: over?.allmulti ?? value.allmulti,
    txQueueLength: over?.txQLen ?? value.txQLen,
    dataDir: value.dataDir ?? DATA_DIR,
  }
  return { conf, warnings }
}

function macOf(value: TuningDocument, args: CniArgs | undefined): HardwareAddress | undefined {
  const asked = [
    value.args?.cni?.mac,
    value.runtimeConfig?.mac,
    args?.get('MAC') || undefined,
    value.mac,
  ]
  const text = asked.find((one) => one !== undefined)
  return text === undefined || text === '' ? undefined : parseMac(text)
}

/**
 * Path below /proc/sys of a setting, with `IFNAME` in it replaced.
 * @throws {Failure} `tuning-sysctl-invalid`: it is not below /proc/sys/net
 */
export function sysctlPath(key: string, ifName: IfName): string {
  const separator = /[./]/.exec(key)?.[0] ?? '.'
  const parts = key.split(separator).map((part) => {
    const text = separator === '.' ? part.replaceAll('/', '.') : part
    return text.replaceAll('IFNAME', ifName)
  })
  const resolved: string[] = []
  for (const part of parts) {
    if (part === '..') resolved.pop()
    else if (part !== '' && part !== '.') resolved.push(part)
  }
  if (resolved[0] !== ROOT || resolved.length < 2 || key.includes('\0')) {
    throw fail('tuning-sysctl-invalid', { key })
  }
  return resolved.join('/')
}

/**
 * Refuses a setting that no line of the administrator's list matches.
 * @throws {Failure} `tuning-sysctl-forbidden`
 */
export function checkAllowed(conf: TuningConf, list: string | undefined): void {
  if (list === undefined) return
  const lines = list.split('\n').map((line) => line.trim())
  const patterns = lines.filter((line) => line !== '')
  for (const key of Object.keys(conf.sysctl)) {
    if (patterns.some((pattern) => matches(pattern, key))) continue
    throw fail('tuning-sysctl-forbidden', { key, allowed: patterns.join(' ') })
  }
}

function matches(pattern: string, key: string): boolean {
  try {
    return new RegExp(pattern).test(key)
  } catch (cause) {
    throw fail(
      'plugin-conf-invalid',
      { field: ALLOW_LIST, reason: `${pattern} is no pattern` },
      cause,
    )
  }
}

/** The administrator's list of settings, one regular expression a line. */
export const ALLOW_LIST = '/etc/cni/tuning/allowlist.conf'
