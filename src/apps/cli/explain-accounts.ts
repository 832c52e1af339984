/**
 * Facts of a pod → what is so of each of its interfaces, each a chain from what
 * is seen to its cause.
 * @module
 */
import { type Cause, editing, type Finding } from './explain-cause.ts'
import { causesOf } from './explain-causes.ts'
import type { Facts, Seen } from './explain-facts.ts'

/** What is so of one interface, or (without one) of the whole pod. */
export type Account = Cause & {
  readonly interface: string | undefined
  readonly network: string | undefined
  readonly well: boolean
}

/** One account an interface; one for the pod where it has none. */
export function accountsOf(facts: Facts): Account[] {
  if (facts.seen.length > 0) return facts.seen.map((seen) => accountOf(seen, facts))
  const { chain, mend } = causeOfNone(facts)
  const { metadata } = facts.pod
  const pod = `Pod/${metadata.namespace}/${metadata.name}`
  const symptom = { object: pod, what: 'none of its interfaces is attached' }
  return [
    { interface: undefined, network: undefined, well: false, chain: [symptom, ...chain], mend },
  ]
}

/** Why a pod has no interface: what stands in the way first is told. */
function causeOfNone(facts: Facts): Cause {
  const { node, pod, failure, errors, agent, refused } = facts
  const { metadata } = pod
  const name = `${metadata.namespace}/${metadata.name}`
  if (node === undefined) {
    return {
      chain: [{ object: `Pod/${name}`, what: 'it is on no node: spec.nodeName is not set' }],
      mend: [`verbena describe pod ${metadata.name} -n ${metadata.namespace}`],
    }
  }
  const said =
    refused === undefined ? [] : [{ object: `Agent/${node}`, what: refusedText(refused) }]
  if (failure !== undefined) {
    const { chain, mend } = causesOf(failure, facts)
    const already = said.some(({ what }) => what.includes(failure.message))
    const would = { object: `Agent/${node}`, what: `an ADD of it is refused: ${failure.message}` }
    return { chain: [...(already ? said : [would]), ...chain], mend }
  }
  if (errors[0] !== undefined) {
    const { object, message } = errors[0]
    return { chain: [...said, { object, what: message }], mend: [editing(object)] }
  }
  if (agent === undefined) {
    return {
      chain: [{ object: `Agent/${node}`, what: 'it does not answer on its status socket' }],
      mend: ['systemctl restart verbena-agent', `verbena agent --node ${node}`],
    }
  }
  if (refused !== undefined) {
    const again = { object: `Pod/${name}`, what: 'now an ADD of it would succeed' }
    return { chain: [...said, again], mend: ['wait: the runtime tries again by itself'] }
  }
  const what = 'it was asked for no ADD of this pod since it started'
  return {
    chain: [{ object: `Agent/${node}`, what }],
    mend: [`journalctl -u kubelet -u containerd | grep ${metadata.name}`],
  }
}

function refusedText({ text, atMs }: { readonly text: string; readonly atMs: number }): string {
  return `it refused the last ADD at ${new Date(atMs).toISOString()}: ${text}`
}

function accountOf(seen: Seen, facts: Facts): Account {
  const { ifName, network, state, addresses } = seen
  const of = { interface: ifName, network }
  const object = `Interface/${ifName}`
  const has = addresses.length === 0 ? '' : ` with ${addresses.join(' and ')}`
  const attached = { object, what: `it is attached to ${network}${has}` }
  if (state !== 'attached') return { ...of, well: false, ...halfMade(seen, facts) }
  if (seen.gone) return { ...of, well: false, ...left(seen, attached) }
  const [waiting] = seen.waiting
  if (waiting === undefined) return { ...of, well: true, chain: [attached], mend: [] }
  return { ...of, well: false, ...unconnected(seen, attached) }
}

function halfMade({ ifName, state, containerId }: Seen, { node, agent }: Facts): Cause {
  const symptom = {
    object: `Interface/${ifName}`,
    what: `its attachment for container ${containerId} is half made: ${state}`,
  }
  const cause =
    agent === undefined
      ? {
          object: `Agent/${node ?? '-'}`,
          what: 'it does not answer, so nobody finishes or undoes it',
        }
      : {
          object: `Agent/${node ?? '-'}`,
          what: 'it is at it, or waits for a DEL or GC by the runtime',
        }
  const mend =
    agent === undefined
      ? ['systemctl restart verbena-agent', `verbena agent --node ${node ?? 'NODE'}`]
      : ['wait: the next ADD, DEL or GC of the container undoes it first', 'verbena repair']
  return { chain: [symptom, cause], mend }
}

/** The container ended, and nobody called DEL. */
function left({ containerId }: Seen, attached: Finding): Cause {
  const cause = {
    object: `Container/${containerId}`,
    what: 'its network namespace is gone, and no DEL came for it: its addresses are still held',
  }
  return { chain: [attached, cause], mend: ['verbena repair'] }
}

function unconnected({ waiting, ifName }: Seen, attached: Finding): Cause {
  const chain = [attached, ...waiting.map((what) => ({ object: `Interface/${ifName}`, what }))]
  const text = waiting.join(' ')
  const pkey = /P_Key (0x[0-9a-f]+)/.exec(text)?.[1]
  if (pkey === undefined) return { chain, mend: ['ip link show', 'rdma link show'] }
  const full = {
    object: `Partition/${pkey}`,
    what: 'the port of the node is no member of it, or the port is not active',
  }
  return {
    chain: [...chain, full],
    mend: [
      `add the port to partition ${pkey} in the subnet manager (the interface comes up by itself)`,
      'rdma link show',
    ],
  }
}
