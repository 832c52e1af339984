/** What a runtime puts into the configuration of each plugin. @module */
import { deepEqual, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { parseConfList, pluginsOf } from './conflist.ts'

const NAD = { namespace: 'ns', name: 'net' }
const LIST = {
  cniVersion: '1.0.0',
  name: 'net',
  plugins: [
    {
      type: 'a',
      name: 'wrong',
      cniVersion: '0.1.0',
      capabilities: { mac: true, ips: true, x: false },
    },
    {
      type: 'b',
      capabilities: { mac: false },
      args: { cni: { k: 1, l: 1 }, other: 2 },
      Unknown: [1],
    },
  ],
}

test('pluginsOf() fills in version, name, capability arguments, args and prevResult', () => {
  const runtimeConfig = { mac: '02:00:00:00:00:01', portMappings: [], x: 1 }
  const injected = { prevResult: { ips: [] }, runtimeConfig, cniArgs: { l: 2 } }
  deepEqual(pluginsOf(LIST, injected), [
    {
      type: 'a',
      name: 'net',
      cniVersion: '1.0.0',
      capabilities: { mac: true, ips: true, x: false },
      runtimeConfig: { mac: '02:00:00:00:00:01' },
      args: { cni: { l: 2 } },
      prevResult: { ips: [] },
    },
    {
      type: 'b',
      name: 'net',
      cniVersion: '1.0.0',
      capabilities: { mac: false },
      args: { cni: { k: 1, l: 2 }, other: 2 },
      Unknown: [1],
    },
  ])
})

test('pluginsOf() adds no empty keys', () => {
  const bare = { cniVersion: '0.3.1', name: 'n', plugins: [{ type: 'a' }] }
  deepEqual(pluginsOf(bare, { prevResult: undefined, runtimeConfig: { mac: 'x' }, cniArgs: {} }), [
    { type: 'a', cniVersion: '0.3.1', name: 'n' },
  ])
})

for (const [text, cniVersion] of [
  ['{"type":"a"}', '0.1.0'],
  ['{"type":"a","cniVersion":"9.9"}', '9.9'],
  [
    '{"cniVersion":"0.3.1","cniVersions":["0.4.0","1.1.0","2.0.0"],"plugins":[{"type":"a"}]}',
    '1.1.0',
  ],
] as const) {
  test(`parseConfList() finds version ${cniVersion}`, () => {
    deepEqual(parseConfList(text, NAD).cniVersion, cniVersion)
  })
}

for (const [text, reason] of [
  ['[]', /it is not a JSON object$/],
  ['{"type":"a","cniVersion":1}', /cniVersion is not a text$/],
  ['{"plugins":{}}', /plugins is not an array$/],
  ['{"plugins":[1]}', /a plugin is not a JSON object$/],
  ['{"plugins":[{}]}', /a plugin delegate must have the 'type' field$/],
  ['{"type":".."}', /plugin type "\.\." is not one path component$/],
] as const) {
  test(`parseConfList() refuses ${text}`, () => {
    throws(() => parseConfList(text, NAD), { code: 'nad-config-invalid', message: reason })
  })
}
