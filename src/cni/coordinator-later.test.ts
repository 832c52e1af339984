import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { parseCidr } from '#values/cidr.ts'
import { parseIp } from '#values/ip.ts'
import { coordinator } from './coordinator.ts'
import { stepLines } from './step-lines.ts'
import { kept, later, laterPlanned, pairedPod } from './coordinator-later-sample.ts'
import { conf, link, request, saw } from './coordinator-sample.ts'

const hostSide = (ip: string) => [
  `host: neigh add ${ip} lladdr 02:00:00:00:00:0a dev veth0123456789a`,
  `host: route add ${ip}/32 dev veth0123456789a table 500 scope link proto 118`,
  `host: rule add pref 1000 to ${ip}/32 lookup 500 proto 118`,
]
/** The main plugin's part of the first interface. */
const firstPlanned = laterPlanned.slice(0, 2).map((step) => {
  const name = request.ifName
  if (step.do === 'create-link') return { ...step, temp: name, name }
  return 'link' in step ? { ...step, link: name } : step
})
const laterSide = [
  'sysctl net/ipv4/conf/all/rp_filter=0 was 2',
  'sysctl net/ipv4/conf/net1/rp_filter=0 was -',
  ...hostSide('10.20.0.5'),
  'route add 10.9.0.5/32 dev veth0 table 102 scope link proto 118',
  'route add 192.168.7.5/32 dev veth0 table 102 scope link proto 118',
]
const moved = [
  'route add 10.20.0.0/16 dev net1 src 10.20.0.5 table 102 scope link proto 118',
  'route add 10.21.0.0/16 via 10.20.0.1 dev net1 table 102 scope global proto 118',
  'rule add pref 1001 from 10.20.0.5/32 lookup 102 proto 118',
  'route del 10.21.0.0/16 via 10.20.0.1 dev net1 table 254 scope global proto 118',
  'route del 10.20.0.0/16 dev net1 src 10.20.0.5 table 254 scope link proto 2',
]

test('plan() of coordinator moves the routes of a later interface that is still to be made', () => {
  const asked = { ...later, planned: laterPlanned }
  const lines = stepLines(coordinator.plan(asked, { ...saw, podLinks: pairedPod }))
  deepEqual(lines, [...laterSide, ...moved])
})

test('plan() of coordinator takes a pair that another attachment is going to make', () => {
  const planned = [...firstPlanned, ...coordinator.plan(request, saw), ...laterPlanned]
  deepEqual(stepLines(coordinator.plan({ ...later, planned }, saw)), [...laterSide, ...moved])
})

test('plan() of coordinator looks at the routes of a later interface that is there', () => {
  const podLinks = [...pairedPod, { ...link, name: later.ifName, up: false }]
  const podRoutes = [
    {
      ...kept,
      via: parseIp('10.20.0.1'),
      dst: parseCidr('10.30.0.0/16'),
      scope: 'global',
      protocol: 3,
    } as const,
    kept,
    { ...kept, dev: request.ifName },
    { ...kept, table: 255 },
    { ...kept, dst: parseCidr('10.20.0.9/32'), dev: link.name, table: 101 },
    { ...kept, dst: parseCidr('fe80::/64'), src: undefined },
  ]
  const sysctls = { ...saw.sysctls, 'net/ipv4/conf/net1/rp_filter': '1' }
  const lines = stepLines(coordinator.plan(later, { ...saw, podLinks, podRoutes, sysctls }))
  deepEqual(lines, [
    'link set net1 up',
    'sysctl net/ipv4/conf/all/rp_filter=0 was 2',
    'sysctl net/ipv4/conf/net1/rp_filter=0 was 1',
    ...laterSide.slice(2),
    'route add 10.20.0.0/16 dev net1 src 10.20.0.5 table 102 scope link proto 118',
    'route add 10.30.0.0/16 via 10.20.0.1 dev net1 src 10.20.0.5 table 102 scope global proto 118',
    'rule add pref 1001 from 10.20.0.5/32 lookup 102 proto 118',
    'route del 10.30.0.0/16 via 10.20.0.1 dev net1 src 10.20.0.5 table 254 scope global proto 3',
    'route del 10.20.0.0/16 dev net1 src 10.20.0.5 table 254 scope link proto 2',
  ])
})

test('plan() of coordinator leaves the routes of a later interface when told to', () => {
  const asked = { ...later, planned: laterPlanned, conf: { ...conf, tunePodRoutes: false } }
  deepEqual(stepLines(coordinator.plan(asked, { ...saw, podLinks: pairedPod })), laterSide)
})
