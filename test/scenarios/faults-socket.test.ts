/**
 * Clients that crowd the agent's socket, a process that runs out of descriptors,
 * and a clock that is set back. What must happen is in docs/reference/faults.md.
 * @module
 */
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { once } from 'node:events'
import { readdir, rm, writeFile } from 'node:fs/promises'
import { type Socket, connect } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { encodeFrame } from '#wire/cni/frame.ts'
import { FaultBench } from './fault-bench.ts'
import { NEEDS_NODE, type RealCall } from './real-node.ts'
import { demand, resultOf, until } from './real-pods.ts'
import { heldAddresses } from './real-state.ts'

/** How long the agent waits for a client that is slow, in milliseconds, and what a test allows. */
const PATIENCE_MS = 10_000
const LATEST_MS = PATIENCE_MS + 8_000

/** Clients of the agent, closed when disposed. */
class Crowd implements AsyncDisposable {
  readonly #sockets: Socket[] = []
  closed = 0

  static async of(bench: FaultBench, count: number, bytes?: Uint8Array): Promise<Crowd> {
    const crowd = new Crowd()
    const path = join(bench.node.folder, 'agent.sock')
    for (let i = 0; i < count; i++) {
      const socket = await connected(path)
      socket.on('error', () => undefined)
      socket.on('close', () => crowd.closed++)
      crowd.#sockets.push(socket)
      if (bytes !== undefined) socket.write(bytes)
    }
    return crowd
  }

