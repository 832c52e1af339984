import { deepEqual, equal, match, rejects, throws } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Files } from '#needs/files.ts'
import { parseIfName } from '#values/if-name.ts'
import { type HostLocalConf, hostLocalIpam } from './host-local.ts'
import type { Reservation } from './ipam.ts'

/** Files in memory, with the reads counted. */
function filesOf(start: Record<string, string> = {}) {
  const texts = new Map(Object.entries(start))
  const reads = new Map<string, number>()
  let turn: Promise<unknown> = Promise.resolve()
  const files: Files = {
    read: async (path) => {
      reads.set(path, (reads.get(path) ?? 0) + 1)
      return texts.get(path)
    },
    createExclusive: async (path, text) => !texts.has(path) && texts.set(path, text).has(path),
    replace: async (path, text) => void texts.set(path, text),
    remove: async (path) => texts.delete(path),
    list: async (folder) =>
      [...texts.keys()]
        .filter((p) => p.startsWith(`${folder}/`))
        .map((p) => p.slice(folder.length + 1)),
    locked: (_, work) => {
      const mine = turn.then(work)
      turn = mine.catch(() => undefined)
      return mine
    },
  }
  return { files, texts, reads }
}

const DIR = '/var/lib/cni/networks/net'
const SIMPLE = { subnet: '10.1.2.0/24' }

function world(start: Record<string, string> = {}) {
  const disk = filesOf(start)
  const ipam = hostLocalIpam({ files: disk.files })
  const parse = (part: object, rest: object = {}): HostLocalConf =>
    ipam.parse({
      cniVersion: '1.0.0',
      name: 'net',
      type: 'macvlan',
      ...rest,
      ipam: { type: 'host-local', ...part },
    }).conf
  const asking = (conf: HostLocalConf, container = 'c1', requested: string[] = []) => ({
    conf,
    requested,
    args: '',
    cniVersion: '1.0.0' as const,
    pod: undefined,
    namespace: undefined,
    owner: { pod: undefined, network: 'net', containerId: container, ifName: parseIfName('eth0') },
  })
  return { ...disk, ipam, parse, asking }
}

function ipsOf({ addressing }: Reservation): string[] {
  return addressing.ips.map(({ address }) => address)
}

