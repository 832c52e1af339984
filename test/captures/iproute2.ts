/**
 * Captured netlink traffic: what `ip` and `rdma` of iproute2 6.1.0 and 7.3.0
 * sent to Linux 6.1.0-50 and 7.2.13 and what those answered, each datagram in
 * hex under its command. Nothing is normalised: sequence numbers are clock
 * values, and indexes and descriptors are those of the machine.
 * @module
 */
import { readFileSync } from 'node:fs'

/** What one command sent, in order; the first messages are often its own look-ups. */
export type Capture = {
  readonly command: string
  readonly iproute2: string
  readonly kernel: string
  /** Of the last acknowledgement, negative; null for a dump. */
  readonly errno: number | null
  readonly sent: readonly string[]
  readonly note: string
}

/** What one command received, a datagram each. */
export type Reply = Pick<Capture, 'command' | 'iproute2' | 'kernel'> & {
  readonly received: readonly string[]
}

/** Requests in `test/captures/NAME.json`. */
export function readCaptures(name: string): readonly Capture[] {
  return JSON.parse(readFileSync(new URL(`./${name}.json`, import.meta.url), 'utf8'))
}

/** Replies in `test/captures/NAME-replies.json`. */
export function readReplies(name: string): readonly Reply[] {
  return JSON.parse(readFileSync(new URL(`./${name}-replies.json`, import.meta.url), 'utf8'))
}

/** Bytes of a datagram; without the zeroed rest of its buffer that iproute2 sends with a dump. */
export function bytesOfHex(hex: string): Uint8Array {
  const bytes = Uint8Array.fromHex(hex)
  const length = new DataView(bytes.buffer).getUint32(0, true)
  return bytes.subarray(length).every((byte) => byte === 0) ? bytes.subarray(0, length) : bytes
}