  /** Reads no more, so that what is sent to them stays in the kernel. */
  stopReading(): void {
    for (const socket of this.#sockets) socket.pause()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
  }
}

/** Connects as the shim does: where the kernel's queue is full, it comes again. */
async function connected(path: string): Promise<Socket> {
  for (let tries = 1; ; tries++) {
    const socket = connect(path)
    try {
      await once(socket, 'connect')
      return socket
    } catch (cause) {
      if (tries === 200) throw cause
      await delay(20)
    }
  }
}

const REQUEST = encodeFrame({
  frame: 'request',
  pid: 1,
  netnsId: '4:1',
  argv0: 'macvlan',
  env: { CNI_COMMAND: 'VERSION' },
  stdin: '{"cniVersion":"1.0.0"}',
})

for (const { does, bytes } of [
  { does: 'send nothing', bytes: undefined },
  { does: 'stop in the middle of their request', bytes: REQUEST.subarray(0, 20) },
]) {
  test(`1,000 clients that ${does}: others are served meanwhile (root)`, NEEDS_NODE, async () => {
    await using bench = await FaultBench.open()
    const { node } = bench
    const call = await bench.pod('a')
    const before = await bench.whole()
    await using crowd = await Crowd.of(bench, 1_000, bytes)
    const startedMs = performance.now()
    resultOf(await node.plugin('ADD', call))
    await demand(node, 'DEL', call)
    ok(performance.now() - startedMs < 5_000)
    equal(crowd.closed, 0, 'they were there all the time')
    equal(await bench.whole(), before)
    const late = AbortSignal.timeout(LATEST_MS)
    while (crowd.closed < 1_000 && !late.aborted) await delay(50)
    equal(crowd.closed, 1_000, 'after their time they are closed')
  })
}

test('1,000 clients that do not read their answer cost nothing (root)', NEEDS_NODE, async () => {
  await using bench = await FaultBench.open()
  const call = await bench.pod('a')
  await using crowd = await Crowd.of(bench, 1_000, REQUEST)
  crowd.stopReading()
  resultOf(await bench.node.plugin('ADD', call))
  await demand(bench.node, 'DEL', call)
})

test(
  'more clients than the agent takes: an ADD waits its time and succeeds (root)',
  NEEDS_NODE,
  async () => {
    await using bench = await FaultBench.open()
    const { node } = bench
    const call = await bench.pod('a')
    await using crowd = await Crowd.of(bench, 1_200)
    await until('the agent to close those over its limit', () => crowd.closed > 0)
    const startedMs = performance.now()
    resultOf(await node.plugin('ADD', call))
    ok(performance.now() - startedMs < LATEST_MS)
    await demand(node, 'DEL', call)
  },
)

test('400 ADDs of 20 pods at once: each is answered (root)', NEEDS_NODE, async () => {
  await using bench = await FaultBench.open()
  const { node } = bench
  const calls: RealCall[] = []
  for (let i = 0; i < 20; i++) calls.push(await bench.pod(`p${i}`))
  const before = await bench.whole()
  const many = Array.from({ length: 20 }, () => calls).flat()
  const exits = await Promise.all(many.map((call) => node.plugin('ADD', call)))
  deepEqual(exits.filter(({ status }) => status !== 0).slice(0, 3), [])
  equal((await heldAddresses(node)).length, 20)
  const deleted = await Promise.all(calls.map((call) => node.plugin('DEL', call)))
  deepEqual(
    deleted.filter(({ status }) => status !== 0),
    [],
  )
  equal(await bench.whole(), before)
})

test('no descriptors left: code 11 or a wait, then all is well (root)', NEEDS_NODE, async (t) => {
  await using bench = await FaultBench.open()
  const { node } = bench
  const calls: RealCall[] = []
  for (let i = 0; i < 60; i++) calls.push(await bench.pod(`p${i}`))
  const before = await bench.whole()
  const open = (await readdir(`/proc/${node.agent?.pid}/fd`)).length
  await bench.boot({ under: ['prlimit', `--nofile=${open + 8}`] })
  for (const verb of ['ADD', 'DEL']) {
    const first = await Promise.all(calls.map((call) => node.plugin(verb, call)))
    const refused = first.filter(({ status }) => status !== 0)
    t.diagnostic(`${verb}: ${refused.length} of ${calls.length} refused`)
    for (const { stdout } of refused) equal(JSON.parse(stdout).code, 11, stdout)
    equal(node.agent?.exitCode, null, 'it lives')
    // a runtime's retry, one after the other
    for (const call of calls) await demand(node, verb, call)
    equal((await heldAddresses(node)).length, verb === 'ADD' ? 60 : 0)
  }
  equal(await bench.whole(), before)
})

/** Makes the agent's clock an hour slow while the file exists. */
const BACK = (file: string): string => `import { existsSync } from 'node:fs'
const now = Date.now
Date.now = () => now() - (existsSync(${JSON.stringify(file)}) ? 3600000 : 0)`

test('the clock is set back by an hour: nothing waits for it (root)', NEEDS_NODE, async () => {
  await using bench = await FaultBench.open()
  const { node } = bench
  const [first, second] = [await bench.pod('a'), await bench.pod('b')]
  const before = await bench.whole()
  const file = join(node.folder, 'back')
  const script = join(node.folder, 'back.mjs')
  await writeFile(script, BACK(file))
  await bench.boot({ env: { NODE_OPTIONS: `--import=${script}` } })
  resultOf(await node.plugin('ADD', first))
  const unknown = { namespace: 'default', name: 'none', uid: 'u' }
  const waiting = node.plugin('ADD', { ...second, ref: unknown })
  await delay(300)
  await writeFile(file, '')
  const startedMs = performance.now()
  match((await waiting).stdout, /the store does not know it/)
  ok(performance.now() - startedMs < 6_000, 'the wait for a pod ends in its time')
  resultOf(await node.plugin('ADD', first))
  resultOf(await node.plugin('ADD', second))
  deepEqual((await heldAddresses(node)).length, 2)
  await demand(node, 'CHECK', first)
  await demand(node, 'DEL', first)
  await rm(file)
  await demand(node, 'DEL', second)
  equal(await bench.whole(), before)
  await writeFile(file, '')
  await bench.boot({ env: { NODE_OPTIONS: `--import=${script}` } })
  resultOf(await node.plugin('ADD', first))
  await demand(node, 'DEL', first)
  equal(await bench.whole(), before)
})
