import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { parseCidr } from '#values/cidr.ts'
import { parseIfName } from '#values/if-name.ts'
import { connectedRoute } from './planned-routes.ts'

// as `ip route` and `ip -6 route` show it of Linux 6.18, November 2026
for (const { address, route } of [
  { address: '10.7.0.5/24', route: ['10.7.0.0/24', 'link', '10.7.0.5', undefined] },
  { address: '10.7.0.5/32', route: undefined },
  { address: 'fd07::5/64', route: ['fd07::/64', 'global', undefined, 256] },
  { address: 'fd07::5/128', route: ['fd07::5/128', 'global', undefined, 256] },
]) {
  test(`connectedRoute() of ${address} is what the kernel adds with it`, () => {
    const found = connectedRoute(parseCidr(address), parseIfName('net1'))
    deepEqual(found && [found.dst, found.scope, found.src, found.priority], route)
  })
}
