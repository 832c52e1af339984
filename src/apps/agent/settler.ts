/**
 * Frees the addresses of IPAM-only attachments once their interface is gone.
 * @module
 */
import { type AttachNeeds, settleReleases } from '#attach/index.ts'
import type { Log } from '#needs/log.ts'
import { textOfThrown } from '#values/failure.ts'
import { EVENTS } from './events.ts'

/** How often addresses that wait for their interface to go are looked at, in milliseconds. */
const SETTLE_MS = 250

export type Settler = { soon(): void; stop(): void }

/** Looks for addresses to free until none waits; asked again it starts over. */
export function makeSettler(attach: AttachNeeds, log: Log): Settler {
  let timer: NodeJS.Timeout | undefined
  let stopped = false
  const look = async (): Promise<void> => {
    timer = undefined
    const left = await settleReleases(attach).catch((cause: unknown) => {
      log.error({ cause: textOfThrown(cause) }, EVENTS.noted)
      return 1
    })
    if (left > 0 && !stopped) timer ??= setTimeout(() => void look(), SETTLE_MS)
  }
  return {
    soon() {
      if (!stopped) timer ??= setTimeout(() => void look(), 0)
    },
    stop() {
      stopped = true
      clearTimeout(timer)
    },
  }
}
