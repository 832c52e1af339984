/**
 * What the lab says: headings, commands under the prompt of the place where
 * they are run, and their output as it is.
 * @module
 */
import type { Place, Printed } from './ground.ts'

export type Output = { write(text: string): unknown }

export interface Voice {
  /** A new step of the story. */
  heading(text: string): void
  /** Plain words, folded. */
  say(text: string): void
  /** A command that was run, and what it printed. */
  command(place: Place, words: readonly string[], printed: Printed): void
  /** Lines as they are. */
  lines(text: string): void
  /** On standard error: what takes long. */
  progress(text: string): void
}

/** A line of the lab's own is no longer than this. */
export const COLUMNS = 100
const INDENT = '    '

export function makeVoice(stdout: Output, stderr: Output): Voice {
  let blank = false
  const write = (text: string): void => {
    if (text === '') return
    blank = text.endsWith('\n\n')
    stdout.write(text)
  }
  return {
    heading: (text) => write(`${blank ? '' : '\n'}${fold(text)}\n\n`),
    say: (text) => write(`${fold(text)}\n`),
    command: (place, words, { text }) =>
      write(`${INDENT}${promptOf(place)} ${formatWords(words)}\n${indented(text)}\n`),
    lines: (text) => write(indented(text)),
    progress: (text) => void stderr.write(`lab: ${text}\n`),
  }
}

/** `~#` on the machine, as the guides print it; elsewhere with the place's name. */
export function promptOf(place: Place): string {
  if (place.at === 'machine') return '~#'
  return place.at === 'node' ? `root@${place.name}:~#` : `root@${place.name}:/#`
}

/** As a shell would read them. */
export function formatWords(words: readonly string[]): string {
  return words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word}'`)).join(' ')
}

/** Breaks between words; a continued line stands under the text after `LABEL: `. */
export function fold(text: string): string {
  return text.split('\n').map(foldLine).join('\n')
}

function foldLine(line: string): string {
  const hang = /^(\s*)([\w ]+:\s{2,})?/.exec(line)?.[0].length ?? 0
  const rows: string[] = []
  let row = ''
  for (const word of line.slice(hang).split(' ')) {
    const next = row === '' ? word : `${row} ${word}`
    if (hang + next.length <= COLUMNS || row === '') row = next
    else {
      rows.push(row)
      row = word
    }
  }
  rows.push(row)
  return rows.map((r, i) => (i === 0 ? line.slice(0, hang) : ' '.repeat(hang)) + r).join('\n')
}

function indented(text: string): string {
  if (text === '') return ''
  const rows = text.replace(/\n+$/, '').split('\n')
  return rows.map((row) => `${`${INDENT}${row}`.trimEnd()}\n`).join('')
}