test('reserve() of host-local gives the first address, then the next, never the gateway', async () => {
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

test('20 at once on 20 addresses get 20; the next is refused in the words of upstream', async () => {
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
    text: 'failed to allocate for range 0: requested IP address 10.1.2.99 is not available in range set 10.1.2.1-10.1.2.254',
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

const WRONG: readonly { does: string; part?: object; rest?: object; text: RegExp }[] = [
  { does: 'no range', part: {}, text: /^no IP ranges specified$/ },
  { does: 'an empty set', part: { ranges: [[]] }, text: /^invalid range set 0: empty range set$/ },
  {
    does: 'a network too small',
    part: { subnet: '192.0.2.0/31' },
    text: /^invalid range set 0: Network 192\.0\.2\.0\/31 too small to allocate from$/,
  },
  {
    does: 'host bits',
    part: { subnet: '10.1.2.5/24' },
    text: /^invalid range set 0: Network has host bits set\. For a subnet mask of length 24 the network address is 10\.1\.2\.0$/,
  },
  {
    does: 'a start outside',
    part: { ...SIMPLE, rangeStart: '10.1.3.1' },
    text: /^invalid range set 0: RangeStart 10\.1\.3\.1 not in network 10\.1\.2\.0\/24$/,
  },
  {
    does: 'an end outside',
    part: { ...SIMPLE, rangeEnd: '10.1.3.1' },
    text: /^invalid range set 0: RangeEnd 10\.1\.3\.1 not in network 10\.1\.2\.0\/24$/,
  },
  {
    does: 'a start after its end',
    part: { ...SIMPLE, rangeStart: '10.1.2.9', rangeEnd: '10.1.2.5' },
    text: /^invalid range set 0: RangeStart 10\.1\.2\.9 not in network 10\.1\.2\.0\/24$/,
  },
  {
    does: 'two families in a set',
    part: { ranges: [[SIMPLE, { subnet: 'fd00::/64' }]] },
    text: /^invalid range set 0: mixed address families$/,
  },
  {
    does: 'ranges of a set that overlap',
    part: { ranges: [[SIMPLE, SIMPLE]] },
    text: /^invalid range set 0: subnets 10\.1\.2\.1-10\.1\.2\.254 and 10\.1\.2\.1-10\.1\.2\.254 overlap$/,
  },
  {
    does: 'sets that overlap',
    part: { ranges: [[SIMPLE], [SIMPLE]] },
    text: /^range set 0 overlaps with 1$/,
  },
  {
    does: 'a CIDR that is none',
    part: { subnet: '10.1.2' },
    text: /invalid range set 0: .*10\.1\.2/,
  },
  {
    does: 'a route that is none',
    part: { ...SIMPLE, routes: [{ dst: 'all' }] },
    text: /ipam\.routes\[0\]\.dst.*all/,
  },
  {
    does: 'a network name that leaves the folder',
    part: SIMPLE,
    rest: { name: '../x' },
    text: /name.*\.\.\/x/,
  },
  { does: 'a wrong type', part: { subnet: 5 }, text: /ipam\.subnet.*5/ },
]
for (const { does, part = {}, rest, text } of WRONG) {
  test(`parse() of host-local refuses ${does}`, () => {
    const { parse } = world()
    throws(
      () => parse(part, rest),
      (failure: Error) => {
        match(failure.message, text)
        return true
      },
    )
  })
}

test('parse() of host-local wants ipam, takes keys in any case, warns of strange ones', () => {
  const { ipam } = world()
  throws(() => ipam.parse({ name: 'net' }), { message: "IPAM config missing 'ipam' key" })
  const { conf, warnings } = ipam.parse({
    name: 'net',
    ipam: { type: 'host-local', Subnet: '10.1.2.0/24', rangestart: '10.1.2.9', mystery: 1 },
  })
  equal(conf.document.rangeStart, '10.1.2.9')
  deepEqual(warnings, ['ipam.mystery is not known and has no effect'])
})

test('runtimeConfig.ipRanges stand before the ranges of the configuration', async () => {
  const { ipam, parse, asking } = world()
  const conf = parse(SIMPLE, { runtimeConfig: { ipRanges: [[{ subnet: '10.5.0.0/24' }]] } })
  deepEqual(ipsOf(await ipam.reserve(asking(conf))), ['10.5.0.2/24', '10.1.2.2/24'])
})

test('an old version has one address of each family', async () => {
  const { ipam, parse, asking } = world()
  const conf = parse({ ranges: [[SIMPLE], [{ subnet: '10.5.0.0/24' }]] })
  await rejects(ipam.reserve({ ...asking(conf), cniVersion: '0.2.0' }), {
    message: 'CNI version 0.2.0 does not support more than 1 address per family',
  })
})

test("release() frees what is the owner's, twice, without configuration, and nothing else", async () => {
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
  match(
    fault?.message ?? '',
    /^host-local: Failed to find address 10\.1\.2\.2\/24 added by container c1$/,
  )
})

test('resolvConf becomes dns', async () => {
  const { ipam, parse, asking } = world({
    '/etc/resolv.conf':
      '# here\nnameserver 10.0.0.1\nnameserver 10.0.0.2\ndomain a.b\nsearch a.b c.d\noptions ndots:5\n',
  })
  const { addressing } = await ipam.reserve(
    asking(parse({ ...SIMPLE, resolvConf: '/etc/resolv.conf' })),
  )
  deepEqual(addressing.dns, {
    nameservers: ['10.0.0.1', '10.0.0.2'],
    domain: 'a.b',
    search: ['a.b', 'c.d'],
    options: ['ndots:5'],
  })
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
        const got = await ipam.reserve(request).then(
          (done) => ipsOf(done)[0],
          () => undefined,
        )
        if (got === undefined) equal(model.size, 5)
        else if (mine === undefined) equal([...model.values()].includes(got), false)
        else equal(got, mine)
        if (got !== undefined) model.set(`c${container}`, got)
      }
    }),
    { numRuns: 60 },
  )
})
