/**
 * Links of the host that are lent to a pod: there and back, with the mark that
 * tells whose they are now and what they were.
 *
 * Spec: Linux net/core/dev.c, dev_change_net_namespace(); group and alias stay with
 * a link wherever it goes.
 * @module
 */
import { type IfName, isIfName, parseIfName } from '#values/if-name.ts'
import { isMovedGroup, movedGroup } from '#values/mark.ts'
import type { MoveLink, ReturnLink } from '#values/lent-link.ts'
import { refusal } from './errno.ts'
import { findNetns, linkNamed, netnsAt } from './find.ts'
import type { SimHost, SimLink, SimNetns } from './host.ts'
import { isAlive, moveLink, renameLink, setLink } from './links.ts'
import type { Effect, View } from './view.ts'

/** Of a link that somebody else lent. */
const UNKNOWN = { up: false, group: 0, alias: undefined, index: undefined }

/** The mark, then the move under the name that it has until it is renamed. */
export function moveEffects({ host, own }: View, step: MoveLink): Effect[] {
  const [home, pod] = [netnsAt(host, 'host', own), netnsAt(host, step.netns)]
  const link = linkNamed(home, step.link)
  if (link === undefined) return [{ effect: 'move', run: () => refusal('ENODEV') }]
  return [
    {
      effect: 'mark',
      run: () => {
        link.group = movedGroup(step.mark)
        link.alias = step.link
        return undefined
      },
    },
    { effect: 'move', run: () => moveLink(host, link, pod, { as: step.temp }) },
  ]
}

/** Home, under its name, as it was; the mark goes last. Nothing when it is nowhere. */
export function returnEffects({ host, own }: View, step: ReturnLink): Effect[] {
  const home = netnsAt(host, 'host', own)
  const link = findMoved({ host, own }, step)
  if (link === undefined) return []
  const name = step.link ?? parseIfName(link.alias ?? link.name)
  const { up, group, alias, index, ...settings } = step.was ?? UNKNOWN
  const effects: [string, () => void][] = []
  if (link.netns !== home) {
    effects.push(['move back', () => bringHome({ host, link, home, name, index })])
  } else if (link.name !== name) effects.push(['rename', () => rename(link, home, name)])
  effects.push(['settings', () => setLink(host, link, fitting(link, settings))])
  if (up) effects.push(['up', () => setLink(host, link, { up: true })])
  effects.push([
    'unmark',
    () => {
      link.group = group
      link.alias = alias
    },
  ])
  return effects.map(([effect, act]) => ({
    effect,
    run: () => {
      if (isAlive(link)) act()
      return undefined
    },
  }))
}

/** In the pod by its names, there or at home by its mark. */
function findMoved({ host, own }: View, step: ReturnLink): SimLink | undefined {
  const { names, link: wanted, mark } = step
  const pod = findNetns(host, step.netns)?.links ?? []
  const homes = [netnsAt(host, 'host', own), netnsAt(host, 'host')].flatMap((n) => n.links)
  const isOurs = ({ group, alias }: SimLink): boolean => {
    const marked = mark === undefined ? isMovedGroup(group) : group === movedGroup(mark)
    return marked && alias !== undefined && (wanted === undefined || alias === wanted)
  }
  const isTheirs = ({ name, group, alias }: SimLink): boolean => {
    const named = mark === undefined && names.includes(name) && group === 0
    return (
      named &&
      alias !== undefined &&
      isIfName(alias) &&
      alias !== name &&
      (wanted === undefined || alias === wanted)
    )
  }
  const isNamed = (link: SimLink): boolean => names.includes(link.name) && isOurs(link)
  const away = mark === undefined ? undefined : pod.find(isOurs)
  return (
    pod.find(isNamed) ??
    pod.find(isTheirs) ??
    away ??
    (wanted === undefined ? undefined : homes.find((one) => isOurs(one) || isTheirs(one)))
  )
}

/** Under the name that it had, or, where somebody took that, one that is free. */
function bringHome(of: {
  readonly host: SimHost
  readonly link: SimLink
  readonly home: SimNetns
  readonly name: IfName
  readonly index: number | undefined
}): void {
  const { host, link, home, name, index = link.index } = of
  const free = linkNamed(home, name) === undefined ? name : freeName(home)
  moveLink(host, link, home, { as: free, index })
  link.altNames = link.altNames.filter((one) => one !== name)
}

function rename(link: SimLink, home: SimNetns, name: IfName): void {
  link.up = false
  if (linkNamed(home, name) === undefined) renameLink(link, name)
}

function freeName(netns: SimNetns): IfName {
  for (let number = 0; ; number++) {
    const name = parseIfName(`dev${number}`)
    if (linkNamed(netns, name) === undefined) return name
  }
}

/** Without what is so already; nobody can give an IPoIB link its address. */
function fitting(link: SimLink, settings: Parameters<typeof setLink>[2]) {
  const { address, ...others } = settings
  if (address === undefined || address === link.address || link.arpType !== 1) return others
  return { ...others, address }
}
