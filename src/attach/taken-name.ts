/**
 * The name of an interface that the container has already. A plugin of ours is
 * told by the kernel and takes back only what it made; another vendor's is not
 * called at all: its DEL, which would follow, takes what somebody else made.
 * @module
 */
import type { Chain } from './chain.ts'
import { fail } from './failures.ts'
import type { AttachNeeds, Wanted } from './needs.ts'

/** @throws {Failure} `interface-taken` */
export async function checkNames(
  wanteds: readonly Wanted[],
  chains: readonly Chain[],
  { kernel }: Pick<AttachNeeds, 'kernel'>,
): Promise<void> {
  const foreign = wanteds.filter(({ prevResult }, i) => {
    return prevResult === undefined && chains[i]?.links[0]?.link === 'foreign'
  })
  const [first] = foreign
  if (first === undefined) return
  const there = await kernel.links(first.netns)
  for (const { owner } of foreign) {
    const { ifName, network } = owner
    if (there.some(({ name }) => name === ifName)) {
      throw fail('interface-taken', { ifName, network })
    }
  }
}
