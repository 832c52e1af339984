/**
 * The first row of an attachment: what is wanted, before anything is done.
 * @module
 */
import { attachmentKey, markOf } from './identity.ts'
import type { AttachNeeds, Wanted } from './needs.ts'
import type { Journal, Row } from './row.ts'

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
    since: sinceNow(needs),
    networkRef,
    root,
  }
}

/** The last `since` of each journal. */
const latest = new WeakMap<Journal, number>()

/** Now, but after every row there is: a clock that stands still or is set back mixes no order. */
function sinceNow({ clock, journal }: AttachNeeds): number {
  const before = latest.get(journal) ?? Math.max(0, ...journal.all().map(({ since }) => since))
  const now = Math.max(clock.nowMs(), before + 1)
  latest.set(journal, now)
  return now
}
