import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { duplicateKey } from './duplicate-key.ts'

for (const { text, key } of [
  { text: '{}', key: undefined },
  { text: '"a"', key: undefined },
  { text: '{"a":{"a":{"a":[{"a":1},{"a":2}]}},"b":"a"}', key: undefined },
  { text: '{"a":1,"a":2}', key: 'a' },
  { text: '{"a":"{\\"b\\":1,\\"b\\":2}","b":","}', key: undefined },
  { text: '{"sysctl":{"net.core.x":"1", "net.core.x" : "2"}}', key: 'sysctl.net.core.x' },
  { text: '[1,{"a":[],"b":{},"a":null}]', key: 'a' },
  { text: '{"\\u0061":1,"a":2}', key: 'a' },
]) {
  test(`duplicateKey() of ${text} is ${key}`, () => equal(duplicateKey(text), key))
}

test('duplicateKey() of what JSON.stringify() wrote is nothing', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      equal(duplicateKey(JSON.stringify(value)), undefined)
    }),
  )
})
