/**
 * A short run of every target, the same each time. A long one: `npm run fuzz`.
 * @module
 */
import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { corpusOf } from './corpus.ts'
import { fuzz } from './engine.ts'
import { rngOf } from './random.ts'
import { TARGETS } from './targets.ts'

/** Of one target: by number where the machine is fast, by time where it is not. */
const SMOKE = { most: 400, untilMs: 250 } as const

for (const target of TARGETS) {
  test(`${target.name} answers whatever it is given`, async (t) => {
    const { inputs, found } = await fuzz({
      target,
      corpus: corpusOf(target),
      rng: rngOf(1),
      ...SMOKE,
    })
    t.diagnostic(`${inputs} inputs`)
    deepEqual(
      found.map(({ input, fault }) => `${fault}: ${String(input).slice(0, 300)}`),
      [],
    )
  })
}

test('targets have names of their own', () => {
  equal(new Set(TARGETS.map(({ name }) => name)).size, TARGETS.length)
})

test('the fuzzer finds what is wrong', async () => {
  const { found } = await fuzz({
    target: {
      name: 'wrong',
      form: 'json',
      seeds: () => [],
      run: (input) => void JSON.parse(String(input)).a.b,
    },
    corpus: ['{"a":{"b":1}}'],
    rng: rngOf(1),
    most: 500,
    untilMs: 5_000,
  })
  ok(found.some(({ fault }) => fault.startsWith('TypeError')))
  ok(found.some(({ fault }) => fault.startsWith('SyntaxError')))
})
