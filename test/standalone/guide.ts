/**
 * The commands of `docs/guides/standalone.md`: its fenced `sh` blocks, each
 * under its heading, to be executed in their order.
 * @module
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const GUIDE = join(import.meta.dirname, '../../docs/guides/standalone.md')

/** One frame of commands. */
export type Frame = {
  /** The second-level heading above it. */
  readonly heading: string
  /** Place among the frames of its heading, from 1. */
  readonly nth: number
  readonly script: string
}

/** All frames of the guide in order. */
export function framesOfGuide(): Frame[] {
  const frames: Frame[] = []
  for (const section of readFileSync(GUIDE, 'utf8').split(/^## /m).slice(1)) {
    const heading = section.slice(0, section.indexOf('\n'))
    const scripts = [...section.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, script = '']) => script)
    frames.push(...scripts.map((script, i) => ({ heading, nth: i + 1, script })))
  }
  return frames
}

/**
 * The same over Ethernet: the plugin `macvlan` in the place of `ipoib`, in
 * words that name the plugin; the file `ipoib-cni.json` keeps its name.
 */
export function overEthernet(script: string): string {
  return script.replaceAll(/\bipoib\b(?!-)/g, 'macvlan')
}
