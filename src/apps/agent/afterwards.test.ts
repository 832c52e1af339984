import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import type { Log } from '#needs/log.ts'
import { Afterwards } from './afterwards.ts'

/** A log that keeps its warnings. */
function logInto(lines: unknown[]): Log {
  const none = (): void => undefined
  return { info: none, error: none, warn: (fields) => void lines.push(fields) }
}

test('work of one moment begins together, a while later', async () => {
  const done: string[] = []
  await using afterwards = new Afterwards(logInto([]))
  for (const name of ['a', 'b']) {
    afterwards.take(async () => {
      done.push(`${name} begins`)
      await setTimeout(1)
      done.push(`${name} ends`)
    })
  }
  await setTimeout(0)
  deepEqual(done, [])
  await setTimeout(40)
  deepEqual(done, ['a begins', 'b begins', 'a ends', 'b ends'])
})

test('an end does what waits, and waits for what is under way', async () => {
  const done: string[] = []
  {
    await using afterwards = new Afterwards(logInto([]))
    afterwards.take(async () => {
      await setTimeout(5)
      done.push('under way')
    })
    await setTimeout(12)
    afterwards.take(async () => void done.push('waiting'))
  }
  deepEqual(done.toSorted(), ['under way', 'waiting'])
})

test('what fails is logged, and holds up nothing', async () => {
  const lines: unknown[] = []
  const done: string[] = []
  {
    await using afterwards = new Afterwards(logInto(lines))
    afterwards.take(() => Promise.reject(new Error('the store is away')))
    afterwards.take(async () => void done.push('the other'))
  }
  deepEqual([lines, done], [[{ cause: 'the store is away' }], ['the other']])
})
