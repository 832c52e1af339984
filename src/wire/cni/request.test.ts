import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '#values/failure.ts'
import { cniErrorOf } from './error-json.ts'
import { parseCniRequest } from './request.ts'

const env = {
  CNI_COMMAND: 'ADD',
  CNI_CONTAINERID: 'c1',
  CNI_NETNS: '/run/netns/a',
  CNI_IFNAME: 'eth0',
  CNI_ARGS: 'IgnoreUnknown=1;K8S_POD_NAME=web;EMPTY=;A=b;',
  CNI_PATH: '/opt/cni/bin',
}
const conf = { cniVersion: '1.1.0', name: 'net', type: 'ipoib', Vendor: { deep: [1] } }
const parse = (over: Record<string, string> = {}, stdin: unknown = conf, argv0 = 'ipoib') =>
  parseCniRequest({
    argv0,
    env: { ...env, ...over },
    stdin: typeof stdin === 'string' ? stdin : JSON.stringify(stdin),
  })

test('parseCniRequest() gives everything that was asked, unknown keys included', () => {
  const request = parse({}, conf, '/opt/cni/bin/ipoib')
  deepEqual(request, {
    verb: 'ADD',
    type: 'ipoib',
    name: 'net',
    version: '1.1.0',
    conf,
    args: new Map([
      ['IgnoreUnknown', '1'],
      ['K8S_POD_NAME', 'web'],
      ['EMPTY', ''],
      ['A', 'b'],
    ]),
    argsText: env.CNI_ARGS,
    path: '/opt/cni/bin',
    containerId: 'c1',
    netns: '/run/netns/a',
    ifName: 'eth0',
    netnsOverride: false,
  })
})

test('parseCniRequest() reads the verbs that need less', () => {
  deepEqual(parse({ CNI_COMMAND: 'VERSION', CNI_PATH: '' }, 'no json'), { verb: 'VERSION' })
  const del = parse({ CNI_COMMAND: 'DEL', CNI_NETNS: '' })
  equal(del.verb === 'DEL' && del.netns, '')
  const bare = { CNI_CONTAINERID: '', CNI_NETNS: '', CNI_IFNAME: '' }
  equal(parse({ CNI_COMMAND: 'STATUS', ...bare }).verb, 'STATUS')
  const valid = [{ containerID: 'c1', ifname: 'eth0' }]
  for (const key of ['cni.dev/valid-attachments', 'cni.dev/attachments']) {
    const gc = parse({ CNI_COMMAND: 'GC', ...bare }, { ...conf, [key]: valid })
    deepEqual(gc.verb === 'GC' && gc.valid, [{ containerId: 'c1', ifName: 'eth0' }])
  }
  const gc = parse({ CNI_COMMAND: 'GC', ...bare })
  equal(gc.verb === 'GC' && gc.valid, undefined)
})

test('parseCniRequest() reads keys in any case, the last spelling winning, null as absent', () => {
  const text = '{"NAME":"a","name":"b","CNIVersion":"0.3.1","cniversion":null}'
  const request = parse({}, text)
  deepEqual(request.verb === 'ADD' && [request.name, request.version], ['b', '0.3.1'])
})

for (const { asked, version = '1.1.0' } of [
  { asked: '0.1.0', version: '0.1.0' },
  { asked: '0.2.0', version: '0.2.0' },
  { asked: '0.3.0', version: '0.3.0' },
  { asked: '0.3.1', version: '0.3.1' },
  { asked: '0.4.0', version: '0.4.0' },
  { asked: '1.0.0', version: '1.0.0' },
  { asked: '1.1.0' },
  { asked: '', version: '0.1.0' },
  { asked: undefined, version: '0.1.0' },
]) {
  test(`parseCniRequest() answers configuration ${asked} in ${version}`, () => {
    const request = parse({}, { name: 'net', cniVersion: asked })
    equal(request.verb === 'ADD' && request.version, version)
  })
}

type Refused = {
  when: string
  over?: Record<string, string>
  stdin?: unknown
  code: number
  msg: string
  details?: string
}
const incompatible = (asked: string) => ({
  code: 1,
  msg: 'incompatible CNI versions',
  details:
    `config is "${asked}", plugin supports ["0.1.0" "0.2.0" ` +
    '"0.3.0" "0.3.1" "0.4.0" "1.0.0" "1.1.0"]',
})

