/**
 * The child that most of these tests attach: its configuration, and what is in
 * its pod then.
 * @module
 */
import { guidText } from './fabric.ts'

/** A configuration that gives `10.77.0.HOST`, and a default route. */
export function confOf(host: number, more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    cniVersion: '1.1.0',
    name: 'fabric',
    type: 'ipoib',
    master: 'ibs5f0',
    ipam: {
      type: 'static',
      addresses: [{ address: `10.77.0.${host}/24`, gateway: '10.77.0.254' }],
      routes: [{ dst: '0.0.0.0/0' }],
    },
    ...more,
  }
}

/** What an attachment of `confOf(host)` adds to the state of a pod. */
export function attachedState(of: { host: number; container: string; guid: string }): string {
  const { host, container, guid } = of
  return `\
_: eth0@if_: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 2044 state UP group 30306
    link/infiniband 80:QQ:QQ:QQ:fe:80:00:00:00:00:00:00:${guidText(guid)} \
brd 00:ff:ff:ff:ff:12:40:1b:ff:ff:00:00:00:00:00:00:ff:ff:ff:ff
    ipoib pkey 0xffff mode datagram umcast 0001
    alias verbena:fabric/${container}/eth0
    inet 10.77.0.${host}/24 brd 10.77.0.255 scope global eth0
    inet6 fe80::_/64 scope link stable-privacy
default via 10.77.0.254 dev eth0 proto 118
10.77.0.0/24 dev eth0 proto kernel scope link src 10.77.0.${host}
local 10.77.0.${host} dev eth0 table local proto kernel scope host src 10.77.0.${host}
broadcast 10.77.0.255 dev eth0 table local proto kernel scope link src 10.77.0.${host}
fe80::/64 dev eth0 proto kernel metric 256 pref medium
local fe80::_ dev eth0 table local proto kernel metric 0 pref medium
multicast ff00::/8 dev eth0 table local proto kernel metric 256 pref medium
`
}

/** Lines of a state that were not in the one before. */
export function onlyNew(state: string, before: string): string {
  const known = new Set(before.split('\n'))
  return state
    .split('\n')
    .filter((line) => !known.has(line))
    .map((line) => `${line}\n`)
    .join('')
}
