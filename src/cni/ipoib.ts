/**
 * CNI plugin `ipoib`: an IPoIB child of an InfiniBand port's interface, in the
 * pod. Beside ipoib-cni's keys it takes `pkey` (a partition of the port, the
 * parent's when absent), `mode`, and `guid` (one of the port's GUIDs: ib_ipoib
 * leaves a child without carrier under any other, and says nothing).
 *
 * Spec: CNI 1.1.0; RFC 4391; Linux Documentation/infiniband/ipoib.rst. The
 * children of a port share its GUID and so their EUI-64 IPv6 link-local
 * address: the generation mode is random. Over mlx5_core the kernel looks the
 * parent up in the child's namespace, so there a child is made and then moved.
 * @module
 */
import { type Guid, guidToBits } from '#values/guid.ts'
import {
  type HardwareAddress,
  guidOfAddress,
  hardwareAddressFromBytes,
  hardwareAddressToBytes,
} from '#values/hardware-address.ts'
import type { IfName } from '#values/if-name.ts'
import type { IpoibMode, Link } from '#values/link.ts'
import { type Pkey, asFullMember, formatPkey, samePartition } from '#values/pkey.ts'
import type { HcaPort, KernelQuestions } from '#needs/kernel.ts'
import { IPOIB_CONF, type IpoibDocument } from '#schema/cni-conf.ts'
import type { CniArgs } from '#wire/cni/args.ts'
import type { CniDns } from '#wire/cni/result.ts'
import { answerOf, planAddressing } from './addressing.ts'
import { type CheckNeeds, checkMain } from './check.ts'
import { confReader, dnsOf } from './conf.ts'
import { fail } from './failures.ts'
import { planMadeLink } from './made-link.ts'
import {
  type MainNeeds,
  type PodSaw,
  detachLink,
  kindName,
  observePod,
  planName,
} from './main-link.ts'
import type { Plugin } from './plugin.ts'

export type IpoibNeeds = MainNeeds &
  CheckNeeds &
  Pick<KernelQuestions, 'driverOf' | 'hcaPort' | 'portGuids'>

export type IpoibConf = {
  readonly master: IfName
  /** The parent's when undefined. */
  readonly pkey: Pkey | undefined
  readonly mode: IpoibMode | undefined
  /** Bytes; the kernel's own when undefined. */
  readonly mtu: number | undefined
  readonly guid: Guid | undefined
  readonly dns: CniDns | undefined
}

export type IpoibSaw = PodSaw & {
  readonly parent: Link | undefined
  readonly driver: string | undefined
  /** Looked at only for a configuration that names a P_Key or a GUID. */
  readonly port: HcaPort | undefined
  /** Those a child may bear; undefined when none is asked for. */
  readonly guids: readonly Guid[] | undefined
}

const read = confReader(IPOIB_CONF)
const MOVES_OVER = 'mlx5_core'
/** Of an IPoIB address: flags and queue pair, subnet prefix, GUID. */
const ADDRESS_BYTES = 20
const GID_START = 4
const GUID_START = 12
const SETTINGS = [
  { family: 4, name: 'proxy_arp', value: '1' },
  { family: 4, name: 'arp_notify', value: '1' },
  { family: 6, name: 'ndisc_notify', value: '1' },
] as const

