/**
 * Targets: what comes from a runtime and over the shim's socket.
 * @module
 */
import { deepEqual } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { PLUGINS } from '#cni/index.ts'
import { hostLocalIpam, spiderpoolIpam, staticIpam } from '#ipam/index.ts'
import { openRecords } from '#store/records.ts'
import { parseJson } from '#values/json-text.ts'
import { parseCniArgs, podOfArgs } from '#wire/cni/args.ts'
import { isJsonObject } from '#wire/cni/conf.ts'
import { encodeFrame, type Frame, frameReader } from '#wire/cni/frame.ts'
import { parseCniRequest } from '#wire/cni/request.ts'
import { encodeResult, formatResult } from '#wire/cni/result-json.ts'
import { parseResult, prevResultOf } from '#wire/cni/result-parse.ts'
import { CNI_VERSIONS } from '#wire/cni/result.ts'
import { compareVersions, knownVersion } from '#wire/cni/version.ts'
import { simFiles } from '#sim/files.ts'
import { bytesOf, textOf } from './engine.ts'
import { must, type Target } from './target.ts'

const EXAMPLES = new URL('../captures/cni/examples.json', import.meta.url)

type Example = { readonly holds: string; readonly version: string; readonly json: unknown }

function examples(holds: string): string[] {
  const all: Example[] = JSON.parse(readFileSync(EXAMPLES, 'utf8'))
  return all.filter((one) => one.holds === holds).map(({ json }) => JSON.stringify(json))
}

const ENV = {
  CNI_COMMAND: 'ADD',
  CNI_CONTAINERID: 'c0ffee',
  CNI_NETNS: '/run/netns/p1',
  CNI_IFNAME: 'eth0',
  CNI_PATH: '/opt/cni/bin',
  CNI_ARGS: 'IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=a;K8S_POD_UID=u-1;IP=10.0.0.5',
}
const CONF = {
  cniVersion: '1.1.0',
  name: 'net',
  type: 'ipoib',
  master: 'ib0',
  pkey: '0x8001',
  mode: 'datagram',
  mtu: 2000,
  ipam: {
    type: 'host-local',
    ranges: [[{ subnet: '10.8.0.0/24', rangeStart: '10.8.0.10', gateway: '10.8.0.1' }]],
    routes: [{ dst: '0.0.0.0/0', gw: '10.8.0.1', mtu: 1400, priority: 5 }],
    dataDir: '/var/lib/cni/networks',
    addresses: [{ address: '10.8.0.5/24', gateway: '10.8.0.1' }],
    default_ipv4_ippool: ['v4'],
    default_ipv6_ippool: ['v6'],
    dns: { nameservers: ['10.0.0.1'], search: ['example'] },
  },
  runtimeConfig: { ips: ['10.8.0.5/24'], mac: '02:00:00:00:00:01', ipRanges: [] },
  args: { cni: { ips: ['10.8.0.5'] } },
  podCIDR: ['10.244.0.0/16'],
  serviceCIDR: ['10.96.0.0/12'],
  hijackCIDR: ['169.254.0.0/16'],
  prevResult: { cniVersion: '1.0.0', interfaces: [{ name: 'eth0' }], ips: [] },
  'cni.dev/valid-attachments': [{ containerID: 'c0ffee', ifname: 'eth0' }],
}
const FRAMES: readonly Frame[] = [
  { frame: 'request', pid: 1, netnsId: '4:402', argv0: 'ipoib', env: ENV, stdin: '{"a":1}' },
  { frame: 'ran', status: -1, stdout: '', stderr: 'no such file' },
  { frame: 'result', status: 0, stdout: '{}' },
  { frame: 'run', type: 'bridge', env: { CNI_COMMAND: 'DEL' }, stdin: '{}' },
]

function confTarget(name: string, parse: (raw: unknown) => unknown): Target {
  return {
    name,
    form: 'json',
    seeds: () => [JSON.stringify(CONF), readFileSync('manifests/ipoib-cni.json', 'utf8')],
    run: (input) => {
      const raw = jsonOf(textOf(input))
      if (raw !== undefined) parse(raw.json)
    },
  }
}

