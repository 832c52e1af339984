import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { podOfArgs, parseCniArgs } from './args.ts'
import { keyFolder, lookUp } from './conf.ts'

test('keyFolder() gives known keys their spelling and leaves the others alone', () => {
  const fold = keyFolder(['deviceID', 'runtimeConfig'])
  const read = JSON.parse(
    '{"DEVICEID":"a","deviceId":"b","deviceID":null,"Sysctl":{"A":1},"x":null}',
  )
  deepEqual(fold(read), { deviceID: 'b', Sysctl: { A: 1 }, x: null })
})

test('keyFolder() makes no prototype of a key', () => {
  const folded = keyFolder(['a'])(JSON.parse('{"__proto__":{"polluted":1},"A":2}'))
  equal(Object.getPrototypeOf(folded), Object.prototype)
  equal(folded['polluted'], undefined)
  equal(folded['a'], 2)
})

test('lookUp() takes the last spelling that is not null', () => {
  equal(lookUp({ Name: 'a', NAME: 'b', name: null }, 'name'), 'b')
  equal(lookUp({}, 'name'), undefined)
})

for (const { text, pod } of [
  {
    text: 'K8S_POD_NAMESPACE=ns;K8S_POD_NAME=web;K8S_POD_UID=u',
    pod: { namespace: 'ns', name: 'web', uid: 'u' },
  },
  { text: 'K8S_POD_NAMESPACE=ns;K8S_POD_NAME=web;K8S_POD_UID=', pod: undefined },
  { text: 'K8S_POD_NAMESPACE=ns;K8S_POD_NAME=web', pod: undefined },
  { text: ';;novalue;=;', pod: undefined },
  { text: '', pod: undefined },
]) {
  test(`podOfArgs() of "${text}" is ${pod?.name ?? 'nobody'}`, () => {
    deepEqual(podOfArgs(parseCniArgs(text)), pod)
  })
}
