/**
 * Finding namespaces and links on a simulated host.
 * @module
 */
import { fail } from '#values/failures.ts'
import type { Where } from '#values/netns.ts'
import { INITIAL, type SimHost, type SimLink, type SimNetns } from './host.ts'

/** The namespace a path stands for: by the whole path, else by its last component. */
export function findNetns(host: SimHost, path: string): SimNetns | undefined {
  return host.netns.get(path) ?? host.netns.get(path.slice(path.lastIndexOf('/') + 1))
}

/**
 * The namespace at `where`; `own` is the name of the one that stands for `host`.
 * @throws {Failure} `netns-gone`
 */
export function netnsAt(host: SimHost, where: Where, own: string = INITIAL): SimNetns {
  const found = findNetns(host, where === 'host' ? own : where)
  if (found === undefined) {
    const reason = 'No such file or directory'
    throw fail('netns-gone', { netns: where === 'host' ? own : where, reason })
  }
  return found
}

export function linkNamed(netns: SimNetns, name: string): SimLink | undefined {
  return netns.links.find((link) => link.name === name)
}

/** True for a child of an IPoIB parent, false for the parent itself. */
export function isIpoibChild(link: SimLink): boolean {
  return link.kind.kind === 'ipoib' && link.below !== undefined
}

/** Links of all namespaces. */
export function everyLink(host: SimHost): SimLink[] {
  return [...host.netns.values()].flatMap((netns) => netns.links)
}

/** Links that hang on `link`: its children and, for a veth, its peer. */
export function dependants(host: SimHost, link: SimLink): SimLink[] {
  return everyLink(host).filter((other) => other.below === link)
}
