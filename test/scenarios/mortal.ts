/**
 * An agent that dies by SIGKILL right before a chosen change of the world, or
 * whose changes fail: `mortal.c` is compiled and preloaded into it, and told by a
 * shared file.
 *
 * Layout of the file: u32 armed, u32 count, u32 kill at, u32 errno, then texts
 * of 64 bytes: what to count, and what was counted; host-endian.
 * @module
 */
import { closeSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { run } from './program-run.ts'

const LABEL = 64
const HEAD = 16 + LABEL
const LABELS = 1_000

/** Owns the shared file; made once, it serves every agent that is started with its `env`. */
export class Mortal implements Disposable {
  readonly env: Readonly<Record<string, string>>
  readonly #fd: number

  private constructor(folder: string) {
    const control = join(folder, 'mortal')
    this.#fd = openSync(control, 'w+')
    ftruncateSync(this.#fd, HEAD + LABEL * LABELS)
    this.env = { LD_PRELOAD: join(folder, 'mortal.so'), MORTAL: control }
  }

  /** Compiles into `folder`, which must outlive it; `root` is the top of the tree. */
  static async make(folder: string, root = join(import.meta.dirname, '../..')): Promise<Mortal> {
    const [source, library] = [join(root, 'test/scenarios/mortal.c'), join(folder, 'mortal.so')]
    await run(['cc', '-shared', '-fPIC', '-O1', '-std=c11', '-o', library, source])
    return new Mortal(folder)
  }

  /**
   * Counts from now on, changes whose label begins with `only`; at change number
   * `killAt`, from 1, the agent dies. 0: it lives.
   */
  arm(killAt: number, only = ''): void {
    const bytes = Buffer.alloc(HEAD)
    bytes.writeUInt32LE(1)
    bytes.writeUInt32LE(killAt, 8)
    bytes.write(only, 16)
    writeSync(this.#fd, bytes, 0, HEAD, 0)
  }

  /** Changes whose label begins with `only` fail with this errno, from number `first` on. */
  failWith(errno: number, only: string, first = 1): void {
    const bytes = Buffer.alloc(HEAD)
    bytes.writeUInt32LE(1)
    bytes.writeUInt32LE(first, 8)
    bytes.writeUInt32LE(errno, 12)
    bytes.write(only, 16)
    writeSync(this.#fd, bytes, 0, HEAD, 0)
  }

  /** Counts no more. @returns what was counted, in order, the fatal one last */
  disarm(): string[] {
    const bytes = Buffer.alloc(HEAD + LABEL * LABELS)
    readSync(this.#fd, bytes, 0, bytes.length, 0)
    writeSync(this.#fd, Buffer.alloc(HEAD), 0, HEAD, 0)
    const count = Math.min(bytes.readUInt32LE(4), LABELS)
    return Array.from({ length: count }, (_, i) => {
      const from = HEAD + i * LABEL
      return bytes.toString('utf8', from, from + LABEL).replace(/\0.*$/s, '')
    })
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd)
  }
}
