import { deepEqual, equal, match, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DIR, SIMPLE, ipsOf, world } from '#test/ipam/host-local-world.ts'

test('reserve() gives the first address, then the next, never the gateway', async () => {
  const { ipam, parse, asking, texts } = world()
  const conf = parse({ ...SIMPLE, routes: [{ dst: '0.0.0.0/0' }] })
  const first = await ipam.reserve(asking(conf))
  deepEqual(first.addressing.ips, [
    { address: '10.1.2.2/24', gateway: '10.1.2.1', interface: undefined },
  ])
  deepEqual(
    first.addressing.routes.map(({ dst, gw }) => [dst, gw]),
    [['0.0.0.0/0', undefined]],
  )
  deepEqual(ipsOf(await ipam.reserve(asking(conf, 'c2'))), ['10.1.2.3/24'])
  deepEqual(Object.fromEntries(texts), {
    [`${DIR}/10.1.2.2`]: 'c1\r\neth0',
    [`${DIR}/10.1.2.3`]: 'c2\r\neth0',
    [`${DIR}/last_reserved_ip.0`]: '10.1.2.3',
  })
})

test('the guide gives 192.168.2.10 with its route and gateway', async () => {
  const { ipam, parse, asking } = world()
  const conf = parse({
    subnet: '192.168.2.0/24',
    rangeStart: '192.168.2.10',
    rangeEnd: '192.168.2.216',
    routes: [{ dst: '0.0.0.0/0' }],
    gateway: '192.168.2.1',
  })
  const { addressing } = await ipam.reserve(asking(conf))
  deepEqual(addressing.ips, [
    { address: '192.168.2.10/24', gateway: '192.168.2.1', interface: undefined },
  ])
})

test('reserve() goes round after the last address that was given', async () => {
  const { ipam, parse, asking } = world()
  const conf = parse({ subnet: '10.1.2.0/29', rangeStart: '10.1.2.4', rangeEnd: '10.1.2.6' })
  const give = async (container: string) => {
    const [ip] = ipsOf(await ipam.reserve(asking(conf, container)))
    await ipam.release({ conf, owner: asking(conf, container).owner, held: undefined })
    return ip
  }
  deepEqual(
    [await give('a'), await give('b'), await give('c'), await give('d')],
    ['10.1.2.4/29', '10.1.2.5/29', '10.1.2.6/29', '10.1.2.4/29'],
  )
})

test('reserve() gives the same container the same address again', async () => {
  const { ipam, parse, asking, texts } = world()
  const conf = parse(SIMPLE)
  const first = await ipam.reserve(asking(conf))
  deepEqual(await ipam.reserve(asking(conf)), first)
  equal(texts.size, 2)
})

test('reserve() knows what another program wrote, in the older form too', async () => {
  const { ipam, parse, asking } = world({
    [`${DIR}/10.1.2.2`]: 'other\r\neth0',
    [`${DIR}/10.1.2.3`]: 'c1',
    [`${DIR}/lock`]: '',
    [`${DIR}/last_reserved_ip.0`]: '10.1.2.2',
  })
  deepEqual(ipsOf(await ipam.reserve(asking(parse(SIMPLE)))), ['10.1.2.3/24'])
  deepEqual(ipsOf(await ipam.reserve(asking(parse(SIMPLE), 'c2'))), ['10.1.2.4/24'])
})

test('reserve() reads each file once, not at every ADD', async () => {
  const { ipam, parse, asking, reads } = world()
  const conf = parse(SIMPLE)
  for (let i = 0; i < 50; i++) await ipam.reserve(asking(conf, `c${i}`))
  equal(reads.get(`${DIR}/10.1.2.2`), undefined)
  const fresh = world(
    Object.fromEntries(
      Array.from({ length: 50 }, (_, i) => [`${DIR}/10.1.2.${i + 10}`, `c${i}\r\neth0`]),
    ),
  )
  for (let i = 0; i < 5; i++) await fresh.ipam.reserve(fresh.asking(fresh.parse(SIMPLE), `n${i}`))
  equal(fresh.reads.get(`${DIR}/10.1.2.20`), 1)
})

test('reserve() gives one address of each set, all or none', async () => {
  const { ipam, parse, asking, texts } = world()
  const conf = parse({
    ranges: [[SIMPLE], [{ subnet: 'fd00::/64', rangeStart: 'fd00::5', rangeEnd: 'fd00::5' }]],
  })
  deepEqual(ipsOf(await ipam.reserve(asking(conf))), ['10.1.2.2/24', 'fd00::5/64'])
  await rejects(ipam.reserve(asking(conf, 'c2')), {
    message:
      'failed to allocate for range 1: no IP addresses available in range set: fd00::5-fd00::5',
  })
  deepEqual(
    [...texts.keys()].filter((path) => !path.includes('last')),
    [`${DIR}/10.1.2.2`, `${DIR}/fd00::5`],
  )
})

test('20 at once on 20 addresses get 20; the next is refused as upstream does', async () => {
  const { ipam, parse, asking } = world()
  const conf = parse({ ...SIMPLE, rangeStart: '10.1.2.10', rangeEnd: '10.1.2.29' })
  const all = Array.from({ length: 20 }, (_, i) => ipam.reserve(asking(conf, `c${i}`)))
  equal(new Set((await Promise.all(all)).flatMap(ipsOf)).size, 20)
  await rejects(ipam.reserve(asking(conf, 'late')), {
    code: 'range-set-exhausted',
    message:
      'failed to allocate for range 0: no IP addresses available in range set: 10.1.2.10-10.1.2.29',
  })
})

