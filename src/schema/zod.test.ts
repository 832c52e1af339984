/** What a schema says, as faults of the Kubernetes API. @module */
import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { readWith, unknownKeys, z } from './zod.ts'

const schema = z.object({
  text: z.string(),
  mode: z.enum(['a', 'b']).default('a'),
  count: z.int().min(1).max(9).default(1),
  list: z.array(z.object({ deep: z.boolean().exactOptional() })).exactOptional(),
  free: z.record(z.string(), z.string()).exactOptional(),
})

for (const [what, raw, faults] of [
  ['a missing field', {}, [['Required', 'at.text']]],
  ['null as missing', { text: null }, [['Required', 'at.text']]],
  ['another type', { text: 1 }, [['TypeInvalid', 'at.text']]],
  ['an unknown word', { text: '', mode: 'c' }, [['NotSupported', 'at.mode']]],
  ['a number for a word', { text: '', mode: 3 }, [['TypeInvalid', 'at.mode']]],
  ['a bound', { text: '', count: 10 }, [['Invalid', 'at.count']]],
  ['a broken number', { text: '', count: 1.5 }, [['TypeInvalid', 'at.count']]],
  [
    'a place in a list',
    { text: '', list: [{}, { deep: 1 }] },
    [['TypeInvalid', 'at.list[1].deep']],
  ],
  ['null in a list', { text: '', list: [null] }, [['TypeInvalid', 'at.list[0]']]],
  ['a value in a map', { text: '', free: { k: 1 } }, [['TypeInvalid', 'at.free.k']]],
  ['no object', 'x', [['TypeInvalid', 'at']]],
  [
    'all at once',
    { mode: 'c', count: 0 },
    [
      ['Required', 'at.text'],
      ['NotSupported', 'at.mode'],
      ['Invalid', 'at.count'],
    ],
  ],
] as const) {
  test(`readWith() reports ${what}`, () => {
    const read = readWith(schema, raw, 'at')
    deepEqual(read.ok ? [] : read.faults.map(({ reason, field }) => [reason, field]), faults)
  })
}

test('readWith() drops nulls and fills in defaults', () => {
  const read = readWith(schema, { text: 'a', mode: null, list: [{ deep: null }] })
  deepEqual(read, { ok: true, value: { text: 'a', mode: 'a', count: 1, list: [{}] } })
})

test('unknownKeys() names what was pruned, however deep', () => {
  const raw = {
    text: 'a',
    other: 1,
    gone: null,
    list: [{ deep: true, x: { y: 1 } }],
    free: { k: 'v' },
  }
  const read = readWith(schema, raw)
  deepEqual(read.ok && unknownKeys(raw, read.value), ['other', 'list[0].x'])
})
