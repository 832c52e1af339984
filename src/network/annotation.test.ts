/** Network annotations: both forms, and every way of getting them wrong. @module */
import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { type NetworkSelection, parseNetworks, readNetworks } from './annotation.ts'

const parse = (text: string): NetworkSelection[] => parseNetworks(text, { defaultNamespace: 'pod' })

for (const [text, expected] of [
  ['a', ['pod/a@']],
  ['ns/a@net7', ['ns/a@net7']],
  [' a , ns / b @ x ', ['pod/a@', 'ns/b@x']],
  ['a@', ['pod/a@']],
  ['/a', ['pod/a@']],
  ['a,a', ['pod/a@', 'pod/a@']],
  ['[]', []],
  ['[{"name":"A.b","namespace":"ns","interface":"x"}]', ['ns/A.b@x']],
  ['[{"Name":"a","interfaceRequest":"old","unknown":1}]', ['pod/a@old']],
  ['[{"name":"a","interface":"new","interfaceRequest":"old"}]', ['pod/a@new']],
  ['[{"name":"a","mac":null,"ips":null}]', ['pod/a@']],
] as const) {
  test(`parseNetworks() reads ${text}`, () => {
    const read = parse(text).map(
      ({ namespace, name, ifName }) => `${namespace}/${name}@${ifName ?? ''}`,
    )
    deepEqual(read, expected)
  })
}

test('parseNetworks() keeps everything that an element asks for', () => {
  const text = JSON.stringify([
    {
      name: 'a',
      ips: ['10.0.0.1', 'fd00::1/64'],
      mac: '02-00-00-00-00-01',
      'infiniband-guid': '02:00:00:00:00:00:00:01',
      portMappings: [{ hostPort: 80, containerPort: 8080, protocol: 'tcp' }],
      bandwidth: { ingressRate: 1000 },
      deviceID: '0000:86:00.1',
      'cni-args': { deep: { er: 1 } },
      'default-route': ['10.0.0.254', 'FD00:0::1'],
    },
  ])
  deepEqual(parse(text), [
    {
      namespace: 'pod',
      name: 'a',
      ifName: undefined,
      ips: ['10.0.0.1', 'fd00::1/64'],
      mac: '02-00-00-00-00-01',
      guid: '02:00:00:00:00:00:00:01',
      portMappings: [{ hostPort: 80, containerPort: 8080, protocol: 'tcp' }],
      bandwidth: { ingressRate: 1000 },
      deviceId: '0000:86:00.1',
      cniArgs: { deep: { er: 1 } },
      defaultRoute: ['10.0.0.254', 'fd00::1'],
    },
  ])
})

test('parseNetworks() takes the forms of addresses that Go takes', () => {
  const macs = ['02:00:00:00:00:01', '0200.0000.0001', `00:${'01:'.repeat(18)}02`]
  equal(parse(JSON.stringify(macs.map((mac) => ({ name: 'a', mac })))).length, 3)
  const guids = ['02-00-00-00-00-00-00-01', '0200.0000.0000.0001']
  equal(
    parse(JSON.stringify(guids.map((guid) => ({ name: 'a', 'infiniband-guid': guid })))).length,
    2,
  )
})

const SHORT = 'parsePodNetworkAnnotation: parsePodNetworkObjectName: '
const JSON_FORM =
  'parsePodNetworkAnnotation: failed to parse pod Network Attachment Selection Annotation ' +
  'JSON format: '

for (const [text, message] of [
  ['', 'parsePodNetworkAnnotation: pod annotation does not have "network" as key: ""'],
  ['a/b/c', `${SHORT}Invalid network object (failed at '/'): a/b/c`],
  ['a@b@c', `${SHORT}Invalid network object (failed at '@'): a@b@c`],
  ['ns/a@b/c', `${SHORT}Invalid network object (failed at '/'): ns/a@b/c`],
  [
    'Ab',
    `${SHORT}Failed to parse: one or more items did not match comma-delimited format (must ` +
      'consist of lower case alphanumeric characters). Must start and end with an alphanumeric ' +
      "character), mismatch @ 'Ab': Ab",
  ],
  [
    'a@sixteen-letters0',
    `${SHORT}Failed to parse interface name: must be less than 15 chars and not contain '/' or ` +
      "spaces. interface name 'sixteen-letters0': a@sixteen-letters0",
  ],
  [
    '[{"name":"a","interface":"a b"}]',
    `${SHORT}Failed to parse interface name: must be less than 15 chars and not contain '/' or ` +
      'spaces. interface name \'a b\': [0] {"name":"a","interface":"a b"}',
  ],
  ['{"name":"a"}', `${JSON_FORM}it is not an array: {"name":"a"}`],
  [
    '[null]',
    `${JSON_FORM}[0]: Invalid value: null: must be of type object, it is of type null: [0] null`,
  ],
  [
    '[{"name":"a","ips":"10.0.0.1"}]',
    `${JSON_FORM}[0].ips: Invalid value: "10.0.0.1": must be of type array, it is of type ` +
      'string: [0] {"name":"a","ips":"10.0.0.1"}',
  ],
  [
    '[{"name":"a","mac":"02:00"}]',
    'parsePodNetworkAnnotation: failed to mac: it is not ' +
      '6, 8 or 20 bytes in hex: [0] {"name":"a","mac":"02:00"}',
  ],
  [
    '[{"name":"a","infiniband-guid":"x"}]',
    'parsePodNetworkAnnotation: failed to validate infiniband GUID: it is ' +
      'not 8 bytes in hex: [0] {"name":"a","infiniband-guid":"x"}',
  ],
  [
    '[{"name":"a","ips":["10.0.0.1/33"]}]',
    'failed to parse CIDR "10.0.0.1/33": prefix length is out of ' +
      'range: [0] {"name":"a","ips":["10.0.0.1/33"]}',
  ],
  [
    '[{"name":"a","ips":["x"]}]',
    'failed to parse IP address "x": it has not four parts: ' + '[0] {"name":"a","ips":["x"]}',
  ],
  [
    '[{"name":"a","mac":"x","ips":["x"]}]',
    'parsePodNetworkAnnotation: failed to mac: it is not 6, 8 or 20 bytes in hex; ' +
      'failed to parse IP address "x": it has not four parts: ' +
      '[0] {"name":"a","mac":"x","ips":["x"]}',
  ],
] as const) {
  test(`parseNetworks() refuses ${text}`, () => {
    throws(() => parse(text), { code: 'network-annotation-invalid', message })
  })
}

test('parseNetworks() lets an empty name pass: no network bears it', () => {
  for (const text of ['a,', 'ns/,b', '[{"name":"a"},{}]']) equal(parse(text).length, 2)
})

test('parseNetworks() says where JSON ends too early', () => {
  throws(() => parse('[{"name":"a"}'), { message: /JSON format: .*position 13 / })
})

test('readNetworks() reports all problems at once and keeps the places of the others', () => {
  const { selections, problems } = readNetworks('a/b/c,good,a@b@c', { defaultNamespace: 'pod' })
  deepEqual(
    selections.map((one) => one?.name),
    [undefined, 'good', undefined],
  )
  equal(problems.length, 2)
})
