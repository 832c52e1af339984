/**
 * The effects that a step has on a simulated host, one by one: what a kill can
 * come between. Names to links are looked up when the step's turn comes.
 * @module
 */
import type { IfName } from '#values/if-name.ts'
import { bearsMark, isMadeFor, VERBENA_GROUP } from '#values/mark.ts'
import type { CreateLink, DeleteLink, SetLink, Step } from '#values/step.ts'
import { findNetns, linkNamed, netnsAt } from './find.ts'
import { addAddress, addNeighbour, removeAddress, removeNeighbour } from './addresses.ts'
import { type Refusal, refusal } from './errno.ts'
import type { SimHost, SimLink, SimNetns } from './host.ts'
import { deleteLink, isAlive, moveLink, renameLink, setLink, setSysctl } from './links.ts'
import { makeLink } from './make-link.ts'
import { moveEffects, returnEffects } from './moved-links.ts'
import { addRoute, removeRoute } from './routes.ts'
import { announce, probe } from './probes.ts'
import { addRule, removeRule } from './rules.ts'
import { shareEffects } from './shared-link.ts'
import type { Effect, View } from './view.ts'

/** Effects of `step` in order. @throws {Failure} `netns-gone`; never for what takes back */
export function effectsOf(view: View, step: Step): Effect[] {
  switch (step.do) {
    case 'create-link':
      return createEffects(view, step)
    case 'delete-link':
      return deleteEffects(view, step)
    case 'set-link':
      return setEffects(view, step)
    case 'rename-link': {
      const netns = netnsAt(view.host, step.netns)
      const run = (): Refusal | undefined =>
        onLink(netns, step.from, (link) => renameLink(link, step.to))
      return [{ effect: 'rename', run }]
    }
    case 'move-link':
      return moveEffects(view, step)
    case 'return-link':
      return returnEffects(view, step)
    case 'share-link':
      return shareEffects(view, step)
    default:
      return plainEffects(view, step)
  }
}

type LinkStep = Extract<Step, { do: `${string}-link` }>
type PlainStep = Exclude<Step, LinkStep>

/** A step of one effect; none when it takes back what went with its namespace. */
function plainEffects({ host, own }: View, step: PlainStep): Effect[] {
  const there = findNetns(host, step.where === 'host' ? own : step.where)
  if (there === undefined && step.do.startsWith('remove-')) return []
  const netns = netnsAt(host, step.where, own)
  return [{ effect: step.do, run: () => change(host, netns, step) }]
}

function change(host: SimHost, netns: SimNetns, step: PlainStep): Refusal | undefined {
  switch (step.do) {
    case 'add-address':
      return onLink(netns, step.link, (link) => addAddress(link, step.cidr))
    case 'remove-address':
      return ifThere(netns, step.link, (link) => removeAddress(link, step.cidr))
    case 'add-neighbour': {
      const { neighbour } = step
      return onLink(netns, neighbour.link, (link) => done(() => addNeighbour(link, neighbour)))
    }
    case 'remove-neighbour':
      return ifThere(netns, step.neighbour.link, (link) => removeNeighbour(link, step.neighbour))
    case 'add-route':
      return addRoute(netns, step.route)
    case 'remove-route':
      return done(() => removeRoute(netns, step.route))
    case 'add-rule':
      return addRule(netns, step.rule)
    case 'remove-rule':
      return done(() => removeRule(netns, step.rule))
    case 'set-sysctl':
      return setSysctl(host, netns, step)
    case 'add-nft-table':
      if (netns.tables.has(step.table.name)) return refusal('EEXIST')
      return done(() => netns.tables.set(step.table.name, step.table))
    case 'remove-nft-table':
      return done(() => netns.tables.delete(step.table.name))
    case 'probe':
      return onLink(netns, step.link, (link) => done(() => probe(host, link, step)))
    case 'announce':
      return ifThere(netns, step.link, (link) => announce(host, link, step))
  }
}

