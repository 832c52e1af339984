/**
 * Power cut in a storm of ADDs and DELs: the machine is reset with nothing
 * written back, boots again from the same disk, and the agent goes on with the
 * store and the journal that it finds there.
 *
 * The test itself runs outside: it boots the virtual machine twice, each time
 * with this file (bundled) as its command and `POWER_PHASE` in its environment;
 * VERBENA_POWER=1 asks for it. In the guest, with no phase, it is skipped.
 * @module
 */
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { OUTSIDE, waitFor } from './guest.ts'
import { PowerNode, PODS } from './power-node.ts'
import { run } from './program.ts'

const ROOT = join(import.meta.dirname, '../..')
const PHASE = process.env['POWER_PHASE']
const SHARE = process.env['POWER_SHARE'] ?? ''
const ASKED = process.env['VERBENA_POWER'] === '1' && OUTSIDE !== false
const BOOT_MS = 280_000
/** The power goes when so many calls are answered, and as many as there are pods under way. */
const STORM = 100
/** Answers of ADDs, written by the runtime outside of the disk, one a line. */
const ANSWERS = join(SHARE, 'answers')

type Answered = { readonly verb: string; readonly pod: string; readonly container: string }

test(
  'a power cut in a storm, and what the next boot makes of it',
  {
    skip: ASKED ? false : 'VERBENA_POWER=1 boots the virtual machine twice for it',
    timeout: 2 * BOOT_MS,
  },
  async (t) => {
    const share = await mkdtemp(join(tmpdir(), 'vbp-'))
    try {
      const disk = join(share, 'disk.img')
      await run(['truncate', '-s', '256M', disk])
      await run(['mkfs.ext4', '-q', disk])
      await writeFile(join(share, 'answers'), '')
      const storm = await boot('storm', share)
      match(storm.stderr, /the guest died/, `the power went: ${storm.stdout}`)
      const after = await boot('after', share)
      equal(after.status, 0, `${after.stdout}${after.stderr}`)
      t.diagnostic(/\d+ answers[^\n]*/.exec(after.stdout)?.[0] ?? after.stdout)
    } finally {
      await rm(share, { recursive: true })
    }
  },
)

/** The machine with the disk in it, this file its command. */
function boot(phase: string, share: string): ReturnType<typeof run> {
  const drive = `file=${join(share, 'disk.img')},format=raw,if=virtio,cache=writeback`
  const words = [
    ...[join(ROOT, 'test/testbed/testbed.sh'), 'run', '--share', share],
    ...['--node', join(ROOT, 'node_modules/node/bin/node'), '--qemu', `-drive ${drive}`],
    ...['--env', `POWER_PHASE=${phase}`, '--env', `POWER_SHARE=${share}`, '--'],
    ...['node', '--test', '--test-force-exit', '--test-reporter=spec'],
    join(ROOT, 'dist/test-vm/power.test.js'),
  ]
  return run(words, { timeoutMs: BOOT_MS })
}

const inPhase = (phase: string): { skip: string | false; timeout: number } => ({
  skip: OUTSIDE === false && PHASE === phase ? false : `not phase ${phase} of a power cut`,
  timeout: BOOT_MS,
})

/** ADD and DEL of one pod, over and over, each answer noted where the cut cannot reach it. */
async function blow(node: PowerNode, pod: string, note: (one: Answered) => Promise<void>) {
  for (let n = 0; ; n++) {
    const container = `${pod}-${n}`
    for (const verb of ['ADD', 'DEL']) {
      const { status, stdout } = await node.cni(verb, { pod, container })
      if (status !== 0) throw new Error(`${verb} of ${container}: ${stdout}`)
      await note({ verb, pod, container })
    }
  }
}

test('storm: ADDs and DELs until the power goes', inPhase('storm'), async () => {
  const node = await PowerNode.open('fresh')
  const answers = await open(ANSWERS, 'a')
  let noted = 0
  const note = async (one: Answered): Promise<void> => {
    await answers.write(`${JSON.stringify(one)}\n`)
    noted++
  }
  const storm = Promise.all(PODS.map((pod) => blow(node, pod, note)))
  const blown = (calls: number): Promise<unknown> =>
    Promise.race([storm, waitFor('the storm', async () => noted >= calls, 120_000)])
  await blown(STORM / 2)
  // as the kernel writes back now and then: what is there at this moment outlives the cut
  await run(['sync'])
  await blown(STORM)
  await answers.sync()
  // no write-back, no unmounting: what was not on the disk is lost
  await writeFile('/proc/sysrq-trigger', 'b')
  await delay(BOOT_MS)
})

test('after: nothing is given twice, what is lost is found', inPhase('after'), async (t) => {
  const text = await readFile(ANSWERS, 'utf8')
  const answers = text
    .split('\n')
    .flatMap((line): Answered[] => (line === '' ? [] : [JSON.parse(line)]))
  ok(answers.length >= STORM)
  await using node = await PowerNode.open('again')
  deepEqual(await node.integrity(), ['ok', 'ok'])
  const [held, rows] = [await node.allocations(), await node.rows()]
  const found = `${held.length} addresses held after it, ${rows} rows`
  t.diagnostic(`${answers.length} answers before the cut, ${found}`)
  ok(held.length > 0, 'some of the storm was on the disk')
  equal(new Set(held.map(({ address }) => address)).size, held.length)
  // half of the pods come again in new sandboxes, and take over what their owner has
  const [again, gone] = [PODS.slice(0, PODS.length / 2), PODS.slice(PODS.length / 2)]
  const given = await Promise.all(again.map((pod) => node.attach(pod, `${pod}-new`)))
  equal(new Set(given).size, again.length, 'nothing is given twice')
  for (const address of given) {
    const holders = (await node.allocations()).filter((one) => one.address === address)
    equal(holders.length, 1)
    match(holders[0]?.containerId ?? '', /-new$/)
  }
  // the runtime deletes every sandbox that it ever began
  const begun = new Map(answers.map(({ container, pod }) => [container, pod]))
  for (const pod of PODS) begun.set(lastOf(pod, answers), pod)
  for (const [container, pod] of begun) equal((await node.cni('DEL', { pod, container })).status, 0)
  const left = await node.allocations()
  deepEqual(
    left.filter(({ containerId }) => !containerId.endsWith('-new')),
    [],
    'found by owner',
  )
  equal(left.length, again.length)
  for (const pod of gone) equal(await node.linksOf(pod), 0)
  for (const pod of again) {
    equal((await node.cni('DEL', { pod, container: `${pod}-new` })).status, 0)
  }
  deepEqual(await node.allocations(), [])
  equal(await node.rows(), 0)
})

/** The sandbox that a pod was in when the power went: one after its last answer, or that one. */
function lastOf(pod: string, answers: readonly Answered[]): string {
  const last = answers.findLast((one) => one.pod === pod)
  if (last === undefined) return `${pod}-0`
  const n = Number(last.container.slice(pod.length + 1))
  return last.verb === 'DEL' ? `${pod}-${n + 1}` : last.container
}
