/**
 * A CNI call on this machine in one process, without an agent: the standalone
 * store, and a journal of its own that one call at a time may use.
 *
 * Spec: CNI 1.1.0, sections 2 to 5.
 * @module
 */
import { mkdir, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname, join } from 'node:path'
import { answerCall, recover, settleReleases } from '#attach/index.ts'
import { fail } from '#apps/failures.ts'
import { hostClock, hostRandom } from '#host/clock.ts'
import { hostFiles } from '#host/files.ts'
import { hostKernel } from '#host/kernel.ts'
import { openJournal } from '#store/journal.ts'
import { openRecords } from '#store/records.ts'
import type { CniCall } from '#wire/cni/request.ts'
import { encodeVersions } from '#wire/cni/version.ts'
import { answered, type CniOptions, CONF_FOLDER, readCall } from './cni-call.ts'
import type { Context } from './context.ts'
import { foreignOf, NESTED } from './foreign-run.ts'
import { networkName } from './network-name.ts'
import { storePath } from './store.ts'
import { verbsOver } from './verbs-over.ts'

const STATE = '/var/lib/verbena/cni'

/** Prints what a plugin prints, and gives its exit status. */
export async function cniOnHost(options: CniOptions, context: Context): Promise<number> {
  const call = await readCall(context)
  const { exit, stdout } = await answered(call, (from) => onHost(from, { options, context }))
  if (stdout !== '') context.stdout.write(`${stdout}\n`)
  return exit
}

type Around = { readonly options: CniOptions; readonly context: Context }

async function onHost(call: CniCall, around: Around): Promise<string> {
  const verb = call.env['CNI_COMMAND'] ?? ''
  if (verb === 'VERSION') return encodeVersions()
  if (process.geteuid?.() !== 0) throw fail('cni-root-needed', { verb })
  const { options, context } = around
  const state = options.state ?? STATE
  const journal = join(state, 'journal.db')
  await mkdir(state, { recursive: true, mode: 0o700 })
  // a call that a plugin of ours made is part of it: the first one has the lock
  if (context.env[NESTED] !== undefined) return withJournal(call, journal, around)
  return hostFiles().locked(join(state, 'lock'), () => withJournal(call, journal, around))
}

async function withJournal(call: CniCall, path: string, around: Around): Promise<string> {
  const { options, context } = around
  const store = storePath(options, context)
  await mkdir(dirname(store), { recursive: true })
  await using records = await openRecords({ path: store })
  await using journal = openJournal({ path })
  await using verbs = verbsOver({
    kernel: hostKernel(),
    records,
    journal,
    files: hostFiles(),
    clock: hostClock(),
    random: hostRandom(),
    node: options.node ?? hostname(),
    clusterNetwork: networkName(options.clusterNetwork),
    confFolder: options.confDir ?? CONF_FOLDER,
    podResources: options.podResources,
  })
  if (context.env[NESTED] === undefined) await recover(verbs.attach)
  try {
    const own = await stat('/proc/self/ns/net', { bigint: true })
    const from = { ...call, netnsId: `${own.dev}:${own.ino}` }
    return await answerCall(from, verbs, foreignOf(context.env))
  } finally {
    await settleReleases(verbs.attach)
    await verbs.published()
    for (const { note, attachment, text } of verbs.notes) {
      if (note !== 'recovered') context.stderr.write(`verbena: ${attachment}: ${text}\n`)
    }
  }
}
