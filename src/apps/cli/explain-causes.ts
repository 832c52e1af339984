/**
 * Why an ADD is refused, further than its one sentence: for each code what
 * stands behind it in the store and on the host, and what mends it.
 * @module
 */
import type { Document } from '#needs/records.ts'
import { POOL_KIND, SPIDER_API_VERSION } from '#schema/spider-ip-pool.ts'
import type { Failure } from '#values/failure.ts'
import { addressOf, ALLOCATION, holderOf } from './allocation.ts'
import { NAD } from './derived.ts'
import { type Cause, editing, type Finding } from './explain-cause.ts'
import type { Facts } from './explain-facts.ts'
import { textAt } from './fields.ts'
import { POD } from './plan-pod.ts'
import { documentsOf } from './state.ts'

/** Holders that are named; a pool can have thousands. */
const NAMED = 3
const POOL = { apiVersion: SPIDER_API_VERSION, kind: POOL_KIND } as const

type Rule = (failure: Failure, facts: Facts) => Cause

const RULES: Readonly<Record<string, Rule>> = {
  'pool-exhausted': exhausted,
  'pool-none': noPool,
  'pool-missing': missingPool,
  'nad-missing': missingNad,
  'master-missing': (failure, facts) =>
    aboutMaster(failure, facts, 'there is no interface of that name', [
      'ip link show',
      'rdma link show',
    ]),
  'master-down': (failure, facts) =>
    aboutMaster(failure, facts, 'it is down', [`ip link set ${detail(failure, 'master')} up`]),
  'master-not-ipoib': (failure, facts) =>
    aboutMaster(failure, facts, 'it is not an IPoIB interface', [
      'ip -d link show',
      'ibdev2netdev',
    ]),
}

/** What is behind a failure. One without a rule of its own has the document to be changed. */
export function causesOf(failure: Failure, facts: Facts): Cause {
  const rule = RULES[failure.code]
  if (rule !== undefined) return rule(failure, facts)
  const object = documentOf(failure, facts)
  const mend =
    failure.row.retry === 'never' ? [editing(object)] : ['wait: the runtime tries again by itself']
  return { chain: [{ object, what: `this is what it comes from (${failure.code})` }], mend }
}

function exhausted(failure: Failure, facts: Facts): Cause {
  const pool = detail(failure, 'pool')
  const holders = documentsOf(facts.documents, ALLOCATION).filter(
    (one) => textAt(one, 'spec', 'pool') === pool,
  )
  const size = failure.details['size']
  const full = { object: `SpiderIPPool/${pool}`, what: `all ${String(size)} addresses are held` }
  const pods = new Set(documentsOf(facts.documents, POD).map(({ metadata }) => metadata.uid ?? ''))
  const isGone = (one: Document): boolean => {
    const uid = textAt(one, 'spec', 'podUid')
    return uid !== undefined && !pods.has(uid)
  }
  const gone = holders.filter(isGone)
  const told = [...gone, ...holders.filter((one) => !isGone(one))].slice(0, NAMED)
  const more = holders.length > told.length ? ` and ${holders.length - told.length} more` : ''
  const by = told.map((one) => heldText(one, isGone(one))).join(', ')
  const first = told[0]
  const held: Finding[] =
    first === undefined ? [] : [{ object: `Allocation/${addressOf(first)}`, what: `${by}${more}` }]
  const widen = editing(`SpiderIPPool/${pool}`)
  const mend =
    gone.length > 0 ? ['verbena repair', widen] : [widen, `verbena describe pool ${pool}`]
  return { chain: [full, ...held], mend }
}

function heldText(one: Document, isGone: boolean): string {
  const on = textAt(one, 'spec', 'node') ?? '-'
  const what = `${addressOf(one)} by ${holderOf(one)} (${textAt(one, 'spec', 'interface') ?? '-'})`
  return `${what} on ${on}${isGone ? ', a pod that does not exist' : ''}`
}

