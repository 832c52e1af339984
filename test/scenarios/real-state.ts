/**
 * What is there on a real node: in its pods, its store and its journal.
 * @module
 */
import { equal } from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { allocationsOf } from '#ipam/index.ts'
import type { RealNode } from './real-node.ts'
import { statusOf } from './status-of.ts'

/** Names of the addresses that are allocated. */
export async function heldAddresses({ records }: RealNode): Promise<string[]> {
  const { items } = await records.list(allocationsOf('all'))
  return items.map(({ metadata }) => metadata.name)
}

/** Addresses that an interface of a pod has, of one family. */
export async function addressesIn(node: RealNode, pod: string, ifName: string): Promise<string[]> {
  const { stdout } = await node.in(pod, 'ip', '-br', '-4', 'addr', 'show', 'dev', ifName)
  return stdout.trim().split(/\s+/).slice(2)
}

/** Links of a pod beside `lo`. */
export async function linksIn(node: RealNode, pod: string): Promise<string[]> {
  const { stdout } = await node.in(pod, 'ip', '-br', 'link')
  const names = stdout.split('\n').map((line) => line.split(/[\s@]/)[0] ?? '')
  return names.filter((name) => name !== '' && name !== 'lo').toSorted()
}

/**
 * Links, addresses, routes, rules, neighbours and nf_tables of the node and of
 * every pod; allocations; files of host-local; rows of the journal.
 */
export async function wholeState(node: RealNode): Promise<string> {
  const folder = join(node.folder, 'networks')
  const files = existsSync(folder) ? await readdir(folder, { recursive: true }) : []
  const rows = await statusOf(node.folder)
  const sections = {
    allocations: (await heldAddresses(node)).toSorted(),
    files: files.filter((name) => /\/[\d.]+\.\d+$/.test(name)).toSorted(),
    journal: rows.map(({ attachment, state }) => `${attachment} ${state}`).toSorted(),
  }
  const texts = Object.entries(sections).map(([name, all]) => `== ${name}\n${all.join('\n')}\n`)
  return [await node.state(), ...texts].join('')
}

/** Checks that all is as before: a namespace ends in the background, and its links with it. */
export async function checkBack(node: RealNode, before: string, about = ''): Promise<void> {
  for (let tries = 100; tries > 0 && (await wholeState(node)) !== before; tries--) {
    await setTimeout(20)
  }
  equal(await wholeState(node), before, about)
}
