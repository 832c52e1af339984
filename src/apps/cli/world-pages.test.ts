import { deepEqual, equal, ok } from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { programFile } from './version.ts'
import { cniIn, runText } from './world-in-memory.ts'

const DOCS = programFile('docs') ?? 'docs'

/** The JSON blocks of a page, in their order. */
async function blocksOf(page: string): Promise<unknown[]> {
  const text = await readFile(join(DOCS, page), 'utf8')
  return [...text.matchAll(/```json\n(.*?)```/gs)].map(([, block = '']) => JSON.parse(block))
}

/** Indented blocks that are JSON. */
async function indentedOf(page: string): Promise<unknown[]> {
  const text = await readFile(join(DOCS, page), 'utf8')
  const blocks = [...text.matchAll(/^ {4}\{\n(?: {4}.*\n)+/gm)]
  return blocks.map(([block]) => JSON.parse(block))
}

test('the worked example of the page about worlds is what is printed', async () => {
  const [world, conf, printed] = await blocksOf('reference/world.md')
  const added = await cniIn({ world, conf, env: { CNI_NETNS: '/run/netns/pod' } })
  const { status, stderr, ...answer } = added
  deepEqual([status, stderr], [0, ''])
  const { journal, leftOut: _, ...after } = Object(answer.world)
  ok(Array.isArray(journal))
  deepEqual({ ...answer, world: after }, printed)
  const gone = await cniIn({ verb: 'DEL', world: { exit: 0, world: answer.world }, conf })
  const files = { '/var/lib/cni/networks/lan/last_reserved_ip.0': '10.1.0.2' }
  deepEqual(gone.world, { ...Object(world), files })
})

test('the commands of the guide do what it says', async () => {
  const [world, conf] = await indentedOf('guides/without-root.md')
  const folder = await mkdtemp(join(tmpdir(), 'verbena-guide-'))
  const env = {
    CNI_CONTAINERID: 'c1',
    CNI_NETNS: '/run/netns/pod',
    CNI_IFNAME: 'net1',
    CNI_PATH: '/opt/cni/bin',
  }
  const call = async (verb: string, from: string, to: string): Promise<string> => {
    const ran = await runText(['cni', '--world', join(folder, from)], {
      stdin: JSON.stringify(conf),
      env: { ...env, CNI_COMMAND: verb },
    })
    equal(ran.status, 0, ran.stderr)
    await writeFile(join(folder, to), ran.stdout)
    return ran.stdout
  }
  try {
    await writeFile(join(folder, 'world.json'), JSON.stringify(world))
    const added = await call('ADD', 'world.json', 'added.json')
    equal(JSON.parse(added).exit, 0, added)
    equal(await call('ADD', 'added.json', 'again.json'), added)
    const gone = JSON.parse(await call('DEL', 'again.json', 'gone.json'))
    deepEqual([gone.exit, gone.world], [0, world])
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
