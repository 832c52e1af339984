import { deepEqual, equal, ok, throws } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { failureIn } from '#values/failure.ts'
import { type Frame, MAX_FRAME_BYTES, encodeFrame, frameReader } from './frame.ts'

const frames: readonly Frame[] = [
  {
    frame: 'request',
    pid: 4242,
    netnsId: '4:4026531840',
    argv0: 'ipoib',
    env: { CNI_COMMAND: 'ADD', CNI_ARGS: 'A=b;C=d' },
    stdin: '{"name":"nét"}',
  },
  { frame: 'ran', status: -1, stdout: '', stderr: 'failed to find plugin "x" in path [/a /b]' },
  { frame: 'result', status: 1, stdout: '{}' },
  { frame: 'run', type: 'tuning', env: { CNI_COMMAND: 'DEL' }, stdin: '' },
]
const isFrameInvalid = (thrown: unknown): boolean => failureIn(thrown)?.code === 'frame-invalid'
const read = (bytes: Uint8Array): Frame[] => frameReader().push(bytes)

test('encodeFrame() lays a result out as the shim reads it', () => {
  const bytes = encodeFrame({ frame: 'result', status: 1, stdout: 'ab' })
  deepEqual([...bytes], [11, 0, 0, 0, 3, 1, 0, 0, 0, 2, 0, 0, 0, 97, 98])
})

test('encodeFrame() lays a run out as the shim reads it', () => {
  const bytes = encodeFrame({ frame: 'run', type: 'x', env: { A: 'b' }, stdin: '' })
  const payload = [4, 1, 0, 0, 0, 120, 1, 0, 0, 0, 3, 0, 0, 0, 65, 61, 98, 0, 0, 0, 0]
  deepEqual([...bytes], [payload.length, 0, 0, 0, ...payload])
})

for (const frame of frames) {
  test(`frameReader() reads the ${frame.frame} that encodeFrame() wrote, cut anywhere`, () => {
    const bytes = encodeFrame(frame)
    deepEqual(read(bytes), [frame])
    for (let cut = 0; cut <= bytes.length; cut++) {
      const reader = frameReader()
      const before = reader.push(bytes.subarray(0, cut))
      equal(before.length, cut === bytes.length ? 1 : 0)
      deepEqual([...before, ...reader.push(bytes.subarray(cut))], [frame])
      equal(reader.waiting(), 0)
    }
  })

  test(`frameReader() refuses a ${frame.frame} that ends early at every length`, () => {
    const body = encodeFrame(frame).subarray(4)
    for (let size = 0; size < body.length; size++) {
      throws(() => read(framed(body.subarray(0, size))), isFrameInvalid, `at ${size}`)
    }
  })
}

test('frameReader() reads several frames from one push, and byte by byte', () => {
  const all = joined(frames.map(encodeFrame))
  deepEqual(read(all), frames)
  const reader = frameReader()
  deepEqual(
    [...all].flatMap((byte) => reader.push(Uint8Array.of(byte))),
    frames,
  )
})

for (const { what, bytes, reason } of [
  { what: 'no kind', bytes: [0, 0, 0, 0], reason: 'kind needs 1 bytes and 0 are there' },
  { what: 'an unknown kind', bytes: [1, 0, 0, 0, 9], reason: 'kind 9 does not exist' },
  {
    what: 'more than 16 MiB',
    bytes: [1, 0, 0, 1],
    reason: `${MAX_FRAME_BYTES + 1} bytes are over ${MAX_FRAME_BYTES}`,
  },
  {
    what: 'bytes after the payload',
    bytes: [10, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 7],
    reason: '1 bytes follow the result',
  },
  {
    what: 'a count that cannot be',
    bytes: [13, 0, 0, 0, 4, 0, 0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 0],
    reason: `environment needs ${4 * 0xffffffff} bytes and 4 are there`,
  },
  {
    what: 'a variable without name',
    bytes: [19, 0, 0, 0, 4, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 61, 98, 0, 0, 0, 0],
    reason: 'environment has a part without name',
  },
]) {
  test(`frameReader() refuses ${what}`, () => {
    throws(() => read(Uint8Array.from(bytes)), { message: `Cannot read frame: ${reason}` })
  })
}

test('encodeFrame() refuses more than 16 MiB', () => {
  const stdout = 'x'.repeat(MAX_FRAME_BYTES)
  throws(() => encodeFrame({ frame: 'result', status: 0, stdout }), isFrameInvalid)
})

test('frameReader() takes a frame of 16 MiB in small parts without copying it each time', () => {
  const stdout = 'x'.repeat(MAX_FRAME_BYTES - 9)
  const bytes = encodeFrame({ frame: 'result', status: 0, stdout })
  const reader = frameReader()
  const found: Frame[] = []
  for (let at = 0; at < bytes.length; at += 4096) {
    found.push(...reader.push(bytes.subarray(at, at + 4096)))
  }
  deepEqual(
    found.map(({ frame }) => frame),
    ['result'],
  )
})

test('frameReader() throws nothing but frame-invalid, whatever comes', () => {
  const noise = fc.uint8Array({ maxLength: 200 })
  fc.assert(
    fc.property(noise, fc.constantFrom(1, 2, 3, 4), (bytes, kind) => {
      try {
        read(framed(joined([Uint8Array.of(kind), bytes])))
      } catch (thrown) {
        ok(isFrameInvalid(thrown))
      }
    }),
    { numRuns: 2000 },
  )
})

function framed(body: Uint8Array): Uint8Array {
  const length = new Uint8Array(4)
  new DataView(length.buffer).setUint32(0, body.length, true)
  return joined([length, body])
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]))
}
