import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { parseIp } from '#values/ip.ts'
import { type CoordinatorNeeds, coordinator } from './coordinator.ts'
import { stepLines } from './step-lines.ts'
import { kept, later } from './coordinator-later-sample.ts'
import { conf, request } from './coordinator-sample.ts'

test('planDetach() of coordinator takes the pair and both kinds of rules', () => {
  deepEqual(stepLines(coordinator.planDetach({ ...request, conf: undefined })), [
    'host: rule del pref 1000 to 172.91.0.100/32 lookup 500 proto 118',
    'host: rule del pref 1000 to 172.91.0.100/32 lookup 500 proto 0',
    'link del veth0 kind veth mark -',
  ])
})

test('planDetach() of coordinator leaves the pair to the first interface', () => {
  deepEqual(stepLines(coordinator.planDetach(later)), [
    'host: rule del pref 1000 to 10.20.0.5/32 lookup 500 proto 118',
    'host: rule del pref 1000 to 10.20.0.5/32 lookup 500 proto 0',
    'rule del pref 1001 from 10.20.0.5/32 lookup 0 proto 118',
  ])
  deepEqual(coordinator.planDetach({ ...later, prevResult: undefined }), [])
})

const needs: CoordinatorNeeds = {
  below: () => 0,
  link: async () => undefined,
  links: async () => [],
  addresses: async () => [],
  routes: async () => [kept],
  rules: async () => [],
  sourceToward: async (to) => (to === '172.91.0.100' ? parseIp('10.9.0.5') : undefined),
  sysctl: async (_, path) => (path.startsWith('net/ipv4/conf/all/') ? '1' : undefined),
}

test('observe() of coordinator asks by prevResult, and for routes only if needed', async () => {
  const seen = await coordinator.observe(request, needs)
  deepEqual(seen.sources, ['10.9.0.5'])
  deepEqual(seen.podRoutes, [])
  deepEqual(seen.sysctls, {
    'net/ipv4/conf/all/rp_filter': '1',
    'net/ipv4/conf/eth0/rp_filter': undefined,
  })
  deepEqual((await coordinator.observe(later, needs)).podRoutes, [kept])
})

test('check() of coordinator tells the pair, the rule and the route that are gone', async () => {
  const failures = await coordinator.check(request, needs)
  deepEqual(
    failures.map(({ message }) => message),
    [
      'Interface veth0 is not in /run/netns/a',
      'Rule to 172.91.0.100/32 lookup 500 is missing in host',
      'Route to 172.91.0.100/32 is missing in table 500 of the host',
    ],
  )
  const asked = { ...request, conf: { ...conf, mode: 'disabled' } as const }
  deepEqual(await coordinator.check(asked, needs), [])
})
