/**
 * Addresses that the network said somebody else has: not given again for a
 * while, so that a retry gets another one. In memory only, and of this node:
 * whoever asks elsewhere finds out the same way.
 * @module
 */
import type { Ip } from '#values/ip.ts'

/** Addresses to keep away from, each as long as its `holds` says so. */
export class Shunned {
  readonly #holds = new Map<Ip, () => boolean>()

  add(ip: Ip, holds: () => boolean): void {
    this.#holds.set(ip, holds)
  }

  has(ip: Ip): boolean {
    const holds = this.#holds.get(ip)
    if (holds === undefined || holds()) return holds !== undefined
    this.#holds.delete(ip)
    return false
  }

  /** How many of `ips`. */
  among(ips: Iterable<Ip>): number {
    return [...ips].filter((ip) => this.has(ip)).length
  }
}
