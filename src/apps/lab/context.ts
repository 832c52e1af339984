/**
 * What the lab gets of the process that it runs in.
 * @module
 */
import type { Output } from './voice.ts'

export type LabContext = {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdin: AsyncIterable<Uint8Array | string>
  readonly stdout: Output
  readonly stderr: Output
}
