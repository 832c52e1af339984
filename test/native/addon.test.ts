/**
 * The netns addon (`native/netns.c`) in the network namespace of this process: netlink exchanges,
 * files, failures, malformed programs. `namespaces.test.ts` has what enters others.
 * @module
 */
import { deepEqual, equal, match, ok, rejects, throws } from 'node:assert/strict'
import { closeSync, readSync, writeSync } from 'node:fs'
import { mkdtemp, rm, writeFile as write } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { NEEDS_ADDON, NEEDS_ROOT, transact } from './addon.ts'
import { DUMP_LINKS, link, NLM, RTM, linkNames, messageTypes } from './links.ts'
import {
  type Op,
  encodeProgram,
  netlink,
  run,
  readFile,
  writeFile,
  decodeResult,
} from './program.ts'

const ERROR = 2
const DONE = 3
const ack = NLM.request | NLM.ack
const missing = link({ type: RTM.getLink, flags: ack, index: 0x7ffffff0 })

test('transact() dumps the links of its own namespace', NEEDS_ADDON, async () => {
  const [answer] = await run(netlink(DUMP_LINKS))
  ok(answer)
  equal(answer.status, 0)
  ok(linkNames(answer.data).includes('lo'))
  equal(messageTypes(answer.data).at(-1), DONE)
})

test('transact() returns a Uint8Array, empty for an empty program', NEEDS_ADDON, async () => {
  const result = await transact(new Uint8Array())
  deepEqual([result.constructor, result.length], [Uint8Array, 0])
})

test('transact() takes a view into a larger buffer, and a copy of it', NEEDS_ADDON, async () => {
  const whole = Buffer.concat([Buffer.alloc(5, 0xff), encodeProgram([readFile('/proc/version')])])
  const pending = transact(whole.subarray(5))
  whole.fill(0xff)
  const [answer] = decodeResult(await pending)
  deepEqual([answer?.status, answer?.data.toString('utf8', 0, 5)], [0, 'Linux'])
})

test('netlink: a get with ACK is the reply and then its acknowledgement', NEEDS_ADDON, async () => {
  const [answer] = await run(netlink(link({ type: RTM.getLink, flags: ack, name: 'lo' })))
  ok(answer)
  equal(answer.status, 0)
  deepEqual(linkNames(answer.data), ['lo'])
  deepEqual(messageTypes(answer.data), [RTM.newLink, ERROR])
})

test('netlink: a dump with ACK ends once', NEEDS_ADDON, async () => {
  const flags = NLM.request | NLM.ack | NLM.dump
  const before = performance.now()
  const [answer] = await run(netlink(link({ type: RTM.getLink, flags })))
  equal(answer?.status, 0)
  ok(performance.now() - before < 5000)
})

test('netlink: a message without ACK is not waited for', NEEDS_ADDON, async () => {
  const before = performance.now()
  const [answer] = await run(netlink(link({ type: RTM.getLink, flags: NLM.request, index: 1 })))
  deepEqual(linkNames(answer?.data ?? Buffer.alloc(0)), ['lo'])
  ok(performance.now() - before < 5000)
})

test('netlink: several messages give every answer and the first errno', NEEDS_ADDON, async () => {
  const lo = link({ type: RTM.getLink, flags: ack, index: 1 })
  const [answer] = await run(netlink(Buffer.concat([lo, missing, lo])))
  ok(answer)
  equal(answer.status, -19)
  const types = [RTM.newLink, ERROR, ERROR, RTM.newLink, ERROR]
  deepEqual(messageTypes(answer.data), types)
})

test('netlink: a message without ACK that fails is an error too', NEEDS_ADDON, async () => {
  const unasked = link({ type: RTM.getLink, flags: NLM.request, index: 0x7ffffff0 })
  const [first, second] = await run(
    { ...netlink(unasked), goOn: true },
    netlink(link({ type: RTM.getLink, flags: ack, index: 1 })),
  )
  deepEqual([first?.status, second?.status], [-19, 0])
  deepEqual(messageTypes(second?.data ?? Buffer.alloc(0)), [RTM.newLink, ERROR])
})

