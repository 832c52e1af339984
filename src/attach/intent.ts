/**
 * The first row of an attachment: what is wanted, before anything is done.
 * @module
 */
import { attachmentKey, markOf } from './identity.ts'
import type { AttachNeeds, Wanted } from './needs.ts'
import type { Row } from './row.ts'

/** `netnsId` is the namespace's identity now; undefined where it cannot be told. */
export function intentOf(wanted: Wanted, netnsId: string | undefined, needs: AttachNeeds): Row {
  const { owner, netns, cniVersion, plugins, args, prevResult, root, networkRef } = wanted
  return {
    attachment: attachmentKey(wanted),
    owner,
    netns,
    netnsId,
    mark: markOf(owner),
    state: 'intent',
    request: { cniVersion, plugins, args, prevResult },
    held: [],
    stages: [],
    result: undefined,
    since: needs.clock.nowMs(),
    networkRef,
    root,
  }
}
