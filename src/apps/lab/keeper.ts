/**
 * The keeper of a machine that outlives the lab: a shell in a session of its
 * own, with the test bed as its child. Until the run is kept it ends the
 * machine when the lab is gone; it removes the files that nobody waits for.
 *
 * Files of the run's folder: `out` and `err`, what the machine prints; `pids`,
 * see {@link Kept}; `waiter`, process id of the lab that waits; `kept`, there
 * when the machine may outlive it; `status`, the test bed's exit status.
 * @module
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { machineFolder } from './machine.ts'
import { bearsMark } from './observed.ts'
import { MARK_VARIABLE, type Run } from './run.ts'
import { TESTBED } from './testbed.ts'

/** A machine that is being kept. */
export type Kept = {
  /** Process id of the keeper, which leads the group of the test bed. */
  readonly keeper: number
  /** Process id of the test bed, by which it knows its run. */
  readonly testbed: number
  /** Environment for further calls of the test bed. */
  readonly env: Readonly<Record<string, string | undefined>>
}

type Env = Kept['env']

/** A trap, where to ignore a signal would be inherited; `wait` ends at a signal. */
const SCRIPT = `
folder=$1; shift
trap : INT TERM HUP
"$@" > "$folder/out" 2> "$folder/err" < /dev/null & testbed=$!
printf '%s\\n' $$ "$testbed" "\${TESTBED_CACHE:-}" > "$folder/pids.new"
mv "$folder/pids.new" "$folder/pids"
while kill -0 "$testbed" && [ ! -e "$folder/kept" ]; do
  kill -0 "$(cat "$folder/waiter")" || kill -TERM "$testbed"
  sleep 0.3
done 2> /dev/null
wait "$testbed"; status=$?
while kill -0 "$testbed" 2> /dev/null; do wait "$testbed"; status=$?; done
echo "$status" > "$folder/status.new" && mv "$folder/status.new" "$folder/status"
kill -0 "$(cat "$folder/waiter")" 2> /dev/null || rm -rf "$folder"
`
const DIED = 125
const POLL_MS = 100
const GRACE_MS = 25_000

/** Starts the test bed with these words; its folder exists. */
export async function startKeeper(run: Run, words: readonly string[], env: Env): Promise<void> {
  const folder = machineFolder(run)
  await waitForMachine(run)
  const cache = env['TESTBED_CACHE']
  const child = spawn('sh', ['-c', SCRIPT, 'keeper', folder, TESTBED, ...words], {
    env: {
      ...env,
      [MARK_VARIABLE]: run.id,
      ...(cache === undefined ? {} : { TESTBED_CACHE: resolve(cache) }),
    },
    detached: true,
    stdio: 'ignore',
  })
  child.unref()
  // without a shell there are no process ids either, which is noticed
  child.once('error', () => undefined)
  for (let waitedMs = 0; waitedMs < GRACE_MS; waitedMs += POLL_MS) {
    if (child.exitCode !== null || existsSync(join(folder, 'pids'))) return
    await setTimeout(POLL_MS)
  }
}

/** Makes this process the one that waits for the machine's end. */
export async function waitForMachine(run: Run): Promise<void> {
  await writeFile(join(machineFolder(run), 'waiter'), String(process.pid))
}

/** Lets the machine outlive the lab. */
export async function letStay(run: Run): Promise<void> {
  await writeFile(join(machineFolder(run), 'kept'), '')
}

/** The machine of a run that is there; undefined when it has ended. */
export async function keptMachine(run: Run, env: Env): Promise<Kept | undefined> {
  const text = await readFile(join(machineFolder(run), 'pids'), 'utf8').catch(() => '')
  const [keeper = '', testbed = '', cache = ''] = text.split('\n')
  if (text === '' || !(await bearsMark(Number(keeper), run))) return undefined
  return {
    keeper: Number(keeper),
    testbed: Number(testbed),
    env: { ...env, ...(cache === '' ? {} : { TESTBED_CACHE: cache }) },
  }
}

/** Status of the test bed when keeper and machine have ended; undefined while they run. */
export async function machineStatus(run: Run): Promise<number | undefined> {
  if ((await keptMachine(run, {})) !== undefined) return undefined
  const text = await readFile(join(machineFolder(run), 'status'), 'utf8').catch(() => '')
  return text === '' ? DIED : Number(text)
}

/** Ends the machine from outside, asked first; resolves when its processes are gone. */
export async function stopMachine(run: Run): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    const kept = await keptMachine(run, {})
    if (kept === undefined) return
    process.kill(-kept.keeper, signal)
    for (let waitedMs = 0; waitedMs < GRACE_MS; waitedMs += POLL_MS) {
      if (!(await bearsMark(kept.keeper, run))) return
      await setTimeout(POLL_MS)
    }
  }
}
