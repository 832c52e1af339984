/**
 * A simulated host as a file says it: links, addresses, routes, RDMA devices,
 * namespaces, files, documents. What is left out has a default; a key that is
 * not known, and a text that cannot be read, is a fault with its path.
 *
 * Spec: docs/reference/world.md.
 * @module
 */
import { BOND_MODES } from '#values/bond.ts'
import { parseCidr } from '#values/cidr.ts'
import { failureIn } from '#values/failure.ts'
import { parseGuid } from '#values/guid.ts'
import { parseHardwareAddress } from '#values/hardware-address.ts'
import { parseIfName } from '#values/if-name.ts'
import { parseIp } from '#values/ip.ts'
import type { NftTable } from '#values/nft.ts'
import { parsePciAddress } from '#values/pci-address.ts'
import { parsePkey, pkeyFromBits } from '#values/pkey.ts'
import { STEP_KINDS } from '#values/step.ts'
import { isRecord, z } from './zod.ts'

const TABLES: Readonly<Record<string, number>> = { default: 253, main: 254, local: 255 }
/** Kinds of links: the kernel's own words, and those that people have for a network card. */
const LINK_KINDS = [
  ...['physical', 'ether', 'ethernet', 'eth', 'nic', 'device', 'lo', 'loopback', 'ipoib'],
  ...[
    'infiniband',
    'macvlan',
    'ipvlan',
    'vlan',
    'veth',
    'bridge',
    'bond',
    'dummy',
    'macvtap',
    'ipvtap',
    'ifb',
    'tun',
    'vxlan',
  ],
  ...['geneve', 'gre', 'gretap', 'ipip', 'sit', 'ip6tnl', 'vrf', 'wireguard', 'team', 'netkit'],
  ...['macsec', 'openvswitch', 'vcan', 'nlmon', 'xfrm', 'vti'],
] as const

/** Of all kinds of links that have one: IPoIB, macvlan, ipvlan, bond. */
const MODES = [
  ...['datagram', 'connected', 'private', 'vepa', 'bridge', 'passthru', 'l2', 'l3', 'l3s'],
  ...BOND_MODES,
] as const

/** A text that `parse` takes; it stays the text that it is. */
function readable(parse: (text: string) => unknown): z.ZodType<string> {
  return z.string().superRefine((text, ctx) => {
    const message = faultOf(() => parse(text))
    if (message !== undefined) ctx.addIssue({ code: 'custom', message })
  })
}

function faultOf(read: () => unknown): string | undefined {
  try {
    read()
    return undefined
  } catch (cause) {
    const failure = failureIn(cause)
    return failure?.message ?? String(cause)
  }
}

const ifName = readable(parseIfName)
const cidr = readable(parseCidr)
const ip = readable(parseIp)
const mac = readable(parseHardwareAddress)
const pci = readable(parsePciAddress)
const linkPlace = readable((text) => parseIfName(text.slice(text.lastIndexOf('/') + 1)))
const pkey = z.union([z.string(), z.int()]).superRefine((value, ctx) => {
  const message = faultOf(() =>
    typeof value === 'number' ? pkeyFromBits(value) : parsePkey(value),
  )
  if (message !== undefined) ctx.addIssue({ code: 'custom', message })
})
const table = z.union([
  z.int().min(0),
  z.enum(['default', 'main', 'local']).transform((name) => TABLES[name] ?? 0),
])

const address = z
  .union([
    z.string(),
    z.strictObject({
      cidr,
      duplicate: z.literal(true).exactOptional(),
      noPrefixRoute: z.literal(true).exactOptional(),
    }),
  ])
  .superRefine((value, ctx) => {
    const message = typeof value === 'string' ? faultOf(() => parseCidr(value)) : undefined
    if (message !== undefined) ctx.addIssue({ code: 'custom', message })
  })

/** As ip(8) shows them: an address alone is one host. */
function routeDestination(text: string): string {
  if (text === 'default') return text
  return text.includes('/') ? parseCidr(text) : parseIp(text)
}

const route = z.strictObject({
  dst: readable(routeDestination),
  via: ip.exactOptional(),
  dev: ifName.exactOptional(),
  table: table.exactOptional(),
  src: ip.exactOptional(),
  scope: z.enum(['global', 'link', 'host']).exactOptional(),
  priority: z.int().min(0).exactOptional(),
  onlink: z.literal(true).exactOptional(),
  protocol: z.int().min(0).max(255).exactOptional(),
})

const neighbour = z.strictObject({
  ip,
  address: mac.exactOptional(),
  permanent: z.literal(true).exactOptional(),
})

