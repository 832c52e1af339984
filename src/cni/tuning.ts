/**
 * CNI plugin `tuning`: settings of an interface that an earlier plugin of the chain
 * made, and of its namespace's network stack.
 *
 * Spec: CNI 1.1.0; containernetworking `tuning`. What was there before is in the
 * journal; the replaced plugin's own file is read where there is no row.
 * @module
 */
import { parseHardwareAddress } from '#values/hardware-address.ts'
import { failureIn } from '#values/failure.ts'
import { parseJson } from '#values/json-text.ts'
import type { Link } from '#values/link.ts'
import type { LinkSettings } from '#values/lent-link.ts'
import type { Step } from '#values/step.ts'
import type { KernelQuestions } from '#needs/kernel.ts'
import { isJsonObject } from '#wire/cni/conf.ts'
import { fail } from './failures.ts'
import { type LinkFound, findLink } from './pod-link.ts'
import type { Plugin } from './plugin.ts'
import { sameValue } from './standing.ts'
import {
  ALLOW_LIST,
  type TuningConf,
  checkAllowed,
  parseTuning,
  sysctlPath,
} from './tuning-conf.ts'

export type TuningNeeds = Pick<KernelQuestions, 'link' | 'sysctl' | 'fileText'>
export type TuningSaw = LinkFound & {
  readonly allowed: string | undefined
  /** Settings in their order, with what they were; undefined: there is none. */
  readonly sysctls: readonly {
    readonly path: string
    readonly value: string
    readonly was: string | undefined
    /** It belongs to a link that goes with the attachment. */
    readonly goes: boolean
  }[]
}

const INFINIBAND = 32

export const tuning: Plugin<TuningConf, TuningNeeds, TuningSaw> = {
  type: 'tuning',
  role: 'chained',
  parse: parseTuning,

  async observe(request, needs) {
    const { conf, netns, ifName, planned = [] } = request
    const paths = Object.entries(conf.sysctl).map(([key, value]) => {
      return { path: sysctlPath(key, ifName), value }
    })
    const [found, allowed] = await Promise.all([
      findLink(request, needs),
      paths.length === 0 ? undefined : needs.fileText(ALLOW_LIST),
    ])
    const sysctls = await Promise.all(
      paths.map(async ({ path, value }) => {
        const goes = found.ours && path.split('/').includes(ifName)
        const before = planned.findLast(
          (step) => step.do === 'set-sysctl' && step.where === netns && step.path === path,
        )
        if (before?.do === 'set-sysctl') return { path, value, was: before.value, goes }
        return { path, value, was: goes ? undefined : await needs.sysctl(netns, path), goes }
      }),
    )
    return { ...found, allowed, sysctls }
  },

  plan({ conf, netns, ifName, prevResult }, saw) {
    if (prevResult === undefined) throw fail('tuning-prev-result-missing')
    checkAllowed(conf, saw.allowed)
    if (saw.link === undefined) throw fail('link-missing', { ifName })
    if (conf.mac !== undefined && saw.link.arpType === INFINIBAND) {
      const reason = 'an IPoIB address is made by the kernel'
      throw fail('plugin-field-unsupported', {
        field: 'mac',
        value: conf.mac,
        type: 'tuning',
        reason,
      })
    }
    const set = settingsOf(conf)
    const steps = saw.sysctls.map(({ path, value, was, goes }): Step => {
      if (was === undefined && !goes) throw fail('tuning-sysctl-missing', { path })
      return { do: 'set-sysctl', where: netns, path, value, was: goes ? undefined : was }
    })
    if (Object.keys(set).length === 0) return steps
    const was = saw.ours ? {} : { was: partOf(saw.link, set) }
    return [...steps, { do: 'set-link', where: netns, link: ifName, set, ...was }]
  },

  /** The address and the MTU in it are those of now. */
  answer({ conf, ifName, prevResult }) {
    if (prevResult === undefined) throw fail('tuning-prev-result-missing')
    const interfaces = prevResult.interfaces.map((one) => {
      if (one.name !== ifName || one.sandbox === undefined) return one
      const mtu = one.mtu === undefined ? undefined : (conf.mtu ?? one.mtu)
      return { ...one, mac: conf.mac ?? one.mac, mtu }
    })
    return { ...prevResult, interfaces }
  },

  async check({ conf, netns, ifName, prevResult }, needs) {
    if (prevResult === undefined) return [fail('plugin-prev-result-missing')]
    const link = await needs.link(netns, ifName)
    if (link === undefined) return [fail('check-interface-missing', { ifName, where: netns })]
    const wanted = Object.entries(settingsOf(conf))
    const found = new Map(Object.entries(link))
    const settings = wanted
      .filter(([setting, value]) => found.get(setting) !== value)
      .map(([setting, value]) => ({ setting, found: found.get(setting), wanted: value }))
    const sysctls = await Promise.all(
      Object.entries(conf.sysctl).map(async ([key, value]) => {
        return {
          setting: key,
          found: await needs.sysctl(netns, sysctlPath(key, ifName)),
          wanted: value,
        }
      }),
    )
    const differing = sysctls.filter((one) => !sameValue(one.found ?? '', one.wanted))
    return [...settings, ...differing].map((one) =>
      fail('check-setting-differs', { ifName, ...one }),
    )
  },

  planDetach: () => [],

  /** Back to what the replaced plugin wrote down, if it did. */
  async observeDetach({ conf, netns, ifName, containerId }, needs) {
    const folder = conf?.dataDir ?? '/run/cni/tuning'
    const text = await needs.fileText(`${folder}/${containerId}_${ifName}.json`)
    const link = await needs.link(netns, ifName)
    const set = text === undefined ? {} : backupIn(text)
    if (link === undefined || Object.keys(set).length === 0) return []
    return [{ do: 'set-link', where: netns, link: ifName, set, was: partOf(link, set) }]
  },
}