/** Every pool that was dropped, with its reason. */
function noPool(failure: Failure, facts: Facts): Cause {
  const reasons = detail(failure, 'reasons').split('; ')
  const pools = new Set(documentsOf(facts.documents, POOL).map(({ metadata }) => metadata.name))
  const dropped = reasons.flatMap((text): Finding[] => {
    const [, pool = '', what = ''] = /^([^:]+): (.*)$/.exec(text) ?? []
    return pools.has(pool) ? [{ object: `SpiderIPPool/${pool}`, what }] : []
  })
  const [first] = dropped
  if (first === undefined) {
    const what = 'no pool is named by the pod, its namespace or its network, and none is default'
    const mend = ['verbena get spiderippools -o wide', 'verbena apply -f pool.yaml']
    return { chain: [{ object: 'SpiderIPPool', what }], mend }
  }
  const what = dropped.map((one) => `${one.object.slice('SpiderIPPool/'.length)}: ${one.what}`)
  const chain = [
    { object: first.object, what: dropped.length === 1 ? first.what : what.join('; ') },
  ]
  return { chain, mend: [editing(first.object), 'verbena get spiderippools -o wide'] }
}

function missingPool(failure: Failure, facts: Facts): Cause {
  const pool = detail(failure, 'pool')
  const names = documentsOf(facts.documents, POOL).map(({ metadata }) => metadata.name)
  const there = names.length === 0 ? 'there is no pool at all' : `there is ${names.join(', ')}`
  return {
    chain: [{ object: `SpiderIPPool/${pool}`, what: `there is no such pool; ${there}` }],
    mend: ['verbena apply -f pool.yaml', editing(documentOf(failure, facts))],
  }
}

function missingNad(failure: Failure, facts: Facts): Cause {
  const [name, namespace] = [detail(failure, 'name'), detail(failure, 'namespace')]
  const others = documentsOf(facts.documents, NAD)
    .filter(({ metadata }) => metadata.name === name)
    .map(({ metadata }) => `${metadata.namespace}/${metadata.name}`)
  const elsewhere = others.length === 0 ? '' : `; there is ${others.join(', ')}`
  const object = `NetworkAttachmentDefinition/${namespace}/${name}`
  const pod = facts.pod.metadata
  const mend =
    others.length === 0
      ? ['verbena apply -f network.yaml', 'verbena get nad -A']
      : [editing(`Pod/${pod.namespace}/${pod.name}`)]
  return { chain: [{ object, what: `there is none${elsewhere}` }], mend }
}

function aboutMaster(failure: Failure, facts: Facts, what: string, mend: readonly string[]): Cause {
  const master = detail(failure, 'master')
  const object = `Interface/${master}`
  const on = facts.node === undefined ? '' : ` on node ${facts.node}`
  return { chain: [{ object, what: `${what}${on}` }], mend: [...mend, editing(networkOf(facts))] }
}

/** The document that is most likely to be changed. */
function documentOf({ details }: Failure, facts: Facts): string {
  const { nad, annotation, pool } = details
  if (typeof nad === 'string') return `NetworkAttachmentDefinition/${nad}`
  const pod = facts.pod.metadata
  if (typeof annotation === 'string') return `Pod/${pod.namespace}/${pod.name}`
  if (typeof pool === 'string') return `SpiderIPPool/${pool}`
  return networkOf(facts)
}

function networkOf({ pod }: Facts): string {
  const named = pod.metadata.annotations?.['v1.multus-cni.io/default-network']
  const text = named ?? pod.metadata.annotations?.['k8s.v1.cni.cncf.io/networks'] ?? ''
  const [first = ''] = text.split(',')
  const plain = /^[a-z0-9/.-]+/.exec(first)?.[0]
  if (plain === undefined) return `Pod/${pod.metadata.namespace}/${pod.metadata.name}`
  const whole = plain.includes('/') ? plain : `${pod.metadata.namespace}/${plain}`
  return `NetworkAttachmentDefinition/${whole}`
}

function detail({ details }: Failure, name: string): string {
  const value = details[name]
  return typeof value === 'string' ? value : String(value ?? '-')
}
