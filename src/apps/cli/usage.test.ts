import { deepEqual, equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import { makeBench } from './cli-in-memory.ts'

for (const { words, status, says } of [
  { words: ['get', 'sp', 'v4-92'], status: 1, says: /Cannot find spiderippools v4-92: not found/ },
  {
    words: ['get', 'sandwiches'],
    status: 1,
    says: /Cannot find kind sandwiches: known kinds are /,
  },
  {
    words: ['delete', 'pod', 'nobody'],
    status: 1,
    says: /Cannot find pods nobody in namespace default/,
  },
  { words: ['delete', 'pod'], status: 2, says: /give the name of the pod/ },
  { words: ['delete'], status: 2, says: /give a kind and a name, or -f FILE/ },
  {
    words: ['apply', '-f', '/no/such/file'],
    status: 1,
    says: /Cannot read file \/no\/such\/file: /,
  },
  { words: ['apply'], status: 2, says: /required option '-f, --filename <FILE\.\.\.>'/ },
  { words: ['frobnicate'], status: 2, says: /unknown command 'frobnicate'/ },
  { words: ['get', 'pods', '--colour'], status: 2, says: /unknown option '--colour'/ },
  { words: ['get', 'pods', '-o', 'xml'], status: 2, says: /'xml' is invalid/ },
]) {
  test(`verbena ${words.join(' ')} exits with ${status} and says why on one line`, async () => {
    await using bench = await makeBench()
    await bench.put()
    const ran = await bench.verbena(words)
    equal(ran.status, status)
    equal(ran.stdout, '')
    match(ran.stderr, says)
    match(ran.stderr, /^verbena: [^\n]*\n$/)
  })
}

test('a store that is not there is an error of reading commands only', async () => {
  await using bench = await makeBench()
  const { status, stderr } = await bench.verbena(['get', 'pods', '-o', 'json'])
  equal(status, 1)
  equal(JSON.parse(stderr).title, 'store-absent')
})

test('help shows every command, and each command an example', async () => {
  await using bench = await makeBench()
  const all = await bench.verbena(['--help'])
  equal(all.status, 0)
  const names = [
    'lab',
    'agent',
    'apply',
    'get',
    'describe',
    'delete',
    'render',
    'check',
    'repair',
    'version',
  ]
  for (const name of names) {
    match(all.stdout, new RegExp(`^  ${name} `, 'm'))
    const one = await bench.verbena([name, '--help'])
    equal(one.status, 0)
    match(one.stdout, new RegExp(`^Example:\\n  verbena ${name}( |\\n)`, 'm'))
  }
})

test('version says what runs', async () => {
  await using bench = await makeBench()
  match(
    (await bench.verbena(['--version'])).stdout,
    /^verbena \d+\.\d+\.\d+ \(node \d+\.\d+\.\d+\)\n$/,
  )
  const { stdout } = await bench.verbena(['version', '-o', 'json'])
  deepEqual(Object.keys(JSON.parse(stdout)), ['verbena', 'node'])
})
