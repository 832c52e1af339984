/**
 * Targets: the identifiers of `values/`. A canonical form reads as itself.
 * @module
 */
import { deepEqual, equal } from 'node:assert/strict'
import { addressOfName, allocationName } from '#ipam/index.ts'
import { networkOf, cidrParts, parseCidr } from '#values/cidr.ts'
import { guidFromBits, guidToBits, parseGuid } from '#values/guid.ts'
import {
  guidOfAddress,
  hardwareAddressFromBytes,
  hardwareAddressToBytes,
  parseHardwareAddress,
} from '#values/hardware-address.ts'
import { parseIfName } from '#values/if-name.ts'
import { formatRange, mergeRanges, parseRange, subtractRanges } from '#values/ip-range.ts'
import { ipFromBits, ipToBits, familyOf, parseIp } from '#values/ip.ts'
import { parseLid } from '#values/lid.ts'
import { parseNetnsPath } from '#values/netns.ts'
import { parsePciAddress } from '#values/pci-address.ts'
import { formatPkey, parsePkey } from '#values/pkey.ts'
import { textOf } from './engine.ts'
import { must, type Target } from './target.ts'

function textTarget(name: string, seeds: readonly string[], run: (text: string) => void): Target {
  return { name, form: 'text', seeds: () => seeds, run: (input) => run(textOf(input)) }
}

/** A parser whose value is the canonical text itself. */
function canonical<T extends string>(
  name: string,
  seeds: readonly string[],
  parse: (text: string) => T,
  laws: (value: T) => void = () => undefined,
): Target {
  return textTarget(name, seeds, (text) => {
    const value = parse(text)
    equal(
      must('the canonical form reads', () => parse(value)),
      value,
    )
    must('laws', () => laws(value))
  })
}

const GUIDS = ['02:5c:00:00:00:00:00:01', '0x00258B0300Ab00f1', 'fe80000000000000']
const ADDRESSES = [
  '00:11:22:33:44:55',
  '80:00:00:02:fe:80:00:00:00:00:00:00:00:02:c9:03:00:f0:00:99',
]

export const VALUE_TARGETS: readonly Target[] = [
  canonical('ip', ['10.1.0.5', 'fd00::5', '::', '::ffff:1.2.3.4', '1::8:0:0:1'], parseIp, (ip) => {
    equal(ipFromBits(familyOf(ip), ipToBits(ip)), ip)
    equal(addressOfName(allocationName(ip)), ip)
  }),
  canonical('cidr', ['10.1.0.5/24', 'fd00::5/64', '0.0.0.0/0', '::/0'], parseCidr, (cidr) => {
    equal(cidrParts(networkOf(cidr)).prefix, cidrParts(cidr).prefix)
    equal(networkOf(networkOf(cidr)), networkOf(cidr))
  }),
  canonical('guid', GUIDS, parseGuid, (guid) => equal(guidFromBits(guidToBits(guid)), guid)),
  canonical('hardware-address', ADDRESSES, parseHardwareAddress, (address) => {
    equal(hardwareAddressFromBytes(hardwareAddressToBytes(address)), address)
    guidOfAddress(address)
  }),
  canonical('if-name', ['eth0', 'ib0.8001', 'a@b'], parseIfName),
  canonical('netns-path', ['/run/netns/p1', '/proc/1/ns/net'], parseNetnsPath),
  canonical('pci-address', ['0000:86:00.1', '10000:01:00.0'], parsePciAddress),
  textTarget('pkey', ['0x8001', '32769', '0x1000', '1000'], (text) => {
    const pkey = parsePkey(text)
    equal(
      must('the canonical form reads', () => parsePkey(formatPkey(pkey))),
      pkey,
    )
  }),
  textTarget('lid', ['1', '0x10', '49151'], (text) => void parseLid(text)),
  textTarget('ip-range', ['10.1.0.1-10.1.0.9', '10.1.0.5', 'fd00::1-fd00::ff'], (text) => {
    const range = parseRange(text)
    deepEqual(
      must('the canonical form reads', () => parseRange(formatRange(range))),
      range,
    )
    deepEqual(mergeRanges([range, range]), [range])
    deepEqual(subtractRanges([range], [range]), [])
  }),
  textTarget('allocation-name', ['172.91.0.112', 'fd00-0-0-0-0-0-0-1'], (text) => {
    const ip = addressOfName(text)
    equal(
      must('its own name reads', () => addressOfName(allocationName(ip))),
      ip,
    )
  }),
]
