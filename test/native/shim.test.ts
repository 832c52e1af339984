/**
 * The CNI shim (`native/shim.c`) as a runtime sees it and as the agent sees it: what it answers
 * itself, its request, how long it waits. `foreign.test.ts` has the plugins that it executes.
 * @module
 */
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { statSync } from 'node:fs'
import { copyFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { encodeResult } from './frames.ts'
import { execShim, NEEDS_SHIM, ScriptedAgent, SHIM, type Script } from './shim.ts'

const VERSIONS = ['0.1.0', '0.2.0', '0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0']
const CONF = '{"cniVersion":"1.0.0","name":"fabric","type":"ipoib"}'
const FRAME_MAX = 16 << 20

const answer: Script = (_frame, connection) => connection.write(encodeResult(0, '{"answer":1}'))

test('shim answers VERSION without agent and without reading its input', NEEDS_SHIM, async () => {
  const env = { CNI_COMMAND: 'VERSION', VERBENA_SOCKET: '/nowhere.sock' }
  const { status, stdout, stderr } = await execShim({ env, silent: true })
  deepEqual(JSON.parse(stdout), { cniVersion: '1.1.0', supportedVersions: VERSIONS })
  deepEqual({ status, stderr }, { status: 0, stderr: '' })
})

for (const env of [{}, { CNI_COMMAND: '' }]) {
  test(`shim tells about itself with ${JSON.stringify(env)}`, NEEDS_SHIM, async () => {
    deepEqual(await execShim({ env, argv0: '/opt/cni/bin/ipoib', silent: true }), {
      status: 0,
      stdout: '',
      stderr:
        'CNI ipoib plugin of Verbena\n' +
        `CNI protocol versions supported: ${VERSIONS.join(', ')}\n`,
    })
  })
}

for (const { command, code } of [
  { command: 'ADD', code: 11 },
  { command: 'DEL', code: 11 },
  { command: 'CHECK', code: 11 },
  { command: 'GC', code: 11 },
  { command: 'NOPE', code: 11 },
  { command: 'STATUS', code: 50 },
]) {
  test(
    `shim gives up ${command} with code ${code} when there is no agent`,
    NEEDS_SHIM,
    async () => {
      const env = {
        CNI_COMMAND: command,
        VERBENA_SOCKET: '/nowhere/a.sock',
        VERBENA_WAIT_MS: '150',
      }
      const before = performance.now()
      const { status, stdout } = await execShim({ env, stdin: CONF })
      const tookMs = performance.now() - before
      deepEqual(JSON.parse(stdout), {
        cniVersion: '1.0.0',
        code,
        msg: 'Verbena agent does not answer on /nowhere/a.sock',
        details: 'No such file or directory',
      })
      equal(status, 1)
      ok(tookMs >= 140 && tookMs < 5000, `took ${tookMs} ms`)
    },
  )
}

for (const { does, stdin, version } of [
  { does: 'echoes it with blanks', stdin: '{ "cniVersion" :\n "0.3.1" }', version: '0.3.1' },
  { does: 'says the newest when absent', stdin: '{}', version: '1.1.0' },
  { does: 'says the newest for a number', stdin: '{"cniVersion":1}', version: '1.1.0' },
  { does: 'says the newest for a text', stdin: '{"cniVersion":"a\\"b"}', version: '1.1.0' },
  { does: 'says the newest when cut', stdin: '{"cniVersion":"1.0', version: '1.1.0' },
  {
    does: 'says the newest when too long',
    stdin: `{"cniVersion":"${'1'.repeat(99)}"}`,
    version: '1.1.0',
  },
  { does: 'ignores an escaped key', stdin: '{"a":"\\"cniVersion\\":\\"9\\""}', version: '1.1.0' },
]) {
  test(`cniVersion of a shim's own error ${does}`, NEEDS_SHIM, async () => {
    const env = { CNI_COMMAND: 'ADD', VERBENA_SOCKET: '/nowhere.sock', VERBENA_WAIT_MS: '0' }
    equal(JSON.parse((await execShim({ env, stdin })).stdout).cniVersion, version)
  })
}

test('shim writes ? for what JSON would have escaped', NEEDS_SHIM, async () => {
  const env = { CNI_COMMAND: 'ADD', VERBENA_SOCKET: '/no"\\\n\u00e9.sock', VERBENA_WAIT_MS: '0' }
  const { status, stdout } = await execShim({ env, stdin: CONF })
  const msg = 'Verbena agent does not answer on /no?????.sock'
  deepEqual({ status, msg: JSON.parse(stdout).msg }, { status: 1, msg })
})

test('shim sends pid, namespace, name, CNI environment and input', NEEDS_SHIM, async () => {
  await using agent = await ScriptedAgent.start(answer)
  const stdin = `{"cniVersion":"1.0.0","pad":"${'é'.repeat(200_000)}"}`
  const cni = { CNI_COMMAND: 'ADD', CNI_ARGS: 'IgnoreUnknown=1;K8S_POD_NAME=a', CNI_PATH: '' }
  const env = { ...cni, VERBENA_SOCKET: agent.socket, SECRET: 'x', XCNI_A: 'y', CNI: 'z' }
  const exit = await execShim({ env, stdin, argv0: '/opt/cni/bin/ib-sriov' })
  deepEqual(exit, { status: 0, stdout: '{"answer":1}', stderr: '' })
  const [frame, ...more] = agent.frames
  ok(frame?.kind === 'request')
  const { pid, env: sent, ...request } = frame.request
  const { dev, ino } = statSync('/proc/self/ns/net', { bigint: true })
  deepEqual({ more, ...request }, { more: [], dev, ino, name: 'ib-sriov', stdin })
  deepEqual(
    sent.toSorted(),
    Object.entries(cni)
      .map(([k, v]) => `${k}=${v}`)
      .toSorted(),
  )
  ok(pid > 1)
})

for (const { sent, status } of [
  { sent: 0, status: 0 },
  { sent: 1, status: 1 },
  { sent: 77, status: 77 },
  { sent: 256, status: 1 },
  { sent: -1, status: 255 },
]) {
  test(`shim prints the result and exits ${status} for status ${sent}`, NEEDS_SHIM, async () => {
    const stdout = `{"n":"${'ü'.repeat(100_000)}"}`
    await using agent = await ScriptedAgent.start((_, c) => c.write(encodeResult(sent, stdout)))
    const env = { CNI_COMMAND: 'ADD', VERBENA_SOCKET: agent.socket }
    deepEqual(await execShim({ env, stdin: CONF }), { status, stdout, stderr: '' })
  })
}

test('shim takes a result that arrives in pieces', NEEDS_SHIM, async () => {
  await using agent = await ScriptedAgent.start(async (_frame, connection) => {
    connection.setNoDelay(true)
    for (const byte of encodeResult(3, '{"answer":1}')) {
      connection.write(Buffer.of(byte))
      await delay(2)
    }
  })
  const env = { CNI_COMMAND: 'ADD', VERBENA_SOCKET: agent.socket }
  deepEqual(await execShim({ env, stdin: CONF }), { status: 3, stdout: '{"answer":1}', stderr: '' })
})

test('shim goes on after it was stopped and continued', NEEDS_SHIM, async () => {
  await using agent = await ScriptedAgent.start(async (frame, connection) => {
    ok(frame.kind === 'request')
    const result = encodeResult(0, '{"answer":1}')
    connection.write(result.subarray(0, 7))
    for (const signal of ['SIGSTOP', 'SIGCONT', 'SIGSTOP', 'SIGCONT'] as const) {
      process.kill(frame.request.pid, signal)
      await delay(20)
    }
    connection.write(result.subarray(7))
  })
  const env = { CNI_COMMAND: 'STATUS', VERBENA_SOCKET: agent.socket, VERBENA_WAIT_MS: '5000' }
  equal((await execShim({ env, stdin: CONF })).stdout, '{"answer":1}')
  equal(agent.accepted, 1)
})

test('shim sends a large request to an agent that reads slowly', NEEDS_SHIM, async () => {
  const stdin = ' '.repeat(FRAME_MAX - 4096)
  await using agent = await ScriptedAgent.start(answer)
  agent.pauseMs = 100
  const env = { CNI_COMMAND: 'ADD', VERBENA_SOCKET: agent.socket }
  equal((await execShim({ env, stdin })).stdout, '{"answer":1}')
  const [frame] = agent.frames
  ok(frame?.kind === 'request' && frame.request.stdin === stdin)
})

test('shim waits for an agent that starts late', NEEDS_SHIM, async () => {
  await using agent = await ScriptedAgent.create(answer)
  const env = { CNI_COMMAND: 'ADD', VERBENA_SOCKET: agent.socket }
  const exit = execShim({ env, stdin: CONF })
  await delay(300)
  await agent.listen()
  equal((await exit).stdout, '{"answer":1}')
})

test(
  'shim sends the request again when the agent closes before the result',
  NEEDS_SHIM,
  async () => {
    await using agent = await ScriptedAgent.start((frame, connection, nth) => {
      if (nth === 1) connection.destroy()
      else if (nth === 2) connection.end(encodeResult(0, 'cut off').subarray(0, 12))
      else answer(frame, connection, nth)
    })
    const env = { CNI_COMMAND: 'ADD', VERBENA_SOCKET: agent.socket }
    deepEqual(await execShim({ env, stdin: CONF }), {
      status: 0,
      stdout: '{"answer":1}',
      stderr: '',
    })
    equal(agent.accepted, 3)
    deepEqual(agent.frames[1], agent.frames[0])
    deepEqual(agent.frames[2], agent.frames[0])
  },
)

test('shim gives up on an agent that closes every time', NEEDS_SHIM, async () => {
  await using agent = await ScriptedAgent.start((_frame, connection) => connection.destroy())
  const env = { CNI_COMMAND: 'ADD', VERBENA_SOCKET: agent.socket, VERBENA_WAIT_MS: '400' }
  const { status, stdout } = await execShim({ env, stdin: CONF })
  const { code, details } = JSON.parse(stdout)
  deepEqual({ status, code }, { status: 1, code: 11 })
  match(details, /^(it was closed|Broken pipe|Connection re(set|fused))/)
  ok(agent.accepted > 2)
})

test('shim gives up STATUS on an agent that accepts and is silent', NEEDS_SHIM, async () => {
  await using agent = await ScriptedAgent.start(() => undefined)
  const env = { CNI_COMMAND: 'STATUS', VERBENA_SOCKET: agent.socket, VERBENA_WAIT_MS: '200' }
  const { status, stdout } = await execShim({ env, stdin: CONF })
  const { code, details } = JSON.parse(stdout)
  deepEqual({ status, code, details }, { status: 1, code: 50, details: 'timed out' })
  equal(agent.accepted, 1)
})

const head = (size: number): Buffer => Buffer.from(new Uint32Array([size]).buffer)
for (const { does, bytes } of [
  { does: 'over 16 MiB', bytes: head(FRAME_MAX + 1) },
  { does: 'of 4 GiB', bytes: head(0xffffffff) },
  { does: 'of no bytes', bytes: head(0) },
  { does: 'of an unknown kind', bytes: Buffer.concat([head(1), Buffer.of(9)]) },
  { does: 'cut inside', bytes: Buffer.concat([head(5), Buffer.of(3, 0, 0, 0, 0)]) },
  {
    does: 'whose text runs past it',
    bytes: Buffer.concat([head(9), Buffer.of(3, 0, 0, 0, 0, 1, 0, 0, 0)]),
  },
  {
    does: 'with more variables than bytes',
    bytes: Buffer.concat([head(9), Buffer.of(4, 0, 0, 0, 0, 255, 255, 255, 255)]),
  },
]) {
  test(`shim refuses a frame ${does} at once`, NEEDS_SHIM, async () => {
    await using agent = await ScriptedAgent.start((_frame, connection) => connection.write(bytes))
    const env = { CNI_COMMAND: 'ADD', VERBENA_SOCKET: agent.socket }
    const { status, stdout } = await execShim({ env, stdin: CONF })
    const { code, msg, details } = JSON.parse(stdout)
    const said = `Cannot understand the agent on ${agent.socket}`
    deepEqual({ status, code, msg }, { status: 1, code: 11, msg: said })
    equal(details, 'malformed frame')
    equal(agent.accepted, 1)
  })
}

test('shim refuses an input over 16 MiB', NEEDS_SHIM, async () => {
  await using agent = await ScriptedAgent.start(answer)
  const env = { CNI_COMMAND: 'ADD', VERBENA_SOCKET: agent.socket }
  const { status, stdout } = await execShim({ env, stdin: ' '.repeat(FRAME_MAX + 1) })
  deepEqual({ status, code: JSON.parse(stdout).code }, { status: 1, code: 6 })
  equal(agent.accepted, 0)
})

test('shim is one static file that runs without libraries', NEEDS_SHIM, async () => {
  await using agent = await ScriptedAgent.create(answer)
  const alone = join(agent.directory, 'copy')
  await copyFile(SHIM, alone)
  equal((await execShim({ env: { CNI_COMMAND: 'VERSION' } }, alone)).status, 0)
  ok(!(await readFile(alone)).includes('/ld-'), 'names a dynamic loader')
})
