/**
 * A wire of veth pairs and one bridge for each parent's name, in the namespace
 * `wire` of the run: nothing of it is in the machine's own namespace.
 * @module
 */
import type { Run } from './run.ts'
import { netnsName } from './run.ts'
import type { Parent, Wire } from './wire.ts'

/** Runs `ip` with these words, which must succeed. */
export type Ip = (...words: readonly string[]) => Promise<unknown>

export const WIRE_NETNS = 'wire'

export function bridgeWire(run: Run, ip: Ip): Wire {
  const netns = netnsName(run, WIRE_NETNS)
  const laid: { readonly node: string; readonly end: string }[] = []
  return {
    async lay(parents) {
      if (parents.length === 0) return
      await ip('netns', 'add', netns)
      const names = [...new Set(parents.map(({ name }) => name))]
      for (const [i, name] of names.entries()) {
        await ip('-n', netns, 'link', 'add', `br${i}`, 'type', 'bridge')
        await ip('-n', netns, 'link', 'set', `br${i}`, 'up')
        for (const parent of parents.filter((one) => one.name === name)) {
          laid.push(await layOne(parent, `br${i}`))
        }
      }
    },
    rdmaDevices: () => Promise.resolve([]),
    async cut(node) {
      for (const { end } of laid.filter((one) => one.node === node)) {
        await ip('-n', netns, 'link', 'set', end, 'down')
      }
    },
    // the namespace goes with those of the nodes
    remove: () => Promise.resolve(),
  }

  async function layOne({ name, node }: Parent, bridge: string) {
    const end = `port${laid.length}`
    const peer = ['peer', 'name', name, 'netns', netnsName(run, node)]
    await ip('-n', netns, 'link', 'add', end, 'type', 'veth', ...peer)
    await ip('-n', netns, 'link', 'set', end, 'master', bridge, 'up')
    return { node, end }
  }
}