/** create, mark of each end, then for IPoIB its MTU (ignored at creation), then the move. */
function createEffects({ host, own }: View, step: CreateLink): Effect[] {
  const pod = netnsAt(host, step.netns)
  const home = netnsAt(host, 'host', own)
  const at = step.way === 'move' ? home : pod
  let made: SimLink | undefined
  const onMade = (effect: string, change: (link: SimLink) => Refusal | undefined): Effect => ({
    effect,
    run: () => (made === undefined || !isAlive(made) ? refusal('ENODEV') : change(made)),
  })
  const create: Effect = {
    effect: 'create',
    run: () => {
      const result = makeLink({ host, step, own: home, at })
      if ('errno' in result) return result
      made = result
      return undefined
    },
  }
  const mark = onMade('mark', (link) => done(() => setMark(link, step.mark)))
  const markPeer = onMade('mark of the peer', ({ below }) =>
    below === undefined ? refusal('ENODEV') : done(() => setMark(below, step.mark)),
  )
  const { mtu } = step
  const late = step.spec.kind === 'ipoib' && mtu !== undefined
  return [
    create,
    mark,
    ...(step.spec.kind === 'veth' ? [markPeer] : []),
    ...(late ? [onMade('mtu', (link) => setLink(host, link, { mtu }))] : []),
    ...(step.way === 'move' ? [onMade('move', (link) => moveLink(host, link, pod))] : []),
  ]
}

/** Group and alias at once, as one message sets them. */
function setMark(link: SimLink, mark: string): void {
  link.group = VERBENA_GROUP
  link.alias = mark
}

/** One effect for each link that is ours, in the pod, here, or where the kernel put it. */
function deleteEffects({ host, own }: View, step: DeleteLink): Effect[] {
  const pod = findNetns(host, step.netns)?.links ?? []
  const homes = [netnsAt(host, 'host', own), netnsAt(host, 'host')].flatMap(({ links }) => links)
  return [...new Set(deletedBy(step, pod, homes))].map((link) => ({
    effect: `delete ${link.name}`,
    run: () => done(() => deleteLink(host, link)),
  }))
}

/** Those that have one of the names; or else, by mark and kind, those that got another. */
function deletedBy(
  { names, mark, kind }: DeleteLink,
  pod: readonly SimLink[],
  homes: readonly SimLink[],
): readonly SimLink[] {
  const isNamed = ({ name }: SimLink): boolean => names.includes(name)
  if (mark === undefined) return pod.filter((one) => isNamed(one) && one.kind.kind === kind)
  const all = [...pod, ...homes]
  const named = all.filter((one) => isNamed(one) && bearsMark(one, mark))
  if (named.length > 0) return named
  const isKind = (one: SimLink): boolean => kind === undefined || one.kind.kind === kind
  return all.filter((one) => isKind(one) && isMadeFor(one, mark))
}

/** Each setting is an effect of its own; `up` is the last. */
function setEffects({ host, own }: View, { where, link, set }: SetLink): Effect[] {
  const { mtu, addrGenMode, txQueueLength, address, promiscuous, allMulticast, up } = set
  const parts: [string, SetLink['set']][] = []
  if (addrGenMode !== undefined) parts.push(['addrgenmode', { addrGenMode }])
  if (mtu !== undefined) parts.push(['mtu', { mtu }])
  if (txQueueLength !== undefined) parts.push(['txqueuelen', { txQueueLength }])
  if (address !== undefined) parts.push(['address', { address }])
  if (promiscuous !== undefined) parts.push(['promisc', { promiscuous }])
  if (allMulticast !== undefined) parts.push(['allmulticast', { allMulticast }])
  if (up !== undefined) parts.push(['up', { up }])
  const netns = netnsAt(host, where, own)
  return parts.map(([effect, part]) => ({
    effect,
    run: () => onLink(netns, link, (found) => setLink(host, found, part)),
  }))
}

function onLink(
  netns: SimNetns,
  name: IfName,
  act: (link: SimLink) => Refusal | undefined,
): Refusal | undefined {
  const link = linkNamed(netns, name)
  return link === undefined ? refusal('ENODEV') : act(link)
}

function ifThere(netns: SimNetns, name: IfName, act: (link: SimLink) => void): undefined {
  const link = linkNamed(netns, name)
  if (link !== undefined) act(link)
}

function done(act: () => void): undefined {
  act()
}