test('netlink: 1,000 acknowledged messages in one exchange (root)', NEEDS_ROOT, async () => {
  const [answer] = await run(netlink(Buffer.concat(Array.from({ length: 1000 }, () => missing))))
  ok(answer)
  equal(answer.status, -19)
  equal(messageTypes(answer.data).length, 1000)
})

test('netlink: an unknown protocol is its errno', NEEDS_ADDON, async () => {
  deepEqual(await run(netlink(DUMP_LINKS, -1, 31)), [{ status: -93, data: Buffer.alloc(0) }])
})

test('netlink: a descriptor that is no namespace is its errno', NEEDS_ADDON, async () => {
  const status = (await run(netlink(DUMP_LINKS, 0x7fffffff)))[0]?.status
  ok(status === -9 || status === -1, `${status}`)
})

test('a failure stops what follows it', NEEDS_ADDON, async () => {
  const answers = await run(
    readFile('/proc/version'),
    netlink(missing),
    netlink(DUMP_LINKS),
    readFile('/proc/version'),
  )
  deepEqual(
    answers.map((a) => a.status),
    [0, -19, -125, -125],
  )
  deepEqual(
    answers.slice(2).map((a) => a.data.length),
    [0, 0],
  )
})

test('bit 0 goes on after a failure', NEEDS_ADDON, async () => {
  const answers = await run({ ...netlink(missing), goOn: true }, netlink(DUMP_LINKS))
  deepEqual(
    answers.map((a) => a.status),
    [-19, 0],
  )
})

test('files: read, write, and their errnos', NEEDS_ADDON, async () => {
  const at = await mkdtemp(join(tmpdir(), 'vbn-addon-'))
  try {
    await write(join(at, 'a'), 'longer than what follows')
    await write(join(at, 'full'), Buffer.alloc(65536, 'f'))
    await write(join(at, 'over'), Buffer.alloc(65537, 'o'))
    const [written, read, full, over, ...rest] = await run(
      writeFile({ path: join(at, 'a'), content: 'short' }),
      readFile(join(at, 'a')),
      readFile(join(at, 'full')),
      { ...readFile(join(at, 'over')), goOn: true },
      { ...readFile(join(at, 'none')), goOn: true },
      { ...writeFile({ path: join(at, 'none'), content: 'x' }), goOn: true },
      { ...readFile(at), goOn: true },
    )
    deepEqual(written, { status: 0, data: Buffer.alloc(0) })
    deepEqual(read, { status: 0, data: Buffer.from('short') })
    deepEqual([full?.status, full?.data.length], [0, 65536])
    deepEqual(over, { status: -27, data: Buffer.alloc(0) })
    deepEqual(
      rest.map((a) => a.status),
      [-2, -2, -21],
    )
  } finally {
    await rm(at, { recursive: true })
  }
})

test('a file lock is exclusive until its descriptor is closed', NEEDS_ADDON, async () => {
  const at = await mkdtemp(join(tmpdir(), 'vbn-addon-'))
  const lock = { op: 4, bytes: Buffer.from(join(at, 'lock')) }
  try {
    const [first, second] = await run(lock, lock)
    deepEqual([first?.status, first?.data.length, second?.status], [0, 4, -11])
    closeSync(first?.data.readUInt32LE() ?? -1)
    const [third] = await run(lock)
    equal(third?.status, 0)
    closeSync(third?.data.readUInt32LE() ?? -1)
  } finally {
    await rm(at, { recursive: true })
  }
})

