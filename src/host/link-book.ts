/**
 * Names of links to their indexes, for one plan: the kernel's messages name
 * links by index, steps by name. A link that the plan makes has an index of our
 * choice, so that a whole plan is one program without a question in between.
 * @module
 */
import type { IfName } from '#values/if-name.ts'
import type { Where } from '#values/netns.ts'
import type { Random } from '#needs/clock.ts'

/** A link of the plan. `index` is undefined until it is looked up, and when there is none. */
export type Handle = {
  index: number | undefined
  /** True for a link that the plan makes. */
  readonly made: boolean
  readonly where: Where
  readonly name: IfName
}

/** Indexes that we choose from: above what the kernel gives out on most machines, short to read. */
const CHOICE = { from: 1_000, count: 64_000 } as const

/** The links that a plan speaks of, step by step. */
export class LinkBook {
  readonly #random: Random
  readonly #links = new Map<string, Handle>()
  readonly #lookedUp: Handle[] = []

  constructor(random: Random) {
    this.#random = random
  }

  /** The link that bears this name at this point of the plan. */
  find(where: Where, name: IfName): Handle {
    const known = this.#links.get(keyOf(where, name))
    if (known !== undefined) return known
    const handle: Handle = { index: undefined, made: false, where, name }
    this.#links.set(keyOf(where, name), handle)
    this.#lookedUp.push(handle)
    return handle
  }

  /** The link of the plan's own that bears this name now; undefined for any other. */
  madeAs(where: Where, name: string): Handle | undefined {
    const handle = this.#links.get(keyOf(where, name))
    return handle?.made === true ? handle : undefined
  }

  /** A link that the plan makes from here on. */
  make(where: Where, name: IfName): Handle {
    const handle: Handle = { index: this.chooseIndex(), made: true, where, name }
    this.#links.set(keyOf(where, name), handle)
    return handle
  }

  /** From here on the link bears another name. */
  rename(handle: Handle, to: IfName): void {
    for (const [key, one] of this.#links) if (one === handle) this.#links.delete(key)
    this.#links.set(keyOf(handle.where, to), handle)
  }

  /** Links that were there before the plan, to be looked up by name. */
  lookedUp(): readonly Handle[] {
    return this.#lookedUp
  }

  /** An index that is most likely free; the kernel refuses one that is not. */
  chooseIndex(): number {
    return CHOICE.from + this.#random.below(CHOICE.count)
  }
}

function keyOf(where: Where, name: string): string {
  return `${where}\n${name}`
}