function settingsOf(conf: TuningConf): LinkSettings {
  const { mac, promiscuous, mtu, allMulticast, txQueueLength } = conf
  return {
    ...(mac === undefined ? {} : { address: mac }),
    ...(promiscuous === undefined ? {} : { promiscuous }),
    ...(mtu === undefined ? {} : { mtu }),
    ...(allMulticast === undefined ? {} : { allMulticast }),
    ...(txQueueLength === undefined ? {} : { txQueueLength }),
  }
}

/** What a link has of the settings in `set`. */
function partOf(link: Link, set: LinkSettings): LinkSettings {
  const { address, promiscuous, mtu, allMulticast, txQueueLength } = link
  return {
    ...(set.address === undefined || address === undefined ? {} : { address }),
    ...(set.promiscuous === undefined ? {} : { promiscuous }),
    ...(set.mtu === undefined ? {} : { mtu }),
    ...(set.allMulticast === undefined ? {} : { allMulticast }),
    ...(set.txQueueLength === undefined ? {} : { txQueueLength }),
  }
}

/** The replaced plugin's file: what cannot be read in it is left as it is. */
function backupIn(text: string): LinkSettings {
  let file: unknown
  try {
    file = parseJson(text)
  } catch {
    return {}
  }
  if (!isJsonObject(file)) return {}
  const { mac, promisc, mtu, allmulti, txQLen } = file
  const address = typeof mac === 'string' ? addressIn(mac) : undefined
  return {
    ...(address === undefined ? {} : { address }),
    ...(typeof promisc === 'boolean' ? { promiscuous: promisc } : {}),
    ...(typeof mtu === 'number' && mtu > 0 ? { mtu } : {}),
    ...(typeof allmulti === 'boolean' ? { allMulticast: allmulti } : {}),
    ...(typeof txQLen === 'number' ? { txQueueLength: txQLen } : {}),
  }
}

function addressIn(text: string): LinkSettings['address'] {
  try {
    return parseHardwareAddress(text)
  } catch (cause) {
    if (failureIn(cause) === undefined) throw cause
    return undefined
  }
}
