/**
 * The folder of a host-local network, in upstream's own layout: a file for each
 * address that is held, created exclusively, with its container and interface;
 * `last_reserved_ip.N` for each range set; `lock`.
 *
 * Spec: CNI plugins, host-local, disk backend: content `<container>\r\n<interface>`;
 * older versions wrote the container alone.
 * @module
 */
import type { Files } from '#needs/files.ts'
import { type Ip, parseIp } from '#values/ip.ts'
import type { Owner } from '#values/owner.ts'
import { readOr } from './text-fault.ts'

/** Files read at once. */
const BATCH = 64

/** What is in the folder now. */
export type Shelf = {
  readonly taken: ReadonlySet<string>
  /** Addresses of the owner that was asked for. */
  readonly mine: readonly Ip[]
}

/**
 * One network's folder. What stood in a file is remembered, so that an ADD need
 * not read them all; what matters is read again before it is relied on.
 */
export class HostLocalFolder {
  readonly path: string
  readonly #files: Files
  readonly #texts = new Map<string, string>()
  /** What was given last before each address. */
  readonly #before = new Map<string, { readonly set: number; readonly last: Ip | undefined }>()

  constructor(path: string, files: Files) {
    this.path = path
    this.#files = files
  }

  /** Works while no other program changes the folder. */
  locked<T>(work: () => Promise<T>): Promise<T> {
    return this.#files.locked(`${this.path}/lock`, work)
  }

  async look(owner: Owner): Promise<Shelf> {
    const names = (await this.#files.list(this.path)).filter(isAddress)
    const taken = new Set(names)
    for (const name of this.#texts.keys()) if (!taken.has(name)) this.#texts.delete(name)
    await this.#readAll(names.filter((name) => !this.#texts.has(name)))
    const mine: Ip[] = []
    for (const name of names) {
      if (!isOf(this.#texts.get(name), owner)) continue
      if (isOf(await this.#read(name), owner)) mine.push(parseIp(name))
    }
    return { taken, mine }
  }

  /**
   * Takes away what a program that was killed left half-made, ours or upstream's: temporary files,
   * and addresses without a container. Only under the lock: nobody is writing one then.
   */
  async sweep(): Promise<void> {
    const names = await this.#files.list(this.path)
    const unknown = names.filter((name) => isAddress(name) && !this.#texts.get(name))
    await this.#readAll(unknown)
    const dead = unknown.filter((name) => this.#texts.get(name)?.trim() === '')
    for (const name of [...names.filter((one) => /^\..+\.tmp$/.test(one)), ...dead]) {
      this.#texts.delete(name)
      await this.#files.remove(`${this.path}/${name}`)
    }
  }

  /** Frees the addresses of every container that `isGone` tells. */
  async freeOf(isGone: (containerId: string) => boolean): Promise<void> {
    const held = async () => (await this.#files.list(this.path)).filter(isAddress)
    if ((await held()).length === 0) return
    await this.locked(async () => {
      for (const name of await held()) {
        const container = (await this.#read(name))?.split(/\r?\n/)[0]?.trim() ?? ''
        if (container === '' || !isGone(container)) continue
        this.#texts.delete(name)
        await this.#files.remove(`${this.path}/${name}`)
      }
    })
  }

  /** False when somebody has it. */
  async claim(ip: Ip, owner: Owner): Promise<boolean> {
    const text = `${owner.containerId}\r\n${owner.ifName}`
    const made = await this.#files.createExclusive(this.pathOf(ip), text)
    if (made) this.#texts.set(ip, text)
    return made
  }

  /** Frees an address if it is the owner's. */
  async release(ip: string, owner: Owner): Promise<void> {
    if (!isOf(await this.#read(ip), owner)) return
    this.#texts.delete(ip)
    await this.#files.remove(`${this.path}/${ip}`)
  }

  /** The address that a range set gave last. */
  async last(set: number): Promise<Ip | undefined> {
    const text = await this.#files.read(this.#lastPath(set))
    return text === undefined ? undefined : readOr(() => parseIp(text.trim())).value
  }

  async setLast(set: number, ip: Ip): Promise<void> {
    this.#before.set(ip, { set, last: await this.last(set) })
    await this.#files.replace(this.#lastPath(set), ip)
  }

  /** As if `ip` had not been given, unless another one was since. */
  async unsetLast(ip: string): Promise<void> {
    const before = this.#before.get(ip)
    if (before === undefined || (await this.last(before.set)) !== ip) return
    const path = this.#lastPath(before.set)
    if (before.last === undefined) await this.#files.remove(path)
    else await this.#files.replace(path, before.last)
  }

  pathOf(ip: Ip): string {
    return `${this.path}/${ip}`
  }

  #lastPath(set: number): string {
    return `${this.path}/last_reserved_ip.${set}`
  }

  async #readAll(names: readonly string[]): Promise<void> {
    for (let i = 0; i < names.length; i += BATCH) {
      await Promise.all(names.slice(i, i + BATCH).map((name) => this.#read(name)))
    }
  }

  async #read(name: string): Promise<string | undefined> {
    const text = await this.#files.read(`${this.path}/${name}`)
    if (text === undefined) this.#texts.delete(name)
    else this.#texts.set(name, text)
    return text
  }
}

function isOf(text: string | undefined, { containerId, ifName }: Owner): boolean {
  const [container, link] = (text ?? '').split(/\r?\n/)
  if (container?.trim() !== containerId) return false
  return link === undefined || link.trim() === ifName
}

function isAddress(name: string): boolean {
  return readOr(() => parseIp(name)).value === name
}
