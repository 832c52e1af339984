import { deepEqual, equal, fail as assertFail } from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '#values/failure.ts'
import { bytesOfHex, readReplies } from '#test/captures/iproute2.ts'
import { type Message, readMessages } from '#wire/netlink/message.ts'
import { ADDRESS_MESSAGE, decodeAddress } from './address.ts'
import { LINK_MESSAGE, decodeLink } from './link.ts'
import { NEIGHBOUR_MESSAGE, decodeNeighbour } from './neighbour.ts'
import { ROUTE_MESSAGE, decodeRoute, encodeAddRoute } from './route.ts'
import { RULE_MESSAGE, decodeRule, encodeAddRule } from './rule.ts'

const KERNELS = ['7.2.13+deb14-amd64', '6.1.0-50-amd64'] as const
const replies = readReplies('iproute2')

function messages(command: string, kernel: string, type: number): Message[] {
  const found = replies.find((reply) => reply.command === command && reply.kernel === kernel)
  return (found?.received ?? [])
    .map(bytesOfHex)
    .flatMap(readMessages)
    .filter((message) => message.type === type)
}

for (const kernel of KERNELS) {
  test(`decodeLink() reads an IPoIB child (Linux ${kernel})`, () => {
    // The first answers hold no more than names: those of the link and of its parent.
    const found = messages('ip link show dev c1', kernel, LINK_MESSAGE.new)
      .map(({ payload }) => decodeLink(payload))
      .findLast(({ name }) => name === 'c1')
    if (found === undefined) throw new Error('no c1')
    const { rest, index, parent, address, ...link } = found
    deepEqual(link, {
      name: 'c1',
      arpType: 32,
      up: false,
      carrier: false,
      mtu: 2000,
      master: undefined,
      promiscuous: false,
      allMulticast: true,
      txQueueLength: 500,
      altNames: [],
      group: 0,
      alias: undefined,
      pci: undefined,
      kind: { kind: 'ipoib', pkey: 0x8001, mode: 'datagram', umcast: true },
    })
    equal(address?.split(':').length, 20)
    equal(index > 0 && parent !== undefined && rest.length > 10, true)
  })

  test(`decodeLink() reads the PCI function of an InfiniBand PF (Linux ${kernel})`, () => {
    const [message] = messages('ip link show dev ib0', kernel, LINK_MESSAGE.new).slice(-1)
    const link = decodeLink(message?.payload ?? new Uint8Array(0))
    equal(link.name, 'ib0')
    equal(link.pci?.startsWith('0000:0'), true)
    equal(link.kind.kind, 'ipoib')
  })

  test(`decodeAddress() reads addresses of both families (Linux ${kernel})`, () => {
    const found = messages('ip addr show', kernel, ADDRESS_MESSAGE.new).map(({ payload }) =>
      decodeAddress(payload),
    )
    const lo = found.filter((one) => one?.index === 1).map((one) => [one?.cidr, one?.scope])
    deepEqual(lo, [
      ['127.0.0.1/8', 'host'],
      ['::1/128', 'host'],
    ])
    equal(
      found.some((one) => one?.scope === 'link' && one.cidr.startsWith('fe80:')),
      true,
    )
  })

  test(`decodeRoute() reads the routes of a table (Linux ${kernel})`, () => {
    const found = messages('ip route show', kernel, ROUTE_MESSAGE.new).map(({ payload }) =>
      decodeRoute(payload),
    )
    const by = (dst: string) => found.find((one) => one?.dst === dst)
    const { via, table, protocol, scope, unicast } = by('0.0.0.0/0') ?? {}
    deepEqual(
      { via, table, protocol, scope, unicast },
      { via: '10.1.0.1', table: 254, protocol: 3, scope: 'global', unicast: true },
    )
    equal(by('10.22.0.0/16')?.src, '10.1.0.5')
    equal(by('10.23.0.0/16')?.onlink, true)
    equal(by('10.27.0.0/16')?.unicast, false)
    equal(by('10.30.0.0/16')?.via, 'fd00:1::1')
    equal(by('10.29.0.0/16')?.index, undefined)
    equal(
      by('10.29.0.0/16')?.rest.some(({ type }) => type === 9),
      true,
    )
  })

  test(`decodeRoute() reads the source of a looked-up route (Linux ${kernel})`, () => {
    const [message] = messages('ip route get 10.1.0.9', kernel, ROUTE_MESSAGE.new)
    const route = decodeRoute(message?.payload ?? new Uint8Array(0))
    deepEqual([route?.dst, route?.src, route?.cloned], ['10.1.0.9/32', '10.1.0.5', true])
  })

  test(`decodeRule() reads rules with marks, prefixes and large tables (Linux ${kernel})`, () => {
    const found = messages('ip rule show', kernel, RULE_MESSAGE.new).map(({ payload }) =>
      decodeRule(payload),
    )
    deepEqual(
      found.map((one) => one?.priority),
      [0, 1000, 1001, 1002, 1003, 1004, 1005, 32765, 32766, 32767],
    )
    deepEqual(found.find((one) => one?.priority === 1004)?.fwmark, { mark: 0x10, mask: 0xff })
    const { to, table } = found.find((one) => one?.priority === 1001) ?? {}
    deepEqual({ to, table }, { to: '10.20.0.0/16', table: 1000 })
    equal(
      found.every((one) => one?.looksUp),
      true,
    )
  })

  test(`decodeNeighbour() reads neighbours with 20-byte addresses (Linux ${kernel})`, () => {
    const found = messages('ip neigh show dev c1', kernel, NEIGHBOUR_MESSAGE.new)
      .map(({ payload }) => decodeNeighbour(payload))
      .find((one) => one?.ip === '10.1.0.9')
    equal(found?.address, '80:00:00:0b:fe:80:00:00:00:00:00:00:00:02:c9:03:00:f0:00:11')
    equal(found?.permanent, true)
  })
}

