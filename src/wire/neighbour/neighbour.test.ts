import { deepEqual, equal, ok } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parseHardwareAddress } from '#values/hardware-address.ts'
import { parseIp } from '#values/ip.ts'
import { NO_IP, decodeArp, encodeArpRequest } from './arp.ts'
import { type FrameLink, multicastBytes, payloadOf } from './frame.ts'
import { decodeNdp, encodeSolicitation, encodeUnsolicited, linkLocalOf } from './ndp.ts'

type Capture = { command: string; note: string; frame: string }
const file = new URL('../../../test/captures/neighbour.json', import.meta.url)
const captures: Capture[] = JSON.parse(readFileSync(file, 'utf8'))

function captured(note: string): Uint8Array {
  const found = captures.find((capture) => capture.note.startsWith(note))
  ok(found, `no capture ${note}`)
  return Uint8Array.fromHex(found.frame)
}

const mac = parseHardwareAddress('02:00:00:00:0a:01')
const ethernet: FrameLink = {
  arpType: 1,
  address: mac,
  broadcast: parseHardwareAddress('ff:ff:ff:ff:ff:ff'),
}
/** RFC 4391: flags and queue pair, subnet prefix, GUID; the group of P_Key 0x8001, scope 2. */
const infiniband: FrameLink = {
  arpType: 32,
  address: parseHardwareAddress('80:00:00:0b:fe:80:00:00:00:00:00:00:00:02:c9:03:00:f0:00:11'),
  broadcast: parseHardwareAddress('00:ff:ff:ff:ff:12:40:1b:80:01:00:00:00:00:00:00:ff:ff:ff:ff'),
}

test('encodeArpRequest() gives the bytes of the kernel, announcement and request', () => {
  const senderIp = parseIp('10.5.0.9')
  const announced = encodeArpRequest(ethernet, { senderIp, targetIp: senderIp })
  equal(announced.toHex(), captured('ARP announcement').toHex())
  const asked = encodeArpRequest(ethernet, { senderIp, targetIp: parseIp('10.5.0.1') })
  equal(asked.toHex(), captured('ARP request').toHex())
})

test('encodeUnsolicited() gives the bytes of the kernel', () => {
  const sent = encodeUnsolicited(ethernet, parseIp('fd05::9'))
  equal(sent.toHex(), captured('unsolicited').toHex())
})

test("encodeSolicitation() from nowhere is the kernel's without its nonce", () => {
  const theirs = captured('probe of duplicate')
  const ours = encodeSolicitation(ethernet, { target: parseIp('fd05::1') })
  const [length, checksum] = [18, 56]
  const same = (bytes: Uint8Array): string[] => {
    const hex = bytes.toHex()
    return [hex.slice(0, length * 2), hex.slice(40, checksum * 2), hex.slice(116, 156)]
  }
  deepEqual(same(ours), same(theirs))
  equal(ours.length, theirs.length - 8)
  equal(sumOf(ours), 0xffff)
  equal(sumOf(theirs), 0xffff)
})

/** Ones' complement sum of an ICMPv6 packet with its pseudo header: all ones when it is right. */
function sumOf(frame: Uint8Array): number {
  const packet = Buffer.from(frame.subarray(14))
  let sum = packet.readUInt16BE(4) + 58
  for (let at = 8; at < packet.length; at += 2) sum += packet.readUInt16BE(at)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return sum
}

test('decodeArp() reads requests, replies and announcements', () => {
  const read = (note: string) =>
    decodeArp(payloadOf(captured(note), 1) ?? new Uint8Array(), ethernet)
  deepEqual(read('ARP reply'), {
    sender: '02:00:00:00:0b:01',
    senderIp: '10.5.0.1',
    targetIp: '10.5.0.9',
  })
  deepEqual(read('ARP announcement'), { sender: mac, senderIp: '10.5.0.9', targetIp: '10.5.0.9' })
})

test('decodeNdp() reads probes and answers, and nothing else', () => {
  const read = (note: string) =>
    decodeNdp(payloadOf(captured(note), 1) ?? new Uint8Array(), ethernet)
  deepEqual(read('who has it'), {
    kind: 'advertisement',
    source: 'fd05::1',
    target: 'fd05::1',
    address: '02:00:00:00:0b:01',
  })
  deepEqual(read('probe of'), {
    kind: 'solicitation',
    source: '::',
    target: 'fd05::1',
    address: undefined,
  })
  equal(read('router'), undefined)
  equal(read('ARP reply'), undefined)
})

test('on IPoIB frames begin with the receiver, and addresses have 20 bytes', () => {
  const targetIp = parseIp('10.7.0.1')
  const frame = encodeArpRequest(infiniband, { senderIp: NO_IP, targetIp })
  equal(
    frame.toHex(),
    '00ffffffff12401b80010000000000' +
      '00ffffffff08060000' +
      '002008001404000180' +
      '00000bfe800000000000000002c90300f00011' +
      '00000000' +
      '00'.repeat(20) +
      '0a070001',
  )
  const payload = payloadOf(frame, 32)
  deepEqual(payload && decodeArp(payload, infiniband), {
    sender: infiniband.address,
    senderIp: NO_IP,
    targetIp,
  })
  equal(payload && decodeArp(payload, ethernet), undefined, 'of other hardware')
  const told = encodeUnsolicited(infiniband, parseIp('fd07::1'))
  const packet = payloadOf(told, 32)
  deepEqual(packet && decodeNdp(packet, infiniband), {
    kind: 'advertisement',
    source: 'fd07::1',
    target: 'fd07::1',
    address: infiniband.address,
  })
})

test('encodeSolicitation() from an address says where it can be answered', () => {
  for (const link of [ethernet, infiniband]) {
    const source = linkLocalOf(link)
    const frame = encodeSolicitation(link, { target: parseIp('fd05::1'), source })
    const payload = payloadOf(frame, link.arpType)
    deepEqual(payload && decodeNdp(payload, link), {
      kind: 'solicitation',
      source,
      target: 'fd05::1',
      address: link.address,
    })
  }
  equal(linkLocalOf(ethernet), 'fe80::ff:fe00:a01')
  equal(linkLocalOf(infiniband), 'fe80::2:c903:f0:1a')
})

test('multicastBytes() is RFC 2464 on Ethernet and RFC 4391 on IPoIB', () => {
  const group = parseIp('ff02::1:ff00:1')
  equal(multicastBytes(ethernet, group).toHex(), '3333ff000001')
  const mgid = 'ff12601b8001000000000001ff000001'
  equal(multicastBytes(infiniband, group).toHex(), `00ffffff${mgid}`)
})

test('what is cut at any length is not read', () => {
  for (const { note, frame } of captures) {
    const bytes = Uint8Array.fromHex(frame)
    for (let length = 0; length < bytes.length; length++) {
      const payload = payloadOf(bytes.subarray(0, length), 1)
      if (payload === undefined) continue
      equal(decodeArp(payload, ethernet), undefined, `${note} at ${length}`)
      const found = decodeNdp(payload, ethernet)
      ok(found === undefined || found.address === undefined, `${note} at ${length}`)
    }
  }
})
