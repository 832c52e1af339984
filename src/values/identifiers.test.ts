import { equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { failureIn } from './failure.ts'
import { guidFromBits, guidToBits, parseGuid } from './guid.ts'
import {
  guidOfAddress,
  hardwareAddressFromBytes,
  hardwareAddressToBytes,
  parseHardwareAddress,
} from './hardware-address.ts'
import { shortHash } from './hash.ts'
import { parseIfName } from './if-name.ts'
import { lidFromBits, parseLid } from './lid.ts'
import { parseNetnsPath } from './netns.ts'
import { parsePciAddress } from './pci-address.ts'
import { asFullMember, formatPkey, parsePkey, pkeyFromBits, samePartition } from './pkey.ts'

const G = '02:00:00:00:00:00:00:01'
const IPOIB = `80:00:02:08:fe:80:00:00:00:00:00:00:${G}`

const PARSERS = {
  Guid: { parse: parseGuid, code: 'guid-invalid' },
  Pkey: { parse: parsePkey, code: 'pkey-invalid' },
  Lid: { parse: parseLid, code: 'lid-invalid' },
  PciAddress: { parse: parsePciAddress, code: 'pci-address-invalid' },
  IfName: { parse: parseIfName, code: 'if-name-invalid' },
  HardwareAddress: { parse: parseHardwareAddress, code: 'mac-invalid' },
  NetnsPath: { parse: parseNetnsPath, code: 'netns-invalid' },
} as const

const VALID: readonly (readonly [keyof typeof PARSERS, string, string | number])[] = [
  ['Guid', G, G],
  ['Guid', '0200:0000:0000:0001', G],
  ['Guid', '0x0200000000000001', G],
  ['Guid', '0200000000000001', G],
  ['Guid', 'FF:FF:FF:FF:FF:FF:FF:FF', 'ff:ff:ff:ff:ff:ff:ff:ff'],
  ['Pkey', '0x8001', 0x8001],
  ['Pkey', '0x1', 1],
  ['Pkey', '1000', 0x3e8],
  ['Pkey', '0xFFFF', 0xffff],
  ['Pkey', '32769', 0x8001],
  ['Lid', '0x2', 2],
  ['Lid', '49151', 0xbfff],
  ['PciAddress', '0000:86:00.0', '0000:86:00.0'],
  ['PciAddress', 'FFFF:FF:1F.7', 'ffff:ff:1f.7'],
  ['IfName', 'eth0', 'eth0'],
  ['IfName', 'ibs5f0.8001', 'ibs5f0.8001'],
  ['IfName', '123456789012345', '123456789012345'],
  ['IfName', 'ö-name', 'ö-name'],
  ['HardwareAddress', '02:00:00:00:00:0A', '02:00:00:00:00:0a'],
  ['HardwareAddress', '02-00-00-00-00-01', '02:00:00:00:00:01'],
  ['HardwareAddress', IPOIB, IPOIB],
  ['NetnsPath', '/run/netns/a b', '/run/netns/a b'],
]
for (const [what, text, value] of VALID) {
  test(`parse${what}(${text}) is ${value}`, () => equal(PARSERS[what].parse(text), value))
}

const INVALID: Readonly<Record<keyof typeof PARSERS, readonly string[]>> = {
  Guid: [
    '',
    '0',
    '00:00:00:00:00:00:00:00',
    '0x0000000000000000',
    '02:00:00:00:00:00:00',
    `${G}:00`,
    '02000000000000001',
    'g200000000000001',
    '0x200000000000001',
    ' 0200000000000001',
    '02-00-00-00-00-00-00-01',
  ],
  Pkey: [
    '',
    '0',
    '0x0',
    '0x8000',
    '32768',
    '65536',
    '0x10000',
    '-1',
    '1.5',
    '0x',
    'abc',
    '0x8001 ',
    '1e3',
  ],
  Lid: ['', '0', '0x0', '0xc000', '49152', '65535', '-1', 'x', '0x10000'],
  PciAddress: [
    '',
    '86:00.0',
    '0000:86:00',
    '0000:86:20.0',
    '0000:86:00.8',
    '0000:8g:00.0',
    '0000:86:00.0 ',
  ],
  IfName: ['', '.', '..', 'a/b', 'a:b', 'a b', 'a\tb', 'a\0', '1234567890123456', 'öööööööö'],
  HardwareAddress: [
    '',
    '02:00:00:00:00',
    '02:00:00:00:00:0g',
    '2:0:0:0:0:1',
    '0200.0000.0001',
    '02:00:00:00:00:01:02',
  ],
  NetnsPath: ['', 'run/netns/a', './a', '/a\0b'],
}
for (const what of [
  'Guid',
  'Pkey',
  'Lid',
  'PciAddress',
  'IfName',
  'HardwareAddress',
  'NetnsPath',
] as const) {
  for (const text of INVALID[what]) {
    test(`parse${what}(${JSON.stringify(text)}) is refused, naming it`, () => {
      throws(
        () => PARSERS[what].parse(text),
        (thrown) => {
          const failure = failureIn(thrown)
          equal(failure?.code, PARSERS[what].code)
          equal(
            failure?.details['text'] === text || failure?.details['text'] === Number(text),
            true,
          )
          return true
        },
      )
    })
  }
}

test('guidFromBits() and guidToBits() agree for all 64 bits', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }), (bits) => {
      const guid = guidFromBits(bits)
      equal(guidToBits(guid), bits)
      equal(parseGuid(guid), guid)
      equal(parseGuid(`0x${bits.toString(16).padStart(16, '0')}`), guid)
    }),
  )
  for (const bits of [-1n, 2n ** 64n]) throws(() => guidFromBits(bits), /GUID/)
})

test('P_Keys are read and printed alike, their membership bit apart', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 0xffff }), (bits) => {
      if ((bits & 0x7fff) === 0) return
      const pkey = pkeyFromBits(bits)
      equal(parsePkey(formatPkey(pkey)), pkey)
      equal(asFullMember(pkey), bits | 0x8000)
      equal(samePartition(pkey, asFullMember(pkey)), true)
    }),
  )
  equal(formatPkey(pkeyFromBits(1)), '0x0001')
  for (const bits of [0, 0x8000, 0x10000, -1, 1.5, Number.NaN]) {
    throws(() => pkeyFromBits(bits), /P_Key/)
  }
})

test('lidFromBits() takes unicast LIDs only', () => {
  equal(lidFromBits(0xbfff), 0xbfff)
  for (const bits of [0, 0xc000, 0xffff, -1, 1.5]) throws(() => lidFromBits(bits), /LID/)
})

test('guidOfAddress() reads the last eight bytes of an IPoIB address', () => {
  equal(guidOfAddress(parseHardwareAddress(IPOIB)), G)
  equal(guidOfAddress(parseHardwareAddress('02:00:00:00:00:01')), undefined)
  equal(guidOfAddress(hardwareAddressFromBytes(new Uint8Array(20))), undefined)
  equal(hardwareAddressFromBytes(hardwareAddressToBytes(parseHardwareAddress(IPOIB))), IPOIB)
})

test('shortHash() is FNV-1a of 64 bits', () => {
  const oracle = (text: string): bigint =>
    text
      .split('')
      .reduce(
        (hash, char) => ((hash ^ BigInt(char.charCodeAt(0))) * 0x100000001b3n) & (2n ** 64n - 1n),
        0xcbf29ce484222325n,
      )
  equal(oracle('foobar'), 0x85944171f73967e8n)
  fc.assert(
    fc.property(fc.string(), (text) => {
      equal(shortHash(text), oracle(text).toString(36).padStart(13, '0'))
    }),
  )
})
