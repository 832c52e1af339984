/**
 * Passes on what another process writes into a file, while it writes.
 * @module
 */
import { type FileHandle, open } from 'node:fs/promises'
import type { Output } from './voice.ts'

const PIECE_BYTES = 65_536

/** Owns the open file; a file that is removed meanwhile can still be read to its end. */
export class Tail implements AsyncDisposable {
  readonly #file: FileHandle
  readonly #to: Output
  readonly #decoder = new TextDecoder()
  #position: number

  private constructor(file: FileHandle, to: Output, position: number) {
    this.#file = file
    this.#to = to
    this.#position = position
  }

  /** Made when it is not there. From its first byte, or with `fromEnd` what comes from now on. */
  static async open(file: string, to: Output, fromEnd = false): Promise<Tail> {
    const handle = await open(file, 'a+', 0o600)
    const { size } = await handle.stat()
    return new Tail(handle, to, fromEnd ? size : 0)
  }

  /** Passes on what is new, and gives it back. */
  async passOn(): Promise<string> {
    let all = ''
    for (;;) {
      const piece = Buffer.alloc(PIECE_BYTES)
      const { bytesRead } = await this.#file.read(piece, 0, PIECE_BYTES, this.#position)
      if (bytesRead === 0) break
      this.#position += bytesRead
      all += this.#decoder.decode(piece.subarray(0, bytesRead), { stream: true })
    }
    if (all !== '') this.#to.write(all)
    return all
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close()
  }
}