/** One link; what belongs to one kind alone is optional on all. */
const link = z.strictObject({
  name: ifName,
  kind: z.enum(LINK_KINDS).exactOptional(),
  index: z.int().min(1).exactOptional(),
  parent: linkPlace.exactOptional(),
  address: mac.exactOptional(),
  mtu: z.int().min(0).max(2_147_483_647).exactOptional(),
  up: z.boolean().exactOptional(),
  pkey: pkey.exactOptional(),
  mode: z.enum(MODES).exactOptional(),
  vlanId: z.int().min(0).max(4094).exactOptional(),
  master: ifName.exactOptional(),
  promiscuous: z.boolean().exactOptional(),
  allMulticast: z.boolean().exactOptional(),
  altNames: z.array(z.string()).exactOptional(),
  driver: z.string().exactOptional(),
  pci: pci.exactOptional(),
  group: z.int().min(0).exactOptional(),
  alias: z.string().exactOptional(),
  txQueueLength: z.int().min(0).exactOptional(),
  addrGenMode: z.enum(['eui64', 'none', 'random']).exactOptional(),
  addresses: z.array(address).exactOptional(),
  withoutPrefixRoute: z.array(cidr).exactOptional(),
  duplicates: z.array(cidr).exactOptional(),
  routes: z.array(route).exactOptional(),
  neighbours: z.array(neighbour).exactOptional(),
})

const rule = z.strictObject({
  family: z.literal([4, 6]),
  priority: z.int().min(0).exactOptional(),
  from: cidr.exactOptional(),
  to: cidr.exactOptional(),
  fwmark: z.strictObject({ mark: z.int(), mask: z.int() }).exactOptional(),
  table,
  protocol: z.int().min(0).max(255).exactOptional(),
})

const netns = z.strictObject({
  id: z.string().exactOptional(),
  links: z.array(link).exactOptional(),
  sysctl: z
    .record(
      z.string(),
      z.union([z.string(), z.int()]).transform((value) => String(value)),
    )
    .exactOptional(),
  rules: z.array(rule).exactOptional(),
  nftables: z
    .array(z.custom<NftTable>(isNftTable, { message: 'it is no table with name and chains' }))
    .exactOptional(),
})

function isNftTable(value: unknown): boolean {
  return isRecord(value) && typeof value['name'] === 'string' && Array.isArray(value['chains'])
}

const rdmaDevice = z.strictObject({
  name: z.string().min(1),
  pci: pci.exactOptional(),
  netns: z.string().exactOptional(),
  nodeGuid: readable(parseGuid).exactOptional(),
  pkeys: z.array(pkey).exactOptional(),
})

const path = readable((text) => {
  if (!text.startsWith('/')) throw new Error('it is not an absolute path')
})

const stage = z.discriminatedUnion('stage', [
  z.looseObject({
    stage: z.literal('steps'),
    steps: z.array(z.looseObject({ do: z.enum(STEP_KINDS) })),
  }),
  z.looseObject({
    stage: z.literal('foreign'),
    type: z.string(),
    env: z.record(z.string(), z.string()),
    stdin: z.string(),
  }),
])

/** A row that an earlier call printed: only what it cannot do without is looked at. */
const row = z.looseObject({
  attachment: z.string().min(1),
  state: z.enum(['intent', 'reserved', 'open', 'attached', 'detaching']),
  owner: z.looseObject({ containerId: z.string(), ifName, network: z.string() }),
  netns: path,
  mark: z.string(),
  request: z.looseObject({
    cniVersion: z.string(),
    plugins: z.array(z.looseObject({ type: z.string() })),
    args: z.string(),
  }),
  held: z.array(z.looseObject({ held: z.enum(['allocation', 'file']) })),
  stages: z.array(stage),
  root: z.looseObject({ network: z.string(), ifName, type: z.string() }),
})

export const world = z.strictObject({
  netns: z.record(z.string().min(1), netns).prefault({}),
  rdma: z
    .strictObject({
      mode: z.enum(['shared', 'exclusive']).exactOptional(),
      devices: z.array(rdmaDevice).exactOptional(),
    })
    .exactOptional(),
  wires: z
    .record(
      z.string(),
      z.strictObject({ links: z.array(z.string()), cut: z.boolean().exactOptional() }),
    )
    .exactOptional(),
  files: z
    .record(z.string(), z.string())
    .superRefine((files, ctx) => {
      for (const file of Object.keys(files).filter((one) => !one.startsWith('/'))) {
        const message = `${JSON.stringify(file)} is not an absolute path`
        ctx.addIssue({ code: 'custom', path: [file], message })
      }
    })
    .exactOptional(),
  objects: z.array(z.unknown()).exactOptional(),
  journal: z.array(row).exactOptional(),
  /** Paths of what an earlier call filled and the file had left out. */
  leftOut: z.array(z.string()).exactOptional(),
  /** Namespaces, devices and wires as the file had them before the first of those calls. */
  before: z.looseObject({}).exactOptional(),
})
export type World = z.output<typeof world>