export const ipoib: Plugin<IpoibConf, IpoibNeeds, IpoibSaw> = {
  type: 'ipoib',
  role: 'main',

  parse(raw, args) {
    const { value, warnings } = read(raw)
    if (value.master === undefined) throw fail('master-required')
    if (value.ipam?.type === 'dhcp') {
      throw fail('dhcp-unsupported', { more: 'RFC 4390 needs a client identifier' })
    }
    refuseMac(value, args)
    const { master, pkey, mode, mtu, runtimeConfig } = value
    const guid = runtimeConfig?.infinibandGUID ?? value.guid
    const conf = { master, pkey, mode, mtu: mtu || undefined, guid, dns: dnsOf(value.dns) }
    return { conf, warnings }
  },

  async observe(request, needs) {
    const [pod, parent] = await Promise.all([
      observePod(request, needs),
      needs.link('host', request.conf.master),
    ])
    if (parent?.kind.kind !== 'ipoib') {
      return { ...pod, parent, driver: undefined, port: undefined, guids: undefined }
    }
    const [driver, port] = await Promise.all([
      parent.pci === undefined ? undefined : needs.driverOf(parent.pci),
      request.conf.pkey === undefined && request.conf.guid === undefined
        ? undefined
        : needs.hcaPort(parent),
    ])
    const guids = request.conf.guid && (await guidsOf(parent, port, needs))
    return { ...pod, parent, driver, port, guids }
  },

  plan(request, saw) {
    const { conf, ifName: name } = request
    checkParent(conf.master, saw.parent)
    checkGuid(conf, saw)
    const { master: parent, mode, mtu, guid } = conf
    const pkey = conf.pkey === undefined ? undefined : asFullMember(conf.pkey)
    const set = { ...(mtu === undefined ? {} : { mtu }), addrGenMode: 'random' } as const
    return [
      ...planName(request, { ...saw, what: 'interface', kind: 'ipoib' }),
      ...planMadeLink(request, {
        way: saw.driver === MOVES_OVER ? 'move' : 'in-place',
        name,
        // upstream's children have user multicast, whatever the parent's is
        spec: { kind: 'ipoib', parent, pkey, mode, umcast: true },
        // The kernel ignores an MTU at creation: it is set right after.
        mtu: undefined,
        address: guid === undefined ? undefined : addressWith(guid, saw.parent),
        set,
      }),
      ...planAddressing(request, {
        ipv6Disabled: saw.ipv6Disabled,
        settings: SETTINGS,
        carriesLate: true,
      }),
    ]
  },

  /** The kernel makes the address (queue pair number, GID prefix), so it is not known yet. */
  answer(request) {
    const { mtu, dns } = request.conf
    return answerOf(request, { mac: undefined, mtu, dns })
  },

  warnings({ conf }, { port }) {
    const { pkey, master } = conf
    if (pkey === undefined || port === undefined) return []
    if (port.pkeys.some((each) => samePartition(each, pkey))) return []
    const where = `port ${port.port} of ${port.rdmaDevice} (${master})`
    return [`P_Key ${formatPkey(asFullMember(pkey))} is not on ${where}: waiting until it arrives`]
  },

  async check(request, needs) {
    const { pkey, mode, mtu, guid } = request.conf
    return checkMain(request, needs, {
      kind: 'ipoib',
      // The multicast group's MTU caps it, and is known only after the link joined.
      keepsMtu: false,
      settings: ({ kind, address, mtu: found }) => [
        { setting: 'P_Key', found: pkeyText(kind), wanted: pkey && formatPkey(asFullMember(pkey)) },
        { setting: 'mode', found: kind.kind === 'ipoib' && kind.mode, wanted: mode },
        { setting: 'MTU', found: Math.max(found, mtu ?? 0), wanted: mtu },
        { setting: 'GUID', found: address && guidOfAddress(address), wanted: guid },
      ],
    })
  },

  planDetach: (request) => detachLink(request, 'ipoib'),
}

/** The kernel makes an IPoIB address; nobody can choose its first 12 bytes. */
function refuseMac(value: IpoibDocument, args: CniArgs | undefined): void {
  const asked = [
    ['mac', value.mac],
    ['runtimeConfig.mac', value.runtimeConfig?.mac],
    ['CNI_ARGS MAC', args?.get('MAC') || undefined],
  ] as const
  for (const [field, mac] of asked) {
    if (mac === undefined) continue
    const reason = 'an IPoIB address is made by the kernel; guid chooses its last 8 bytes'
    throw fail('plugin-field-unsupported', { field, value: mac, type: 'ipoib', reason })
  }
}

function checkParent(master: IfName, parent: Link | undefined): void {
  if (parent === undefined) throw fail('master-missing', { master })
  if (parent.kind.kind !== 'ipoib') {
    throw fail('master-not-ipoib', { master, kind: kindName(parent), more: `master is ${master}` })
  }
  // A child names its parent's index, or, seen from another namespace, has nothing below it.
  const above = parent.parent !== undefined && parent.parent !== parent.index
  if (above || parent.pci === undefined) throw fail('master-is-child', { master })
  if (!parent.up) throw fail('master-down', { master })
}

/** The GUID of the parent's address is the port's, also where sysfs does not show the port. */
async function guidsOf(
  { address }: Link,
  port: HcaPort | undefined,
  needs: Pick<IpoibNeeds, 'portGuids'>,
): Promise<readonly Guid[]> {
  const own = address && guidOfAddress(address)
  const others = port === undefined ? [] : await needs.portGuids(port)
  return [...new Set(own === undefined ? others : [own, ...others])]
}

/** The kernel takes any GUID but joins no group under one that is not in the port's GID table. */
function checkGuid({ guid, master }: IpoibConf, { guids = [] }: IpoibSaw): void {
  if (guid === undefined || guids.includes(guid)) return
  throw fail('guid-not-on-port', { guid, master, guids: guids.join(', ') })
}

/**
 * Flags and queue pair (4 bytes) are the kernel's own affair, but the GID behind
 * them it takes as it is: under another subnet prefix than the port's a child
 * joins nothing.
 */
function addressWith(guid: Guid, parent: Link | undefined): HardwareAddress {
  const bytes = new Uint8Array(ADDRESS_BYTES)
  if (parent?.address !== undefined) {
    bytes.set(hardwareAddressToBytes(parent.address).subarray(GID_START, GUID_START), GID_START)
  }
  new DataView(bytes.buffer).setBigUint64(GUID_START, guidToBits(guid))
  return hardwareAddressFromBytes(bytes)
}

function pkeyText(kind: Link['kind']): string | undefined {
  return kind.kind === 'ipoib' ? formatPkey(asFullMember(kind.pkey)) : undefined
}
