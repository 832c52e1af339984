/**
 * Steps as lines, one each, in the words of iproute2: what the tables of the
 * plan tests compare, so that an expected plan can be read.
 * @module
 */
import type { IfName } from '#values/if-name.ts'
import { formatPkey } from '#values/pkey.ts'
import type { Probe } from '#values/probe.ts'
import type { Route, Rule } from '#values/route.ts'
import type { ShareLink } from '#values/lent-link.ts'
import type { CreateLink, SetLink, Step } from '#values/step.ts'

/** `host: rule add …`; without a namespace's name it is the pod's. */
export function stepLines(steps: readonly Step[]): string[] {
  return steps.map((step) => {
    const onHost = 'where' in step && step.where === 'host'
    return (onHost ? 'host: ' : '') + line(step)
  })
}

function line(step: Step): string {
  switch (step.do) {
    case 'create-link':
      return createLine(step)
    case 'delete-link':
      return `link del ${step.names.join('|')} kind ${step.kind} mark ${step.mark ?? '-'}`
    case 'set-link':
      return setLine(step)
    case 'rename-link':
      return `link rename ${step.from} ${step.to}`
    case 'move-link':
      return `link move ${step.link} ${step.temp}`
    case 'return-link':
      return `link return ${step.names.join('|')} ${step.link ?? '-'} mark ${step.mark ?? '-'}`
    case 'share-link':
      return shareLine(step)
    case 'add-address':
    case 'remove-address':
      return `addr ${verb(step.do)} ${step.cidr} dev ${step.link}`
    case 'add-route':
    case 'remove-route':
      return `route ${verb(step.do)} ${routeText(step.route)}`
    case 'add-rule':
    case 'remove-rule':
      return `rule ${verb(step.do)} ${ruleText(step.rule)}`
    case 'add-neighbour':
    case 'remove-neighbour': {
      const { ip, address, link } = step.neighbour
      return `neigh ${verb(step.do)} ${ip} lladdr ${address} dev ${link}`
    }
    case 'set-sysctl':
      return `sysctl ${step.path}=${step.value} was ${step.was ?? '-'}`
    case 'add-nft-table':
    case 'remove-nft-table':
      return `nft ${verb(step.do)} ${step.table.name}`
    case 'probe':
      return `probe ${step.probes.map(probeText).join(', ')} dev ${step.link}`
    case 'announce':
      return `announce ${step.ips.join(', ')} dev ${step.link}`
  }
}

function verb(step: string): string {
  return step.startsWith('add-') ? 'add' : 'del'
}

function createLine({ way, temp, spec, mtu, address }: CreateLink): string {
  const own =
    spec.kind === 'veth'
      ? `peer ${spec.peer.name} ${spec.peer.address} mtu ${spec.peer.mtu}`
      : `on ${spec.parent}${kindWords(spec)}`
  const pkey = spec.kind === 'ipoib' && spec.pkey !== undefined ? formatPkey(spec.pkey) : undefined
  const rest = `${named('pkey', pkey)}${named('mtu', mtu)}${named('address', address)}`
  return `link add ${temp} kind ${spec.kind} ${way} ${own}${rest}`
}

function kindWords(spec: Exclude<CreateLink['spec'], { kind: 'veth' }>): string {
  const place = 'parentIn' in spec && spec.parentIn === 'pod' ? ' in pod' : ''
  if (spec.kind === 'vlan') return `${place} id ${spec.id}`
  const queue = spec.kind === 'macvlan' ? named('bcqueuelen', spec.bcQueueLength) : ''
  return `${place}${named('mode', spec.mode)}${queue}`
}

function shareLine({ name, spec }: ShareLink): string {
  if (spec.kind === 'vlan') return `link share ${name} kind vlan on ${spec.parent} id ${spec.id}`
  const { mode, ports, primary, options, arpTargets } = spec
  const set = Object.entries(options).map(([key, value]) => ` ${key} ${value}`)
  const targets = arpTargets.length === 0 ? '' : ` arp_ip_target ${arpTargets.join(',')}`
  const rest = `${set.join('')}${targets}${named('primary', primary)}`
  return `link share ${name} kind bond mode ${mode} ports ${ports.join(',')}${rest}`
}

function setLine({ link, set }: { link: IfName; set: SetLink['set'] }): string {
  const { up, ...rest } = set
  const settings = Object.entries(rest).map(([key, value]) => ` ${key} ${value}`)
  return `link set ${link}${settings.join('')}${up === true ? ' up' : ''}`
}

function routeText({ dst, via, dev, table, scope, src, priority, protocol }: Route): string {
  const way = `${named('via', via)}${named('dev', dev)}${named('src', src)}`
  return `${dst}${way} table ${table} scope ${scope}${named('metric', priority)} proto ${protocol}`
}

function ruleText({ from, to, fwmark, table, priority, protocol }: Rule): string {
  const mark = fwmark === undefined ? '' : ` fwmark ${fwmark.mark}/${fwmark.mask}`
  const match = `${named('from', from)}${named('to', to)}${mark}`
  return `pref ${priority}${match} lookup ${table} proto ${protocol}`
}

function probeText({ ip, conflict, gateway }: Probe): string {
  return `${ip}${conflict ? ' free' : ''}${named('gateway', gateway)}`
}

function named(name: string, value: unknown): string {
  return value === undefined ? '' : ` ${name} ${String(value)}`
}
