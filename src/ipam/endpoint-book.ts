/**
 * Writes SpiderEndpoints. An ADD is not held up by it: what is to be written
 * follows the answer, one write after the other for each endpoint. A DEL takes
 * its interface out before the addresses are free.
 * @module
 */
import type { Document, Records, Stored } from '#needs/records.ts'
import { failureIn } from '#values/failure.ts'
import { SPIDER_API_VERSION } from '#schema/spider-ip-pool.ts'
import { ENDPOINT_KIND } from '#schema/spider-endpoint.ts'
import { withoutInterface } from './endpoint.ts'

/** Tries of a write that meets another one. */
const TRIES = 8
const CONFLICTS: ReadonlySet<unknown> = new Set([
  'record-conflict',
  'record-exists',
  'record-missing',
])

type Place = { readonly namespace: string; readonly name: string }
/** Undefined leaves the endpoint as it is. */
type Make = (before: Document | undefined) => Promise<Document | undefined>
/** Changes that wait for the same turn, and its end. */
type Waiting = { readonly makes: Make[]; readonly done: Promise<void> }

export class EndpointBook {
  readonly #records: Records
  readonly #last = new Map<string, Promise<void>>()
  readonly #waiting = new Map<string, Waiting>()

  constructor(records: Records) {
    this.#records = records
  }

  /**
   * Writes what `make` makes of the endpoint; with one write for all that come
   * before its turn, as those of a pod's interfaces do.
   * @throws {Failure} of the store, or what any of them throws
   */
  write(place: Place, make: Make): Promise<void> {
    const key = keyOf(place)
    const waiting = this.#waiting.get(key)
    if (waiting !== undefined) {
      waiting.makes.push(make)
      return waiting.done
    }
    const makes = [make]
    const done = this.#inTurn(place, async () => {
      // those that come in the same turn of the event loop come before this goes on
      await Promise.resolve()
      this.#waiting.delete(key)
      await this.#change(place, (before) => inOrder(makes, before))
    })
    this.#waiting.set(key, { makes, done })
    return done
  }

  /** Takes an interface of a pod out; the endpoint goes with its last one. */
  async drop(place: Place, of: { readonly uid: string; readonly ifName: string }): Promise<void> {
    await this.#inTurn(place, () =>
      this.#change(place, async (before) => {
        return before === undefined ? undefined : withoutInterface(before, of)
      }),
    )
  }

  #inTurn(place: Place, work: () => Promise<void>): Promise<void> {
    const key = keyOf(place)
    const before = this.#last.get(key)
    const mine = before === undefined ? work() : before.then(work)
    const quiet = mine
      .catch(() => undefined)
      .finally(() => {
        if (this.#last.get(key) === quiet) this.#last.delete(key)
      })
    this.#last.set(key, quiet)
    return mine
  }

  async #change(
    { namespace, name }: Place,
    make: (before: Document | undefined) => Promise<Document | 'empty' | undefined>,
  ): Promise<void> {
    const ref = { apiVersion: SPIDER_API_VERSION, kind: ENDPOINT_KIND, namespace, name }
    for (let tries = 1; ; tries++) {
      const before = await this.#records.get(ref)
      const after = await make(before)
      if (after === undefined) return
      try {
        await this.#write(after, before)
        return
      } catch (cause) {
        if (!CONFLICTS.has(failureIn(cause)?.code) || tries === TRIES) throw cause
      }
    }
  }

  async #write(after: Document | 'empty', before: Stored | undefined): Promise<void> {
    if (before === undefined) {
      if (after !== 'empty') await this.#records.create(after)
      return
    }
    const { apiVersion, kind, metadata } = before
    if (after !== 'empty') {
      await this.#records.replace(after)
      return
    }
    const { namespace, name, uid } = metadata
    await this.#records.delete({ apiVersion, kind, namespace, name }, { uid })
  }
}

function keyOf({ namespace, name }: Place): string {
  return `${namespace}/${name}`
}

async function inOrder(
  makes: readonly Make[],
  before: Document | undefined,
): Promise<Document | undefined> {
  let after: Document | undefined
  for (const make of makes) after = (await make(after ?? before)) ?? after
  return after
}
