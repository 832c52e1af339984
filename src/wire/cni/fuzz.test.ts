import { deepEqual, ok } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { failureIn } from '#values/failure.ts'
import { parseCniArgs } from './args.ts'
import { parseCniRequest } from './request.ts'
import { encodeResult } from './result-json.ts'
import { parseResult, prevResultOf } from './result-parse.ts'
import { CNI_VERSIONS } from './result.ts'

const RUNS = { numRuns: 1000 }

/** Runs `read`; what it throws must be a failure of ours. */
function onlyFailures<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (thrown) {
    ok(failureIn(thrown) !== undefined, String(thrown))
    return undefined
  }
}

const address = fc.constantFrom('10.0.0.5/24', 'fd00::5/64', '10.0.0.5', '', 7, null)
const record = (keys: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<unknown> =>
  fc.record(keys, { requiredKeys: [] })
const anything = fc.jsonValue({ maxDepth: 2 })
const resultLike = record({
  cniVersion: fc.constantFrom(...CNI_VERSIONS, '9.9.9', 7),
  interfaces: fc.array(
    fc.oneof(record({ name: fc.constantFrom('eth0', ''), mac: anything }), anything),
  ),
  ips: fc.array(fc.oneof(record({ address, gateway: address, interface: anything }), anything)),
  routes: fc.array(fc.oneof(record({ dst: address, gw: anything }), anything)),
  ip4: fc.oneof(record({ ip: address, routes: anything }), anything),
  dns: fc.oneof(record({ nameservers: anything, domain: anything }), anything),
})

test('parseResult() throws nothing but failures and reads what was printed again', () => {
  const version = fc.constantFrom(...CNI_VERSIONS)
  fc.assert(
    fc.property(fc.oneof(resultLike, anything), version, (raw, asked) => {
      const result = onlyFailures(() => parseResult(JSON.stringify(raw), asked))
      onlyFailures(() => prevResultOf({ prevResult: raw }, asked))
      if (result === undefined) return
      const again = JSON.stringify(encodeResult(result, '1.1.0'))
      deepEqual(parseResult(again, '1.1.0'), result)
    }),
    RUNS,
  )
})

test('parseCniRequest() throws nothing but failures', () => {
  const text = fc.oneof(
    fc.string({ maxLength: 20 }),
    fc.constantFrom('ADD', 'DEL', 'CHECK', 'GC', 'STATUS', 'VERSION', 'eth0', 'c1'),
  )
  const names = ['COMMAND', 'CONTAINERID', 'NETNS', 'IFNAME', 'ARGS', 'PATH', 'NETNS_OVERRIDE']
  const env = fc.record(Object.fromEntries(names.map((name) => [`CNI_${name}`, text])))
  const conf = record({
    name: fc.constantFrom('net', '', 7),
    cniVersion: fc.oneof(fc.constantFrom(...CNI_VERSIONS), anything),
    'cni.dev/valid-attachments': anything,
  })
  const stdin = fc.oneof(
    conf.map((raw) => JSON.stringify(raw)),
    fc.string(),
  )
  fc.assert(
    fc.property(env, stdin, text, (variables, input, argv0) => {
      onlyFailures(() => parseCniRequest({ argv0, env: variables, stdin: input }))
    }),
    RUNS,
  )
})

test('parseCniArgs() never throws', () => {
  fc.assert(
    fc.property(fc.string(), (text) => void parseCniArgs(text)),
    RUNS,
  )
})
