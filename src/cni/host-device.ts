/**
 * CNI plugin `host-device`: lends an interface of the host to a pod, and gives it
 * back. A function that a user-space driver has is left as it is.
 *
 * Spec: CNI 1.1.0; containernetworking `host-device`. The interface bears its name
 * on the host as its alias, so that it can be given back without any state.
 * @module
 */
import { type IfName, isIfName, parseIfName } from '#values/if-name.ts'
import { isMovedGroup } from '#values/mark.ts'
import type { Link } from '#values/link.ts'
import type { MovedWas } from '#values/lent-link.ts'
import type { Step } from '#values/step.ts'
import { HOST_DEVICE_CONF } from '#schema/plugin-conf.ts'
import type { CniDns } from '#wire/cni/result.ts'
import { answerOf, planAddressing } from './addressing.ts'
import { type CheckNeeds, checkMain } from './check.ts'
import { confReader, dnsOf } from './conf.ts'
import {
  type DeviceNeeds,
  type DeviceSelector,
  findDevice,
  folderOf,
  selectorOf,
  textOfSelector,
} from './device.ts'
import { fail } from './failures.ts'
import { type MainNeeds, type PodSaw, kindName, observePod } from './main-link.ts'
import type { Plugin, PluginRequest } from './plugin.ts'

export type HostDeviceNeeds = MainNeeds & CheckNeeds & DeviceNeeds
export type HostDeviceConf = {
  readonly selector: DeviceSelector
  /** `runtimeConfig.deviceID`, which must be there whatever the selector is. */
  readonly deviceId: string | undefined
  readonly dns: CniDns | undefined
}
export type HostDeviceSaw = PodSaw & {
  /** On the host, or in the pod from an earlier try; a user-space driver's has none. */
  readonly device: Link | undefined
  readonly userSpace: boolean
}

const read = confReader(HOST_DEVICE_CONF)
const SETTINGS = [
  { family: 4, name: 'arp_notify', value: '1' },
  { family: 6, name: 'ndisc_notify', value: '1' },
] as const

export const hostDevice: Plugin<HostDeviceConf, HostDeviceNeeds, HostDeviceSaw> = {
  type: 'host-device',
  role: 'main',

  parse(raw) {
    const { value, warnings } = read(raw)
    const deviceId = value.runtimeConfig?.deviceID
    return { conf: { selector: selectorOf(value), deviceId, dns: dnsOf(value.dns) }, warnings }
  },

  async observe(request, needs) {
    const pod = await observePod(request, needs)
    const { deviceId } = request.conf
    // as the replaced plugin does, whichever key chooses the device
    if (deviceId !== undefined) await folderOf(deviceId, needs)
    const mine = pod.existing !== undefined && isMoved(pod.existing) ? pod.existing : undefined
    const { device, userSpace } = await findDevice(request.conf.selector, needs, mine)
    return { ...pod, device, userSpace }
  },

  plan(request, saw) {
    if (saw.userSpace) return []
    const { netns, ifName, temp, mark, addressing } = request
    const device = wantedDevice(request.conf, saw)
    const { link, steps } = beforeMove(request, saw, device)
    return [
      ...steps,
      { do: 'move-link', netns, link, temp, name: ifName, mark, was: wasOf(device) },
      { do: 'rename-link', netns, from: temp, to: ifName },
      ...planAddressing(request, {
        ipv6Disabled: saw.ipv6Disabled,
        settings: addressing === undefined ? [] : SETTINGS,
      }),
    ]
  },

  answer(request, saw) {
    const { dns } = request.conf
    if (saw.userSpace) return answerOf(request, { mac: undefined, mtu: undefined, dns })
    const { address, mtu } = wantedDevice(request.conf, saw)
    return answerOf(request, { mac: address, mtu, dns })
  },

  async check(request, needs) {
    const { netns, ifName } = request
    const link = await needs.link(netns, ifName)
    if (link === undefined) {
      const { userSpace } = await findDevice(request.conf.selector, needs, undefined)
      if (userSpace) return []
      return [fail('check-interface-missing', { ifName, where: netns })]
    }
    return checkMain(request, needs, { kind: kindName(link), keepsMtu: true, settings: () => [] })
  },

  /** Of ours or of the replaced plugin: what is named so, and has another name as its alias. */
  planDetach({ conf, netns, ifName }) {
    const link = conf?.selector.by === 'name' ? nameIn(conf.selector.name) : undefined
    return [{ do: 'return-link', netns, link, names: [ifName], mark: undefined, was: undefined }]
  },
}

function isMoved({ group, alias }: Link): boolean {
  return isMovedGroup(group) && nameIn(alias) !== undefined
}

function nameIn(text: string | undefined): IfName | undefined {
  return text !== undefined && isIfName(text) ? parseIfName(text) : undefined
}

function wantedDevice({ selector }: HostDeviceConf, { device }: HostDeviceSaw): Link {
  if (device === undefined) throw fail('host-device-missing', { more: textOfSelector(selector) })
  return device
}

/**
 * The name on the host; and, for an interface that an earlier ADD of the same pod
 * left there under this name, what takes it back first.
 */
function beforeMove(
  { netns, ifName, temp }: PluginRequest<HostDeviceConf>,
  { existing }: HostDeviceSaw,
  device: Link,
): { readonly link: IfName; readonly steps: readonly Step[] } {
  if (existing === undefined) return { link: device.name, steps: [] }
  const host = existing === device ? nameIn(device.alias) : undefined
  if (host === undefined) {
    const more = `${ifName} (${kindName(existing)}) is in the pod and is not of this attachment`
    throw fail('interface-exists', { what: 'device', ifName, more })
  }
  const names = [temp, ifName]
  const was = wasOf(device)
  return {
    link: host,
    steps: [{ do: 'return-link', netns, link: host, names, mark: undefined, was }],
  }
}

/** What it is on the host; one that was lent already bears marks that are not its own. */
function wasOf(device: Link): MovedWas {
  const { index, mtu, address, txQueueLength, promiscuous, allMulticast } = device
  const { up, group, alias } = device
  const lent = isMoved(device)
  return {
    index,
    mtu,
    ...(address === undefined ? {} : { address }),
    txQueueLength,
    promiscuous,
    allMulticast,
    up,
    group: lent ? 0 : group,
    alias: lent ? undefined : alias,
  }
}
