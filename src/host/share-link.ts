/**
 * Makes a link of the host that pods share, or sees that it is there and up. Two
 * agents, or two pods, can do it at once: who comes second finds it made.
 *
 * Kernel facts: a port is down while a bond takes it, and comes up by itself with
 * the bond or by us; a VLAN exists once on its parent.
 * @module
 */
import type { IfName } from '#values/if-name.ts'
import type { Link, SharedSpec } from '#values/link.ts'
import type { ShareLink } from '#values/lent-link.ts'
import { encodeNewLink } from '#wire/rtnetlink/link-change.ts'
import { type About, change, linkNamed, send } from './ask-links.ts'
import { ERRNO } from './errno.ts'
import type { Namespaces } from './namespaces.ts'
import { refusal } from './refusal.ts'

type At = { readonly netns: number; readonly about: About }

/** @throws {Failure} `kernel-refused`: a parent or port is missing, the name is another link's */
export async function shareLink(step: ShareLink, spaces: Namespaces): Promise<void> {
  const { name, spec } = step
  const at = { netns: spaces.enter(step.where), about: { step: step.do, of: name } }
  const parent = spec.kind === 'vlan' ? await demand(spec.parent, at) : undefined
  if (parent !== undefined) await bringUp(parent, at)
  const link = (await linkNamed(at.netns, name)) ?? (await make(step, parent, at))
  if (!isSame(link, spec)) throw refused(ERRNO.EEXIST, at)
  if (spec.kind === 'bond') {
    for (const port of spec.ports) await join(await demand(port, at), link, at)
    const primary = spec.primary && (await demand(spec.primary, at))
    if (primary !== undefined) {
      await change({ netns: at.netns, index: link.index }, { bondPrimary: primary.index }, at.about)
    }
  }
  await bringUp(link, at)
}

async function make({ name, spec }: ShareLink, parent: Link | undefined, at: At): Promise<Link> {
  const made = {
    index: 0,
    name,
    address: undefined,
    mtu: undefined,
    netnsFd: undefined,
    parent: parent?.index,
    group: undefined,
  }
  const tolerates = [ERRNO.EEXIST]
  await send(at.netns, encodeNewLink(made, spec), { ...at.about, tolerates })
  const link = await linkNamed(at.netns, name)
  // the number is taken on this parent, under another name
  if (link === undefined) throw refused(ERRNO.EEXIST, at)
  return link
}

async function join(port: Link, bond: Link, at: At): Promise<void> {
  if (port.master === bond.index) return
  const place = { netns: at.netns, index: port.index }
  await change(place, { up: false }, at.about)
  await change(place, { master: bond.index }, at.about)
  await change(place, { up: true }, at.about)
}

async function bringUp(link: Link, at: At): Promise<void> {
  if (!link.up) await change({ netns: at.netns, index: link.index }, { up: true }, at.about)
}

async function demand(name: IfName, at: At): Promise<Link> {
  const link = await linkNamed(at.netns, name)
  if (link === undefined) throw refused(ERRNO.ENODEV, { ...at, about: { ...at.about, of: name } })
  return link
}

function isSame({ kind }: Link, spec: SharedSpec): boolean {
  if (spec.kind === 'bond') return kind.kind === 'bond'
  return kind.kind === 'vlan' && kind.id === spec.id
}

function refused(errno: number, { about }: At): Error {
  return refusal({ status: -errno, data: new Uint8Array(0) }, about)
}
