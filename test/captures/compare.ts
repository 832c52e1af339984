/**
 * Compares requests of ours with captured ones: to the byte, or as attribute
 * trees where an order or a zero byte differs.
 * @module
 */
import { deepEqual, equal, notEqual } from 'node:assert/strict'
import { type Attribute, type Bytes, readAttributes } from '#wire/netlink/attribute.ts'
import { type Message, type Request, encodeMessage, readMessages } from '#wire/netlink/message.ts'
import { type Capture, bytesOfHex, readCaptures } from './iproute2.ts'

/** Makes the request of a command; `at` finds what varies from machine to machine. */
export type Build = (at: { index: number; u32: (type: number) => number }) => Request
/** How it is compared: see {@link compareAll}. */
export type Case = Build | { readonly build: Build; readonly compare: Compare }
export type Compare = (ours: Message, theirs: Message) => void

/**
 * Compares the last message of every command of a capture file that `cases`
 * names, of both versions of iproute2; a case without a capture is a failure.
 * Returns how many were compared.
 */
export function compareAll(
  name: string,
  head: number,
  cases: Readonly<Record<string, Case>>,
): number {
  const captures = readCaptures(name)
  let compared = 0
  for (const [command, one] of Object.entries(cases)) {
    const found = captures.filter((capture) => capture.command === command)
    notEqual(found.length, 0, `no capture of ${command}`)
    for (const capture of found) {
      compareOne(capture, head, one)
      compared++
    }
  }
  return compared
}

/** Same header and the same attributes, in any order; texts with or without their zero byte. */
export function sameAttributes(head: number): Compare {
  return (ours, theirs) => {
    deepEqual(ours.payload.subarray(0, head), theirs.payload.subarray(0, head))
    deepEqual(sorted(ours.payload.subarray(head)), sorted(theirs.payload.subarray(head)))
  }
}

function compareOne(capture: Capture, head: number, one: Case): void {
  const theirs = lastOf(capture)
  const attributes = readAttributes(theirs.payload.subarray(head))
  const index = new DataView(theirs.payload.buffer, theirs.payload.byteOffset).getInt32(4, true)
  const build = typeof one === 'function' ? one : one.build
  const request = build({ index, u32: (type) => u32Of(attributes, type) })
  const bytes = encodeMessage(request, theirs.sequence)
  const said = `${capture.command} (iproute2 ${capture.iproute2})`
  equal(request.type, theirs.type, said)
  equal(request.flags, theirs.flags, said)
  if (typeof one === 'function') deepEqual(bytes, lastBytes(capture), said)
  const [ours] = readMessages(bytes)
  if (typeof one !== 'function' && ours !== undefined) one.compare(ours, theirs)
}

function lastBytes(capture: Capture): Bytes {
  return bytesOfHex(capture.sent.at(-1) ?? '')
}

function lastOf(capture: Capture): Message {
  const [message] = readMessages(lastBytes(capture))
  if (message === undefined) throw new Error(`${capture.command} sent nothing`)
  return message
}

function u32Of(attributes: readonly Attribute[], type: number): number {
  const found = attributes.find((attribute) => attribute.type === type)
  if (found === undefined) throw new Error(`no attribute ${type}`)
  return new DataView(found.data.buffer, found.data.byteOffset).getUint32(0, true)
}

/** Attributes by number, texts without their zero byte, IFLA_LINKINFO and its data opened. */
function sorted(bytes: Bytes): unknown[] {
  return readAttributes(bytes)
    .toSorted((a, b) => a.type - b.type)
    .map(({ type, data }) => {
      if (type !== 18) return [type, Array.from(data)]
      return [type, readAttributes(data).map((inner) => opened(inner))]
    })
}

function opened({ type, data }: Attribute): unknown[] {
  const text = new TextDecoder().decode(data).replace(/\0$/, '')
  if (type === 1) return [type, text]
  const [only] = readAttributes(data)
  // VETH_INFO_PEER: a whole link, header first.
  const isPeer = only !== undefined && only.type === 1 && only.data.length > 16
  return isPeer ? [type, sorted(only.data.subarray(16))] : [type, Array.from(data)]
}