const bad = (change: (raw: Buffer) => void, op = readFile('/proc/version')): Uint8Array => {
  const raw = Buffer.from(encodeProgram([readFile('/proc/version'), op]))
  change(raw.subarray(16 + '/proc/version'.length))
  return raw
}
for (const { does, raw } of [
  { does: 'a cut head', raw: bad(() => undefined).subarray(0, 40) },
  { does: 'cut bytes', raw: bad(() => undefined).subarray(0, -1) },
  { does: 'a length over the end', raw: bad((op) => op.writeUInt32LE(0xffffffff, 12)) },
  { does: 'operation 0', raw: bad((op) => op.writeUInt8(0, 0)) },
  { does: 'operation 6', raw: bad((op) => op.writeUInt8(6, 0)) },
  { does: 'an empty path', raw: encodeProgram([readFile('')]) },
  { does: 'a path with NUL', raw: encodeProgram([readFile('/a\0b')]) },
  { does: 'a path of 4096 bytes', raw: encodeProgram([readFile('/'.repeat(4096))]) },
  {
    does: 'a written path over its bytes',
    raw: encodeProgram([{ ...readFile('/a'), op: 2, arg: 3 }]),
  },
  { does: 'no message', raw: encodeProgram([netlink(Buffer.alloc(0))]) },
  { does: 'a cut message', raw: encodeProgram([netlink(DUMP_LINKS.subarray(0, 31))]) },
  {
    does: 'a message of 15 bytes',
    raw: encodeProgram([netlink(Buffer.from([15, ...Buffer.alloc(31)]))]),
  },
]) {
  test(`transact() rejects ${does}`, NEEDS_ADDON, async () => {
    await rejects(transact(raw), { code: 'EINVAL', message: /^Cannot run the netns program: / })
  })
}

test('transact() executes nothing of a malformed program', NEEDS_ADDON, async () => {
  const at = await mkdtemp(join(tmpdir(), 'vbn-addon-'))
  try {
    await write(join(at, 'a'), 'as it was')
    const ops = [writeFile({ path: join(at, 'a'), content: 'changed' }), readFile('')]
    await rejects(transact(encodeProgram(ops)), { code: 'EINVAL' })
    deepEqual((await run(readFile(join(at, 'a'))))[0]?.data.toString(), 'as it was')
  } finally {
    await rm(at, { recursive: true })
  }
})

for (const [does, argument] of Object.entries({
  nothing: undefined,
  text: 'program',
  'a Uint16Array': new Uint16Array(8),
  'an ArrayBuffer': new ArrayBuffer(16),
})) {
  test(`transact() rejects ${does}`, NEEDS_ADDON, async () => {
    const error: unknown = await Reflect.apply(transact, undefined, [argument]).catch(
      (e: unknown) => e,
    )
    ok(error instanceof Error)
    match(error.message, /argument is not a Uint8Array/)
  })
}

/** struct sockaddr_ll; `index` 1 is the loopback of any namespace. */
const openPacket = (etherType: number, index: number): Op => {
  const bytes = Buffer.alloc(20)
  bytes.writeUInt16LE(17, 0)
  bytes.writeUInt16BE(etherType, 2)
  bytes.writeInt32LE(index, 4)
  return { op: 5, arg: 0, bytes }
}

test('open packet gives a socket that never blocks (root)', NEEDS_ROOT, async () => {
  const [opened] = await run(openPacket(0x0806, 1))
  equal(opened?.status, 0)
  const fd = opened.data.readInt32LE(0)
  try {
    throws(() => readSync(fd, Buffer.alloc(64)), { code: 'EAGAIN' })
  } finally {
    closeSync(fd)
  }
})

test(
  'open packet sends whole frames, and takes in those of its type (root)',
  NEEDS_ROOT,
  async () => {
    const [arp, ipv6] = await run(openPacket(0x0806, 1), openPacket(0x86dd, 1))
    const [out = -1, other = -1] = [arp, ipv6].map((one) => one?.data.readInt32LE(0) ?? -1)
    const frame = Buffer.concat([Buffer.alloc(12), Buffer.from('08060001verbena', 'latin1')])
    try {
      frame.set([0x08, 0x06], 12)
      equal(writeSync(out, frame), frame.length)
      const got = Buffer.alloc(64)
      equal(readSync(out, got), frame.length)
      deepEqual(got.subarray(0, frame.length), frame)
      throws(() => readSync(other, got), { code: 'EAGAIN' })
    } finally {
      for (const fd of [out, other]) closeSync(fd)
    }
  },
)

test('open packet of a link that is not there is ENODEV (root)', NEEDS_ROOT, async () => {
  deepEqual((await run(openPacket(0x0806, 2_000_000_000)))[0]?.status, -19)
})

test('open packet with an address that is cut is EINVAL (root)', NEEDS_ROOT, async () => {
  const { bytes, ...op } = openPacket(0x0806, 1)
  deepEqual((await run({ ...op, bytes: bytes.subarray(0, 8) }))[0]?.status, -22)
})
