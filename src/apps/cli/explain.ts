/**
 * `verbena explain POD`: one chain from what is seen of a pod to its cause, and
 * what mends it. It asks the store, the agent of the pod's node, its journal,
 * the interfaces of the machine, and what an ADD of the pod would come to now.
 *
 * Spec: docs/reference/cli.md (explain).
 * @module
 */
import type { Records } from '#needs/records.ts'
import { fail } from '#apps/failures.ts'
import type { Context } from './context.ts'
import { type Account, accountsOf } from './explain-accounts.ts'
import { type ExplainOptions, factsOf } from './explain-facts.ts'
import { POD, type PodName } from './plan-pod.ts'
import { listAll, withStore } from './store.ts'

type Story = {
  /** `namespace/name`. */
  readonly pod: string
  readonly node: string | undefined
  readonly well: boolean
  readonly accounts: readonly Account[]
}

/** Exit status 1 when something is not as it should be. */
export async function explain(options: ExplainOptions, context: Context): Promise<number> {
  const name = podNamed(options)
  return withStore({ options, context, opening: 'existing' }, async (records) => {
    const story = await storyOf(name, { options, context, records })
    if (options.output === 'json') context.stdout.write(`${JSON.stringify(story, null, 2)}\n`)
    else context.stdout.write(textOf(story))
    return story.well ? 0 : 1
  })
}

/** What a story is told from. */
type Around = {
  readonly options: ExplainOptions
  readonly context: Context
  readonly records: Records
}

async function storyOf(name: PodName, around: Around): Promise<Story> {
  const pod = `${name.namespace}/${name.name}`
  const facts = await factsOf(name, around)
  if (facts === undefined) {
    const account = await absent(name, around.records)
    return { pod, node: undefined, well: false, accounts: [account] }
  }
  const accounts = accountsOf(facts)
  return { pod, node: facts.node, well: accounts.every(({ well }) => well), accounts }
}

/** A name alone is one of the namespace of the command. @throws {Failure} `command-invalid` */
function podNamed({ pod, namespace: own = 'default' }: ExplainOptions): PodName {
  const [namespace = '', name = '', more] = pod.includes('/') ? pod.split('/') : [own, pod]
  if (namespace === '' || name === '' || more !== undefined) {
    throw fail('command-invalid', { reason: `${pod} is not NAME or NAMESPACE/NAME` })
  }
  return { namespace, name }
}

/** No such pod: those whose names are like it, or its namesakes elsewhere. */
async function absent({ namespace, name }: PodName, records: Records): Promise<Account> {
  const pods = await listAll(POD, records)
  const stem = name.replace(/-[a-z0-9]+$/, '')
  const alike = pods
    .filter(({ metadata }) => metadata.name === name || metadata.name.startsWith(stem))
    .map(({ metadata }) => `${metadata.namespace}/${metadata.name}`)
  const object = `Pod/${namespace}/${name}`
  const others =
    alike.length === 0 ? 'the store has no pod of a name like it' : `there is ${alike.join(', ')}`
  return {
    interface: undefined,
    network: undefined,
    well: false,
    chain: [
      { object, what: 'there is no such pod in the store' },
      { object: 'Pod', what: others },
    ],
    mend: [alike[0] === undefined ? 'verbena get pods -A' : `verbena explain ${alike[0]}`],
  }
}

/** For people: symptom first, each cause further in, what mends it at the end. */
function textOf({ pod, node, well, accounts }: Story): string {
  const head = `pod ${pod}${node === undefined ? '' : ` on node ${node}`}`
  const parts = accounts.map(({ chain, mend }) => {
    const lines = chain.map(({ object, what }, depth) => {
      const lead = depth === 0 ? '' : `${'   '.repeat(depth - 1)}└─ because `
      return `  ${lead}${object}: ${what}\n`
    })
    const mends = mend.map((one, i) => `  ${i === 0 ? 'mend:' : '  or:'} ${one}\n`)
    return [...lines, ...mends].join('')
  })
  return `${head}: ${well ? 'all is as it should be' : 'not as it should be'}\n${parts.join('\n')}`
}
