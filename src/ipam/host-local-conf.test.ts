import { deepEqual, equal, match, rejects, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { SIMPLE, ipsOf, world } from '#test/ipam/host-local-world.ts'

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
    text: /Network has host bits set\. For a subnet mask of length 24 .* address is 10\.1\.2\.0$/,
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
    text: /^invalid range set 0: subnets 10\.1\.2\.1-10\.1\.2\.254 and 10\.1\.2\.1-.* overlap$/,
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

test('resolvConf becomes dns', async () => {
  const { ipam, parse, asking } = world({
    '/etc/resolv.conf':
      '# here\nnameserver 10.0.0.1\nnameserver 10.0.0.2\n' +
      'domain a.b\nsearch a.b c.d\noptions ndots:5\n',
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
