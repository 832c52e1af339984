/**
 * Clients that break the protocol of the agent's socket, or stop: each costs a
 * connection and nothing else.
 * @module
 */
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { type Socket, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Answer, type ShimRequest, ShimServer } from '#apps/agent/server.ts'
import { encodeFrame, frameReader } from '#wire/cni/frame.ts'

const REQUEST = encodeFrame({
  frame: 'request',
  pid: 1,
  netnsId: '4:1',
  argv0: 'macvlan',
  env: { CNI_COMMAND: 'ADD' },
  stdin: '{}',
})
/** Longer than the server waits for any client, in milliseconds. */
const PATIENCE_MS = 60_000

type Bench = AsyncDisposable & {
  readonly path: string
  readonly dropped: string[]
  readonly answered: ShimRequest[]
}

async function makeBench(stdout = 'done'): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), 'vbs-socket-'))
  const path = join(folder, 'agent.sock')
  const dropped: string[] = []
  const answered: ShimRequest[] = []
  const server = new ShimServer(path, {
    answer: async (request): Promise<Answer> => {
      answered.push(request)
      return { status: 0, stdout }
    },
    dropped: (reason) => dropped.push(reason),
  })
  await server.listen()
  return {
    path,
    dropped,
    answered,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** What a well-behaved client is answered. */
async function ask(path: string): Promise<string> {
  const socket = connect(path)
  socket.write(REQUEST)
  const reader = frameReader()
  for await (const bytes of socket) {
    const [frame] = reader.push(bytes)
    if (frame?.frame === 'result') return frame.stdout
  }
  return 'nothing'
}

async function closed(socket: Socket): Promise<void> {
  socket.resume()
  socket.on('error', () => undefined)
  if (!socket.destroyed) await once(socket, 'close')
}

/** Time of the server is the test's: it waits for nobody. */
function stopTime(t: TestContext): void {
  t.mock.timers.enable({ apis: ['setTimeout'] })
}

const kindOf = (kind: number): Uint8Array => Uint8Array.of(1, 0, 0, 0, kind)

for (const { does, bytes, says } of [
  { does: 'a kind that does not exist', bytes: kindOf(9), says: /kind 9/ },
  { does: 'a length over the limit', bytes: Uint8Array.of(255, 255, 255, 255), says: /are over/ },
  {
    does: 'a frame that is longer than what is in it',
    bytes: Uint8Array.of(...new Uint8Array(REQUEST.with(0, (REQUEST[0] ?? 0) + 4)), 0, 0, 0, 0),
    says: /4 bytes follow/,
  },
  {
    does: 'an answer in place of a request',
    bytes: encodeFrame({ frame: 'ran', status: 0, stdout: '', stderr: '' }),
    says: /first frame is ran/,
  },
  { does: 'text', bytes: Buffer.from('GET / HTTP/1.1\r\n\r\n'), says: /are over/ },
]) {
  test(`the agent drops a client that sends ${does}`, async () => {
    await using bench = await makeBench()
    const socket = connect(bench.path)
    socket.write(bytes)
    await closed(socket)
    equal(bench.dropped.length, 1)
    match(bench.dropped.join(), says)
    deepEqual(bench.answered, [])
    equal(await ask(bench.path), 'done', 'others are served')
  })
}

test('a request that is cut at any length is not answered', async () => {
  await using bench = await makeBench()
  for (let length = 0; length < REQUEST.length; length++) {
    const socket = connect(bench.path)
    socket.end(REQUEST.subarray(0, length))
    await closed(socket)
  }
  deepEqual(bench.answered, [])
  equal(await ask(bench.path), 'done')
})

for (const { does, bytes } of [
  { does: 'never sends', bytes: new Uint8Array() },
  { does: 'stops in the middle of its request', bytes: REQUEST.subarray(0, 20) },
]) {
  test(`a client that ${does} is dropped, and holds nobody up`, async (t) => {
    stopTime(t)
    await using bench = await makeBench()
    const socket = connect(bench.path)
    await once(socket, 'connect')
    socket.write(bytes)
    equal(await ask(bench.path), 'done')
    t.mock.timers.tick(PATIENCE_MS)
    await closed(socket)
    equal(await ask(bench.path), 'done')
  })
}

test('a client that never reads is dropped, with what it did not read', async (t) => {
  stopTime(t)
  const long = 'x'.repeat(8 << 20)
  await using bench = await makeBench(long)
  const socket = connect(bench.path)
  socket.write(REQUEST)
  await once(socket, 'readable')
  equal((await ask(bench.path)).length, long.length, 'others are served')
  t.mock.timers.tick(PATIENCE_MS)
  await until(() => bench.dropped.length === 1)
  match(bench.dropped.join(), /does not read/)
  let read = 0
  socket.on('data', (bytes) => (read += bytes.length))
  await closed(socket)
  ok(read < long.length, `${read} bytes came after it was dropped`)
})

test('a client that leaves before its answer costs nothing', async () => {
  await using bench = await makeBench()
  const socket = connect(bench.path)
  socket.write(REQUEST, () => socket.destroy())
  await until(() => bench.answered.length === 1)
  equal(await ask(bench.path), 'done')
})

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve))
}