/** Undefined for a text that is no JSON: who calls the parser has read it before. */
export function jsonOf(text: string): { json: unknown } | undefined {
  try {
    return { json: parseJson(text) }
  } catch {
    return undefined
  }
}

const random = { below: () => 0, uuid: () => '' }
const ipams = [
  hostLocalIpam({ files: simFiles({ files: new Map() }) }),
  staticIpam(),
  spiderpoolIpam({ records: await openRecords({ path: ':memory:' }), random, node: 'node-1' }),
]

export const CNI_TARGETS: readonly Target[] = [
  {
    name: 'cni-request',
    form: 'json',
    seeds: () => [
      JSON.stringify({ argv0: 'ipoib', env: ENV, stdin: JSON.stringify(CONF) }),
      JSON.stringify({ argv0: 'x', env: { ...ENV, CNI_COMMAND: 'GC' }, stdin: '{"name":"n"}' }),
    ],
    run(input) {
      const { env, stdin, argv0 } = Object(jsonOf(textOf(input))?.json)
      const pairs = isJsonObject(env) ? Object.entries(env) : []
      const texts = pairs.filter((pair): pair is [string, string] => typeof pair[1] === 'string')
      const from = { argv0: typeof argv0 === 'string' ? argv0 : '', env: Object.fromEntries(texts) }
      parseCniRequest({ ...from, stdin: typeof stdin === 'string' ? stdin : '' })
    },
  },
  {
    name: 'cni-stdin',
    form: 'json',
    seeds: () => [JSON.stringify(CONF), ...examples('configuration'), ...examples('config')],
    run: (input) => void parseCniRequest({ argv0: 'ipoib', env: ENV, stdin: textOf(input) }),
  },
  {
    name: 'cni-args',
    form: 'text',
    seeds: () => [ENV.CNI_ARGS, 'IP=1.2.3.4;GATEWAY=1.2.3.1', ';;=;a=b=c'],
    run: (input) => void podOfArgs(parseCniArgs(textOf(input))),
  },
  {
    name: 'cni-result',
    form: 'json',
    seeds: () => [...examples('result'), JSON.stringify(CONF.prevResult)],
    run(input) {
      const text = textOf(input)
      for (const version of ['0.2.0', '1.1.0'] as const) {
        const result = parseResult(text, version)
        const again = JSON.stringify(encodeResult(result, '1.1.0'))
        deepEqual(
          must('what was written reads', () => parseResult(again, '1.1.0')),
          result,
        )
        for (const other of CNI_VERSIONS) formatResult(result, other)
      }
    },
  },
  {
    name: 'cni-prev-result',
    form: 'json',
    seeds: () => [JSON.stringify(CONF), ...examples('config')],
    run(input) {
      const raw = jsonOf(textOf(input))?.json
      if (isJsonObject(raw)) prevResultOf(raw, '1.0.0')
    },
  },
  {
    name: 'cni-version',
    form: 'text',
    seeds: () => [...CNI_VERSIONS, '1.10.0', 'v1', '0.4'],
    run: (input) => void [knownVersion(textOf(input)), compareVersions(textOf(input), '1.0.0')],
  },
  {
    name: 'frames',
    form: 'bytes',
    seeds: () => [...FRAMES.map(encodeFrame), Buffer.concat(FRAMES.map(encodeFrame))],
    run(input) {
      const bytes = bytesOf(input)
      const whole = frameReader().push(bytes)
      const reader = frameReader()
      const cut = bytes.length >> 1
      const parts = [bytes.subarray(0, cut), bytes.subarray(cut)].flatMap((b) => reader.push(b))
      deepEqual(parts, whole)
      for (const frame of whole) {
        const again = must('what was written reads', () => frameReader().push(encodeFrame(frame)))
        deepEqual(again, [frame])
      }
    },
  },
  ...[...PLUGINS].map(([type, plugin]) =>
    confTarget(`conf-${type}`, (raw) => plugin.parse(raw, parseCniArgs(ENV.CNI_ARGS))),
  ),
  ...ipams.map((ipam) => confTarget(`conf-${ipam.type}`, (raw) => ipam.parse(raw))),
]
