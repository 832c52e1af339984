/**
 * What this agent knows of who holds which address: read once, then kept by
 * its own writes and a watch. A hint: what is decided by it is decided again
 * by the store.
 * @module
 */
import type { Records, Selection, Stored } from '#needs/records.ts'
import { failureIn } from '#values/failure.ts'
import type { Ip } from '#values/ip.ts'
import { type Owner, ownerKey } from '#values/owner.ts'
import { addressOfName, allocationsOf, fieldOf } from './allocation.ts'
import { formersOf } from './allocation-state.ts'

/** What is known of one allocation. */
export type Known = {
  readonly ip: Ip
  readonly uid: string
  /** Resource version: what is told again is known. */
  readonly version: string
  readonly pool: string
  readonly owner: string
  readonly containerId: string
  /** {@link placeOf} the interface. */
  readonly place: string
  /** Controller that it stays with; empty where it does not. */
  readonly controller: string
  /** True for one that is simply freed: it stays with no name, and nobody had it before. */
  readonly plain: boolean
}

/** An interface by the name of its pod: what stays when the pod is made anew. */
export function placeOf(of: { namespace: string; name: string; ifName: string }): string {
  return `${of.namespace}/${of.name}/${of.ifName}`
}

/** Told of every address that becomes taken or free. */
export type Listener = { taken(ip: Ip): void; free(ip: Ip): void }

/** Documents of a list read at a time, so that others get their turn in between. */
const PAGE = 500

/** Its watch ends when it is disposed of, or with its store. */
export class AllocationView {
  readonly #records: Records
  readonly #listener: Listener
  readonly #byName = new Map<string, Known>()
  readonly #byOwner = new Map<string, Map<string, Known>>()
  /** Only those that stay with a name. */
  readonly #byPlace = new Map<string, Map<string, Known>>()
  readonly #ended = new AbortController()
  #reading: Promise<void> | undefined

  constructor(records: Records, listener: Listener) {
    this.#records = records
    this.#listener = listener
  }

  /** Resolves when all that was written before is known. @throws {Failure} of the store */
  ready(): Promise<void> {
    this.#reading ??= this.#start()
    return this.#reading
  }

  /** What is known under the name of a record. */
  get(name: string): Known | undefined {
    return this.#byName.get(name)
  }

  /** Every address that somebody has. */
  all(): Iterable<Known> {
    return this.#byName.values()
  }

  /** Records of an owner, by name. */
  ofOwner(owner: Owner): Known[] {
    return [...(this.#byOwner.get(ownerKey(owner))?.values() ?? [])]
  }

  /** Records that stay with an interface's name, by name. */
  ofPlace(place: string): Known[] {
    return [...(this.#byPlace.get(place)?.values() ?? [])]
  }

  /** Takes note of a record as it is now. */
  put(record: Stored): void {
    const known = knownOf(record)
    if (known === undefined) return
    const { name } = record.metadata
    this.#forget(name)
    this.#byName.set(name, known)
    enter(this.#byOwner, known.owner, [name, known])
    if (known.controller !== '') enter(this.#byPlace, known.place, [name, known])
    this.#listener.taken(known.ip)
  }

  /** Takes note that a record is gone; one that has taken its name since is left. */
  drop({ name, uid }: { readonly name: string; readonly uid: string }): void {
    const known = this.#byName.get(name)
    if (known === undefined || known.uid !== uid) return
    this.#forget(name)
    this.#listener.free(known.ip)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort()
  }

  #forget(name: string): void {
    const known = this.#byName.get(name)
    if (known === undefined) return
    this.#byName.delete(name)
    leave(this.#byOwner, known.owner, name)
    leave(this.#byPlace, known.place, name)
  }

  async #start(): Promise<void> {
    try {
      const since = await this.#readAll()
      this.#follow(since).then(
        () => this.#again(),
        () => this.#again(),
      )
    } catch (cause) {
      this.#again()
      throw cause
    }
  }

  /** The next that wants to know reads anew. */
  #again(): void {
    this.#reading = undefined
  }

  async #readAll(): Promise<string> {
    const before = new Set(this.#byName.keys())
    let since: string | undefined
    for await (const page of pagesOf(this.#records, allocationsOf('all'))) {
      since ??= page.resourceVersion
      for (const record of page.items) {
        before.delete(record.metadata.name)
        this.put(record)
      }
    }
    for (const name of before) this.drop({ name, uid: this.#byName.get(name)?.uid ?? '' })
    return since ?? ''
  }

  async #follow(since: string): Promise<void> {
    const watch = this.#records.watch(allocationsOf('all'), since, this.#ended.signal)
    for await (const { change, document } of watch) {
      const { name, uid, resourceVersion } = document.metadata
      if (change === 'deleted') this.drop({ name, uid })
      else if (this.#byName.get(name)?.version !== resourceVersion) this.put(document)
    }
  }
}

/** Pages of a list, one after the other. */
export async function* pagesOf(records: Records, selection: Selection) {
  let from: string | undefined
  do {
    const page = await records.list({
      ...selection,
      limit: PAGE,
      ...(from === undefined ? {} : { from }),
    })
    yield page
    from = page.next
  } while (from !== undefined)
}

type Index = Map<string, Map<string, Known>>

function enter(index: Index, key: string, [name, known]: readonly [string, Known]): void {
  const under = index.get(key)
  if (under === undefined) index.set(key, new Map([[name, known]]))
  else under.set(name, known)
}

function leave(index: Index, key: string, name: string): void {
  const under = index.get(key)
  under?.delete(name)
  if (under?.size === 0) index.delete(key)
}

/** Undefined for a record whose name is no address: it holds none. */
function knownOf(record: Stored): Known | undefined {
  const { name, uid, resourceVersion: version } = record.metadata
  try {
    const ip = addressOfName(name)
    const [pool, owner] = [fieldOf(record, 'pool'), fieldOf(record, 'owner')]
    const [namespace, podName] = [fieldOf(record, 'podNamespace'), fieldOf(record, 'podName')]
    const [ifName, controller] = [fieldOf(record, 'interface'), fieldOf(record, 'controller')]
    return {
      ip,
      uid,
      version,
      pool,
      owner,
      containerId: fieldOf(record, 'containerId'),
      place: placeOf({ namespace, name: podName, ifName }),
      controller,
      plain: controller === '' && formersOf(record).length === 0,
    }
  } catch (cause) {
    if (failureIn(cause) === undefined) throw cause
    return undefined
  }
}
