import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { isTooDeep, parseJson } from './json-text.ts'

for (const { does, text } of [
  { does: 'an object', text: '{"a":[1,{"b":null}],"c":"d"}' },
  { does: '256 levels', text: '['.repeat(256) + ']'.repeat(256) },
  { does: 'brackets in a string', text: JSON.stringify({ a: '['.repeat(1_000), b: '\\"[' }) },
  { does: 'a long list of small ones', text: `[${'[],'.repeat(1_000)}[]]` },
]) {
  test(`parseJson() reads ${does}`, () => deepEqual(parseJson(text), JSON.parse(text)))
}

for (const { does, text } of [
  { does: '257 levels', text: '['.repeat(257) + ']'.repeat(257) },
  { does: '100,000 levels', text: '{"a":'.repeat(100_000) },
  { does: 'what is no JSON', text: '{' },
]) {
  test(`parseJson() refuses ${does}`, () => throws(() => parseJson(text), SyntaxError))
}

test('isTooDeep() ends with a value that holds itself', () => {
  const itself: unknown[] = []
  itself.push(itself, itself)
  equal(isTooDeep(itself), true)
  equal(isTooDeep({ a: [1, { b: null }] }), false)
})
