/**
 * What an attachment waits for, though its ADD is done: a P_Key that is not on
 * the port yet brings its child up by itself when it arrives.
 * @module
 */
import type { Row } from '#attach/index.ts'
import type { KernelQuestions } from '#needs/kernel.ts'
import { formatPkey } from '#values/pkey.ts'

/** In words; empty when the attachment has all it needs, or nobody can tell. */
export async function waitingOf(row: Row, kernel: KernelQuestions): Promise<readonly string[]> {
  if (row.state !== 'attached') return []
  const links = await kernel.links(row.netns).catch(() => [])
  const waiting: string[] = []
  for (const link of links) {
    if (link.name !== row.owner.ifName || !link.up || link.carrier) continue
    const pkey = link.kind.kind === 'ipoib' ? formatPkey(link.kind.pkey) : undefined
    waiting.push(
      pkey === undefined
        ? `${link.name} has no carrier`
        : `${link.name} has no carrier: P_Key ${pkey} or the port itself is not active`,
    )
  }
  return waiting
}
