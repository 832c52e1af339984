/**
 * Budget: eight interfaces of one pod in one ADD in at most 5 ms, on the
 * standalone store and made in place. Beside it the eight calls that a
 * meta-plugin would make of Debian's macvlan + host-local, one after the other.
 * @module
 */
import { join } from 'node:path'
import { openRecords } from '#store/records.ts'
import { Agent } from './agent.ts'
import { type Call, type Plugin, callOf } from './call.ts'
import { hostLocalOf, macvlanConf, nadOf, podOf, poolOf, writeDocuments } from './documents.ts'
import { type Ground, PEER_PATH, onGround } from './ground.ts'
import { median, ms, reportBudgets, say, table } from './report.ts'
import { execTimed } from './shell.ts'

const RAILS = 8
const WARM_ROUNDS = 60
const ROUNDS = 25
const BUDGET_US = 5_000

const indexes = Array.from({ length: RAILS }, (_, rail) => rail)

/** A pod of a runtime: all that CNI_ARGS tell of it. */
async function podArgs(ground: Ground): Promise<string> {
  await using records = await openRecords({ path: join(ground.folder, 'a', 'store.db') })
  const ref = { apiVersion: 'v1', kind: 'Pod', namespace: 'bench', name: 'pod' }
  const uid = (await records.get(ref))?.metadata.uid ?? ''
  return `IgnoreUnknown=1;K8S_POD_NAMESPACE=bench;K8S_POD_NAME=pod;K8S_POD_UID=${uid}`
}

/** A round: one call of ours, eight of the peer, then the same for DEL. */
function rounds(
  ground: Ground,
  { ours, args, count }: { ours: Plugin; args: string; count: number },
): Call[] {
  const [netns = '', peers = ''] = ground.pods(2)
  return Array.from({ length: count }, (_, round) =>
    (['ADD', 'DEL'] as const).flatMap((verb) => {
      const ourCall = callOf(verb, ours, { containerId: `pod-${round}`, netns, args })
      return [ourCall, ...indexes.map((rail) => peerCall(verb, rail, { ground, round, peers }))]
    }),
  ).flat()
}

function peerCall(
  verb: 'ADD' | 'DEL',
  rail: number,
  { ground, round, peers }: { ground: Ground; round: number; peers: string },
): Call {
  const conf = macvlanConf(rail, hostLocalOf(rail, join(ground.folder, 'peers')))
  const ifName = rail === 0 ? 'eth0' : `net${rail}`
  return callOf(
    verb,
    { folder: PEER_PATH, conf },
    {
      containerId: `peer-${round}`,
      netns: peers,
      ifName,
    },
  )
}

/** Microseconds of each round's ADD and DEL: of ours, and of the peer's eight together. */
function perRound(times: readonly number[]) {
  const part = RAILS + 1
  const parts = Array.from({ length: times.length / part }, (_, i) =>
    times.slice(i * part, (i + 1) * part),
  )
  const of = (verb: 0 | 1) => parts.filter((_, i) => i % 2 === verb)
  const ours = (verb: 0 | 1) => of(verb).map(([first = 0]) => first)
  const peers = (verb: 0 | 1) =>
    of(verb).map(([, ...rest]) => rest.reduce((sum, one) => sum + one, 0))
  return { ours, peers }
}

await onGround({ rails: RAILS }, async (ground) => {
  const documents = indexes.flatMap((rail) => [poolOf(rail), nadOf(rail)])
  await writeDocuments(ground, 'a', [...documents, podOf(RAILS)])
  const args = await podArgs(ground)
  await using agent = await Agent.start(ground, { state: 'a' })
  const conf = { cniVersion: '1.0.0', name: 'verbena', type: 'verbena' }
  const ours = { folder: ground.cniPath, socket: agent.socket, conf }
  const warm = rounds(ground, { ours, args, count: WARM_ROUNDS })
  await execTimed(
    ground,
    warm.filter(({ file }) => file.startsWith(ground.cniPath)),
  )
  const times = await execTimed(ground, rounds(ground, { ours, args, count: ROUNDS }))
  const { ours: our, peers } = perRound(times)
  say(`${RAILS} interfaces of one pod, exec to exit, ${ROUNDS} rounds in turns, milliseconds`)
  const row = (verb: 0 | 1, name: string): string[] => [
    name,
    ms(median(our(verb))),
    ms(median(peers(verb))),
    (median(peers(verb)) / median(our(verb))).toFixed(1),
  ]
  table([
    ['median', 'verbena, one call', 'Debian, eight calls', '× faster'],
    row(0, 'ADD'),
    row(1, 'DEL'),
  ])
  const add = median(our(0))
  reportBudgets([
    {
      work: `${RAILS} interfaces of one pod in one ADD (median)`,
      budget: '≤ 5 ms',
      measured: `${ms(add)} ms, ${(median(peers(0)) / add).toFixed(1)} × faster than eight calls`,
      met: add <= BUDGET_US,
    },
  ])
})