const REQUESTED: readonly { does: string; ips: string[]; gives?: string[]; text?: string }[] = [
  { does: 'gives the address that is asked for', ips: ['10.1.2.77'], gives: ['10.1.2.77/24'] },
  { does: 'takes it with a prefix length', ips: ['10.1.2.78/24'], gives: ['10.1.2.78/24'] },
  {
    does: 'refuses the gateway',
    ips: ['10.1.2.1'],
    text: "failed to allocate for range 0: requested ip 10.1.2.1 is subnet's gateway",
  },
  {
    does: 'refuses one that is held',
    ips: ['10.1.2.99'],
    text:
      'failed to allocate for range 0: requested IP address 10.1.2.99 is not available in ' +
      'range set 10.1.2.1-10.1.2.254',
  },
  {
    does: 'refuses what no set has',
    ips: ['10.9.9.9'],
    text: 'failed to allocate all requested IPs: 10.9.9.9',
  },
  {
    does: 'refuses two of one set',
    ips: ['10.1.2.7', '10.1.2.8'],
    text: 'failed to allocate all requested IPs: 10.1.2.8',
  },
  { does: 'refuses what is no address', ips: ['here'], text: 'failed to parse IP address "here"' },
]
for (const { does, ips, gives, text } of REQUESTED) {
  test(`reserve() of host-local ${does}`, async () => {
    const { ipam, parse, asking, texts } = world({ [`${DIR}/10.1.2.99`]: 'x\r\neth0' })
    const done = ipam.reserve(asking(parse(SIMPLE), 'c1', ips))
    if (text === undefined) deepEqual(ipsOf(await done), gives)
    else {
      await rejects(done, { message: text })
      deepEqual(
        [...texts.keys()].filter((path) => /\.\d+\.\d+$/.test(path)),
        [`${DIR}/10.1.2.99`],
      )
    }
  })
}

test('release() frees what its owner has, twice, without configuration', async () => {
  const { ipam, parse, asking, texts } = world()
  const conf = parse(SIMPLE)
  const { held } = await ipam.reserve(asking(conf))
  await ipam.reserve(asking(conf, 'c2'))
  const { owner } = asking(conf)
  await ipam.release({ conf: undefined, owner, held })
  await ipam.release({ conf: undefined, owner, held })
  texts.set(`${DIR}/10.1.2.2`, 'c3\r\neth0')
  await ipam.release({ conf: undefined, owner, held })
  await ipam.release({ conf, owner, held: undefined })
  await ipam.release({ conf: undefined, owner, held: undefined })
  deepEqual([...texts.keys()].filter((path) => /\.\d+\.\d+$/.test(path)).toSorted(), [
    `${DIR}/10.1.2.2`,
    `${DIR}/10.1.2.3`,
  ])
})

test('check() of host-local speaks as upstream does', async () => {
  const { ipam, parse, asking, texts } = world()
  const conf = parse(SIMPLE)
  const { owner } = asking(conf)
  const { addressing } = await ipam.reserve(asking(conf))
  deepEqual(await ipam.check({ conf, owner, addressing }), [])
  texts.clear()
  const [fault] = await ipam.check({ conf, owner, addressing })
  match(fault?.message ?? '', /^host-local: Failed to find address added by container c1$/)
})

test('any order of ADD and DEL gives each address to one container', async () => {
  const call = fc.record({ add: fc.boolean(), container: fc.nat(6) })
  await fc.assert(
    fc.asyncProperty(fc.array(call, { maxLength: 40 }), async (calls) => {
      const { ipam, parse, asking } = world()
      const conf = parse({ subnet: '10.1.2.0/29' })
      const model = new Map<string, string>()
      for (const { add, container } of calls) {
        const request = asking(conf, `c${container}`)
        if (!add) {
          await ipam.release({ conf, owner: request.owner, held: undefined })
          model.delete(`c${container}`)
          continue
        }
        const mine = model.get(`c${container}`)
        const done = await ipam.reserve(request).catch(() => undefined)
        const got = done === undefined ? undefined : ipsOf(done)[0]
        if (got === undefined) equal(model.size, 5)
        else if (mine === undefined) equal([...model.values()].includes(got), false)
        else equal(got, mine)
        if (got !== undefined) model.set(`c${container}`, got)
      }
    }),
    { numRuns: 60 },
  )
})

test('reserve() takes away what a program that was killed left half-made', async () => {
  const { ipam, parse, asking, texts } = world({
    [`${DIR}/10.1.2.2`]: '',
    [`${DIR}/10.1.2.3`]: 'other\r\neth0',
    [`${DIR}/.12.34.tmp`]: 'c9\r\neth0',
  })
  deepEqual(ipsOf(await ipam.reserve(asking(parse(SIMPLE)))), ['10.1.2.2/24'])
  deepEqual([...texts.keys()].toSorted(), [
    `${DIR}/10.1.2.2`,
    `${DIR}/10.1.2.3`,
    `${DIR}/last_reserved_ip.0`,
  ])
})