test('encodeAddRoute() and encodeAddRule() take what their decoders give', () => {
  const all = replies.flatMap(({ received }) => received.map(bytesOfHex).flatMap(readMessages))
  let seen = 0
  for (const { type, payload } of all) {
    if (type === ROUTE_MESSAGE.new) {
      const route = decodeRoute(payload)
      if (route === undefined || !route.unicast) continue
      const back = decodeRoute(encodeAddRoute(route).payload)
      deepEqual({ ...back, cloned: route.cloned, rest: [] }, { ...route, rest: [] })
      seen++
    }
    if (type === RULE_MESSAGE.new) {
      const rule = decodeRule(payload)
      if (rule === undefined) continue
      deepEqual({ ...decodeRule(encodeAddRule(rule).payload), rest: [] }, { ...rule, rest: [] })
      seen++
    }
  }
  equal(seen > 40, true)
})

const DECODERS = new Map<number, (payload: Uint8Array) => unknown>([
  [LINK_MESSAGE.new, decodeLink],
  [ADDRESS_MESSAGE.new, decodeAddress],
  [ROUTE_MESSAGE.new, decodeRoute],
  [RULE_MESSAGE.new, decodeRule],
  [NEIGHBOUR_MESSAGE.new, decodeNeighbour],
])

// A payload cut where an attribute ends is a shorter whole: it may lack what must be there.
test('every decoder of a cut payload throws truncated or missing, or decodes less', () => {
  for (const { received } of replies) {
    for (const { type, payload } of received.map(bytesOfHex).flatMap(readMessages)) {
      const decode = DECODERS.get(type)
      if (decode === undefined) continue
      for (let length = 0; length < payload.length; length++) {
        onlyCut(() => decode(payload.subarray(0, length)))
      }
    }
  }
})

test('decodeLink() shows a name that is no UTF-8 by question marks', () => {
  const message = messages('ip link show dev c1', KERNELS[0], LINK_MESSAGE.new).at(-1)
  const payload = Uint8Array.from(message?.payload ?? [])
  payload.set([0xff, 0x31], 20)
  equal(decodeLink(payload).name.startsWith('?1'), true)
})

function onlyCut(run: () => unknown): void {
  const codes = ['netlink-truncated', 'netlink-attribute-missing']
  try {
    run()
  } catch (thrown) {
    if (thrown instanceof Failure && codes.includes(thrown.code)) return
    assertFail(thrown instanceof Error ? thrown : String(thrown))
  }
}
