/**
 * Steps as lines, one each, in the words of iproute2: what the tables of the
 * plan tests compare, so that an expected plan can be read.
 * @module
 */
import type { IfName } from '#values/if-name.ts'
import { formatPkey } from '#values/pkey.ts'
import type { Route, Rule } from '#values/route.ts'
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
  }
}

function verb(step: string): string {
  return step.startsWith('add-') ? 'add' : 'del'
}

function createLine({ way, temp, spec, mtu, address }: CreateLink): string {
  const own =
    spec.kind === 'veth'
      ? `peer ${spec.peer.name} ${spec.peer.address} mtu ${spec.peer.mtu}`
      : `on ${spec.parent}${named('mode', spec.mode)}`
  const pkey = spec.kind === 'ipoib' && spec.pkey !== undefined ? formatPkey(spec.pkey) : undefined
  const rest = `${named('pkey', pkey)}${named('mtu', mtu)}${named('address', address)}`
  return `link add ${temp} kind ${spec.kind} ${way} ${own}${rest}`
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

function named(name: string, value: unknown): string {
  return value === undefined ? '' : ` ${name} ${String(value)}`
}
