/**
 * Command line of `verbena lab`, after the word `lab`.
 * @module
 */
import { fail } from '#apps/failures.ts'
import { type GroundName, GROUND_NAMES } from './ground-name.ts'

export type LabOptions = {
  /** Paths as written, `-` for standard input. */
  readonly files: readonly string[]
  /** The one that was asked for. */
  readonly ground: GroundName | undefined
  readonly keep: boolean
  readonly nodes: number
  /** Name of the parent on every node; the masters that the files name when undefined. */
  readonly parent: string | undefined
  readonly timeoutMs: number
}

/** A command to be run in a run that was kept. */
export type LabExec = {
  readonly run: string
  /** Node or pod to run it in; the ground itself when undefined. */
  readonly name: string | undefined
  readonly words: readonly string[]
}

/** What is to be done: a run, the end of one that was kept, or a command in it. */
export type LabRequest =
  | { readonly verb: 'run'; readonly options: LabOptions }
  | { readonly verb: 'end'; readonly run: string }
  | ({ readonly verb: 'exec' } & LabExec)

export const DEFAULT_FILES = ['manifests/ipoib-network.yaml', 'manifests/ipoib-daemonset.yaml']
const MOST_NODES = 16
const MOST_SECONDS = 3_600
/** Emulated processors are ten times slower; nothing of a run takes minutes elsewhere. */
const TIMEOUT_SECONDS = 300

const VALUED = ['--ground', '--nodes', '--parent', '--timeout'] as const
type Valued = (typeof VALUED)[number]
type Words = {
  readonly files: string[]
  readonly loose: string[]
  readonly values: Map<Valued, string>
  keep: boolean
}

/** @throws {Failure} `command-invalid` */
export function parseLabOptions(argv: readonly string[]): LabRequest {
  const dashes = argv.indexOf('--')
  const own = dashes < 0 ? argv : argv.slice(0, dashes)
  const { files, loose, values, keep } = readWords(own)
  if (dashes >= 0 || loose.length > 0) {
    return keptRequest(loose, dashes < 0 ? [] : argv.slice(dashes + 1))
  }
  const options = {
    files: files.length > 0 ? files : DEFAULT_FILES,
    ground: groundOf(values.get('--ground')),
    keep,
    nodes: wholeNumber(values, '--nodes', { otherwise: 2, most: MOST_NODES }),
    parent: values.get('--parent'),
    timeoutMs:
      1_000 * wholeNumber(values, '--timeout', { otherwise: TIMEOUT_SECONDS, most: MOST_SECONDS }),
  }
  return { verb: 'run', options }
}

function keptRequest(loose: readonly string[], words: readonly string[]): LabRequest {
  const [verb, run = '', name, ...more] = loose
  const known = /^[a-z0-9]+$/.test(run) && more.length === 0
  if (known && verb === 'end' && name === undefined && words.length === 0) return { verb, run }
  if (known && verb === 'exec' && words.length > 0) return { verb, run, name, words }
  return bad('lab takes only: end RUN, exec RUN [NAME] -- COMMAND')
}

function readWords(argv: readonly string[]): Words {
  const words: Words = { files: [], loose: [], values: new Map(), keep: false }
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? ''
    const equals = word.startsWith('--') ? word.indexOf('=') : -1
    const option = equals < 0 ? word : word.slice(0, equals)
    const value = equals < 0 ? undefined : word.slice(equals + 1)
    const valued = VALUED.find((one) => one === option)
    if (option === '--keep') words.keep = true
    else if (option === '-f' || option === '--filename') {
      const all = value === undefined ? valuesFrom(argv, i + 1) : [value]
      if (all.length === 0) bad(`${option} needs a file`)
      words.files.push(...all)
      if (value === undefined) i += all.length
    } else if (valued !== undefined) {
      words.values.set(valued, value ?? argv[++i] ?? bad(`${option} needs a value`))
    } else if (word.startsWith('-')) bad(`unknown option ${word}`)
    else words.loose.push(word)
  }
  return words
}

/** Words up to the next option: `-f a b` names two files. */
function valuesFrom(argv: readonly string[], from: number): string[] {
  const rest = argv.slice(from)
  const end = rest.findIndex((word) => word.startsWith('-') && word !== '-')
  return end < 0 ? rest : rest.slice(0, end)
}

function groundOf(text: string | undefined): GroundName | undefined {
  if (text === undefined) return undefined
  const found = GROUND_NAMES.find((name) => name === text)
  return found ?? bad(`--ground ${text}: it is none of ${GROUND_NAMES.join(', ')}`)
}

function wholeNumber(
  values: Words['values'],
  option: Valued,
  { otherwise, most }: { readonly otherwise: number; readonly most: number },
): number {
  const text = values.get(option)
  if (text === undefined) return otherwise
  const number = /^[1-9][0-9]*$/.test(text) ? Number(text) : 0
  if (number < 1 || number > most) bad(`${option} ${text}: it is not a number from 1 to ${most}`)
  return number
}

function bad(reason: string): never {
  throw fail('command-invalid', { reason })
}