const refused: readonly Refused[] = [
  {
    when: 'several variables are missing',
    over: { CNI_CONTAINERID: '', CNI_NETNS: '', CNI_PATH: '' },
    code: 4,
    msg: 'required env variables [CNI_CONTAINERID,CNI_NETNS,CNI_PATH] missing',
  },
  {
    when: 'the command is missing',
    over: { CNI_COMMAND: '' },
    code: 4,
    msg: 'required env variables [CNI_COMMAND] missing',
  },
  {
    when: 'a container id is bad and the interface name missing',
    over: { CNI_CONTAINERID: '-a', CNI_IFNAME: '' },
    code: 4,
    msg: 'invalid characters in containerID',
    details: '-a',
  },
  {
    when: 'the interface name is too long',
    over: { CNI_IFNAME: 'abcdefghijklmnop', CNI_PATH: '' },
    code: 4,
    msg: 'interface name is too long',
    details: 'interface name should be less than 16 characters',
  },
  {
    when: 'the interface name has a slash',
    over: { CNI_IFNAME: 'a/b' },
    code: 4,
    msg: 'interface name contains / or : or whitespace characters',
    details: '"a/b"',
  },
  {
    when: 'the interface name is ..',
    over: { CNI_IFNAME: '..' },
    code: 4,
    msg: 'interface name is . or ..',
    details: '".."',
  },
  { when: 'name is missing', stdin: {}, code: 7, msg: 'missing network name' },
  { when: 'the configuration is null', stdin: 'null', code: 7, msg: 'missing network name' },
  {
    when: 'name is a path',
    stdin: { name: '../x' },
    code: 7,
    msg: 'invalid characters found in network name',
    details: '../x',
  },
  {
    when: 'name is a number',
    stdin: { name: 1 },
    code: 6,
    msg: 'error unmarshall network config: name is not a string',
  },
  {
    when: 'the configuration is an array',
    stdin: [],
    code: 6,
    msg: 'error unmarshall network config: it is not a JSON object',
  },
  {
    when: 'the verb is unknown',
    over: { CNI_COMMAND: 'NOPE' },
    code: 4,
    msg: 'unknown CNI_COMMAND: NOPE',
  },
  {
    when: 'the verb is unknown and so is the network',
    over: { CNI_COMMAND: 'NOPE' },
    stdin: {},
    code: 7,
    msg: 'missing network name',
  },
  {
    when: 'the version is to come',
    stdin: { ...conf, cniVersion: '4.3.2' },
    ...incompatible('4.3.2'),
  },
  {
    when: 'CHECK is asked of an old configuration',
    over: { CNI_COMMAND: 'CHECK' },
    stdin: { ...conf, cniVersion: '0.3.1' },
    code: 1,
    msg: 'config version does not allow CHECK',
  },
  {
    when: 'CHECK is asked of a configuration newer than we are',
    over: { CNI_COMMAND: 'CHECK' },
    stdin: { ...conf, cniVersion: '1.2' },
    code: 1,
    msg: 'plugin version does not allow CHECK',
  },
  {
    when: 'CHECK is asked of a version between ours',
    over: { CNI_COMMAND: 'CHECK' },
    stdin: { ...conf, cniVersion: '0.4.5' },
    ...incompatible('0.4.5'),
  },
  {
    when: 'GC is asked of 1.0.0',
    over: { CNI_COMMAND: 'GC' },
    stdin: { ...conf, cniVersion: '1.0.0' },
    code: 1,
    msg: 'config version does not allow GC',
  },
  {
    when: 'STATUS is asked without a version',
    over: { CNI_COMMAND: 'STATUS' },
    stdin: { name: 'net' },
    code: 1,
    msg: 'config version does not allow STATUS',
  },
  {
    when: 'CHECK is asked of a version with four parts',
    over: { CNI_COMMAND: 'CHECK' },
    stdin: { ...conf, cniVersion: '1.0.0.0' },
    code: 6,
    msg: 'invalid version "1.0.0.0": too many parts',
  },
  {
    when: 'the version is no version',
    stdin: { ...conf, cniVersion: 'x.y' },
    code: 6,
    msg: 'invalid version "x.y": a part is not a number',
  },
  {
    when: 'a pair of CNI_ARGS has no value',
    over: { CNI_ARGS: 'MAC=02:00:00:00:00:01;FOO' },
    code: 4,
    msg: 'ARGS: invalid pair "FOO"',
  },
  {
    when: 'a pair of CNI_ARGS has two',
    over: { CNI_COMMAND: 'CHECK', CNI_ARGS: 'A=b=c' },
    code: 4,
    msg: 'ARGS: invalid pair "A=b=c"',
  },
  {
    when: 'the list of GC is none',
    over: { CNI_COMMAND: 'GC' },
    stdin: { ...conf, 'cni.dev/valid-attachments': [{ ifname: 'eth0' }] },
    code: 6,
    msg:
      'error unmarshall network config: ' +
      'cni.dev/valid-attachments has an item without containerID',
  },
]

for (const { when, over = {}, stdin = conf, code, msg, details = '' } of refused) {
  test(`parseCniRequest() answers ${code} when ${when}`, () => {
    throws(
      () => parse(over, stdin),
      (thrown) => {
        deepEqual(cniErrorOf(thrown), { code, msg, details })
        return true
      },
    )
  })
}

test('parseCniRequest() answers 6 to what is not JSON', () => {
  throws(
    () => parse({}, '{"name":'),
    (thrown) => thrown instanceof Failure && thrown.code === 'cni-conf-unreadable',
  )
})
