import { equal, ok, throws } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import ipaddr from 'ipaddr.js'
import { cidrParts, networkOf, parseCidr } from './cidr.ts'
import { failureIn } from './failure.ts'
import { bitsOf, familyOf, ipFromBits, ipToBits, parseIp } from './ip.ts'

const v4Bits = fc.bigInt({ min: 0n, max: 2n ** 32n - 1n })
const v6Bits = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }),
  // runs of zero groups, where the short form is decided
  fc
    .array(fc.constantFrom<bigint[]>(0n, 0n, 1n, 0xffffn), { minLength: 8, maxLength: 8 })
    .map((groups) => groups.reduce((bits, group) => (bits << 16n) | group, 0n)),
)

const VALID: readonly (readonly [text: string, canonical: string])[] = [
  ['0.0.0.0', '0.0.0.0'],
  ['255.255.255.255', '255.255.255.255'],
  ['172.91.0.112', '172.91.0.112'],
  ['::', '::'],
  ['::1', '::1'],
  ['FD00::ABCD', 'fd00::abcd'],
  ['fd00:0:0:0:0:0:0:1', 'fd00::1'],
  ['fd00:0:0:1:0:0:0:1', 'fd00:0:0:1::1'],
  ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
  ['2001:0db8::0001', '2001:db8::1'],
  ['1:0:0:2::', '1:0:0:2::'],
  ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
  ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
]
for (const [text, canonical] of VALID) {
  test(`parseIp(${text}) is ${canonical}`, () => equal(parseIp(text), canonical))
}

for (const text of [
  '',
  ' ',
  '1',
  '1.2.3',
  '1.2.3.4.5',
  '01.2.3.4',
  '1.2.3.04',
  '256.0.0.1',
  '1.2.3.-4',
  '1.2.3.4 ',
  '0x1.2.3.4',
  '1.2.3.4/24',
  '1.2.3.',
  'a.b.c.d',
  ':',
  ':::',
  '1::2::3',
  '1:2:3:4:5:6:7',
  '1:2:3:4:5:6:7:8:9',
  '12345::',
  'g::',
  'fe80::1%eth0',
  '1:2:3:4:5:6:7:8::',
  '::1.2.3',
  '::01.2.3.4',
  '1.2.3.4::',
  '[::1]',
  '١.2.3.4',
]) {
  test(`parseIp(${JSON.stringify(text)}) is refused`, () => {
    throws(
      () => parseIp(text),
      (thrown) => failureIn(thrown)?.code === 'ip-invalid',
    )
  })
}

test('IPv4 text agrees with ipaddr.js both ways', () => {
  fc.assert(
    fc.property(v4Bits, (bits) => {
      const ip = ipFromBits(4, bits)
      equal(
        ip,
        ipaddr
          .fromByteArray([24n, 16n, 8n, 0n].map((at) => Number((bits >> at) & 255n)))
          .toString(),
      )
      equal(ipToBits(ip), bits)
      equal(parseIp(ip), ip)
      equal(familyOf(ip), 4)
    }),
  )
})

test('IPv6 text agrees with ipaddr.js both ways, in RFC 5952 form', () => {
  fc.assert(
    fc.property(v6Bits, (bits) => {
      const bytes = Array.from({ length: 16 }, (_, i) =>
        Number((bits >> BigInt(120 - 8 * i)) & 255n),
      )
      const oracle = ipaddr.fromByteArray(bytes)
      const ip = ipFromBits(6, bits)
      ok(oracle instanceof ipaddr.IPv6)
      equal(ip, oracle.toRFC5952String())
      equal(ipToBits(ip), bits)
      equal(parseIp(oracle.toString()), ip)
      equal(familyOf(ip), 6)
    }),
    { numRuns: 500 },
  )
})

test('what parseIp() takes, ipaddr.js takes too', () => {
  const chars = fc.string({ unit: fc.constantFrom(...'0123456789abcf:.'.split('')), maxLength: 24 })
  fc.assert(
    fc.property(chars, (text) => {
      try {
        equal(
          ipToBits(parseIp(text)),
          BigInt(
            `0x${ipaddr
              .parse(text)
              .toByteArray()
              .map((byte) => byte.toString(16).padStart(2, '0'))
              .join('')}`,
          ),
        )
      } catch (thrown) {
        equal(failureIn(thrown)?.code, 'ip-invalid')
      }
    }),
    { numRuns: 2_000 },
  )
})

for (const [text, canonical] of [
  ['172.91.0.112/16', '172.91.0.112/16'],
  ['0.0.0.0/0', '0.0.0.0/0'],
  ['FD00::1/128', 'fd00::1/128'],
] as const) {
  test(`parseCidr(${text}) is ${canonical}`, () => equal(parseCidr(text), canonical))
}

for (const text of [
  '',
  '/',
  '1.2.3.4',
  '1.2.3.4/',
  '1.2.3.4/33',
  '1.2.3.4/-1',
  '1.2.3.4/08',
  '1.2.3.4/8/8',
  '1.2.3.4/x',
  'fd00::/129',
  '1.2.3/8',
  '/8',
  '1.2.3.4/ 8',
]) {
  test(`parseCidr(${JSON.stringify(text)}) is refused`, () => {
    throws(
      () => parseCidr(text),
      (thrown) => failureIn(thrown)?.code === 'cidr-invalid',
    )
  })
}

test('networkOf() agrees with ipaddr.js', () => {
  fc.assert(
    fc.property(v4Bits, fc.integer({ min: 0, max: 32 }), (bits, prefix) => {
      const cidr = parseCidr(`${ipFromBits(4, bits)}/${prefix}`)
      const network = ipaddr.IPv4.networkAddressFromCIDR(cidr).toString()
      equal(networkOf(cidr), `${network}/${prefix}`)
      equal(networkOf(networkOf(cidr)), networkOf(cidr))
    }),
  )
  fc.assert(
    fc.property(v6Bits, fc.integer({ min: 0, max: 128 }), (bits, prefix) => {
      const cidr = parseCidr(`${ipFromBits(6, bits)}/${prefix}`)
      const { ip, family } = cidrParts(networkOf(cidr))
      const oracle = ipaddr.IPv6.networkAddressFromCIDR(cidr)
      equal(ip, oracle.toRFC5952String())
      equal(bitsOf(family), 128)
    }),
  )
})
