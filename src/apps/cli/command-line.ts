/**
 * What the commands of the tree are made of: their texts, and options that
 * several have.
 * @module
 */
import { type Command, Option } from 'commander'
import type { Task } from './context.ts'

/** Takes the command that was chosen. */
export type Call = (task: Task) => Promise<void>

/** `summary` for the list of commands, the rest for its own page. */
type Text = { readonly summary: string; readonly more?: string; readonly example: string }

/** One command of the tree, with its example. */
export function command(program: Command, name: string, { summary, more, example }: Text): Command {
  const sentences = [`${summary}.`, ...(more === undefined ? [] : [more])].join('\n')
  return program
    .command(name)
    .summary(summary)
    .description(`${sentences}\n\nExample:\n  ${example}`)
}

export const files = (): Option =>
  new Option('-f, --filename <FILE...>', 'files of documents, YAML or JSON; - is standard input')
export const store = (): Option =>
  new Option(
    '--store <FILE>',
    'store of this machine (default: VERBENA_STORE, else /var/lib/verbena/store.db)',
  )
export const statusSocket = (): Option =>
  new Option(
    '--status-socket <FILE>',
    'status socket of an agent (default: VERBENA_STATUS_SOCKET, else /run/verbena/status.sock)',
  )
export const namespace = (): Option =>
  new Option('-n, --namespace <NS>', 'namespace (default: default)')
export const podResources = (): Option =>
  new Option('--pod-resources <FILE>', "the kubelet's PodResources answer, JSON")
export const output = (...formats: string[]): Option =>
  new Option('-o, --output <FORMAT>', 'how to print it').choices(formats)
