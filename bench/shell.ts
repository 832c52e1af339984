/**
 * Executes calls from a POSIX shell in the node's namespace. Debian's /bin/sh
 * (dash) starts a program by vfork, which costs a fifth of a fork of Node's or
 * Perl's, about what a container runtime pays; it has no clock, so it writes a
 * byte into a pipe after each program, and the time is taken where the byte
 * arrives. The delay of the pipe is in both ends of an interval.
 * @module
 */
import { spawn, spawnSync } from 'node:child_process'
import { closeSync, openSync, readFileSync, readSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Call } from './call.ts'
import { type Ground, onNode } from './ground.ts'

const LIMIT_S = 90
/** For the shells of a storm to read their scripts and stand at the line. */
const SETTLE_MS = 200

/** One after the other; microseconds of each. @throws {Error} when one exits with an error */
export async function execTimed(ground: Ground, calls: readonly Call[]): Promise<number[]> {
  const [stamps, script, refused] = ['stamps', 'timed.sh', 'refused'].map((name) =>
    join(ground.folder, name),
  )
  if (stamps === undefined || script === undefined || refused === undefined) return []
  spawnSync('mkfifo', [stamps])
  writeFileSync(
    script,
    scriptOf(ground, calls, { refused, begin: 'printf . >&3', each: 'printf . >&3' }),
  )
  const ended = run(ground, script, stamps)
  const times = readStamps(stamps, calls.length + 1)
  await ended
  rmSync(stamps)
  checkRefused(refused)
  return times.slice(1).map((time, i) => time - (times[i] ?? 0))
}

/** Shared out over `most` shells that start together; the seconds until the last one ended. */
export async function execAtOnce(
  ground: Ground,
  calls: readonly Call[],
  most: number,
): Promise<number> {
  const line = join(ground.folder, 'line')
  const refused = join(ground.folder, 'refused')
  spawnSync('mkfifo', [line])
  // opened for both, so that no shell waits for the other end
  const gate = openSync(line, 'r+')
  const shells = Array.from({ length: most }, (_, n) => {
    const script = join(ground.folder, `shell${n}.sh`)
    const share = calls.filter((__, i) => i % most === n)
    const begin = `read -r _ <&3 || :\nexec 3<&-`
    writeFileSync(
      script,
      scriptOf(ground, share, { refused: `${refused}${n}`, begin, each: ':', tag: `${n}-` }),
    )
    return run(ground, script, line, '<')
  })
  await sleep(SETTLE_MS)
  const startedMs = performance.now()
  closeSync(gate)
  await Promise.all(shells)
  const seconds = (performance.now() - startedMs) / 1000
  rmSync(line)
  for (let n = 0; n < most; n++) checkRefused(`${refused}${n}`)
  return seconds
}

type Around = {
  readonly refused: string
  /** Before the first call, after each one. */
  readonly begin: string
  readonly each: string
  readonly tag?: string
}

/** Files are written beforehand: the shell only opens them. */
function scriptOf(ground: Ground, calls: readonly Call[], around: Around): string {
  const confs = new Map<string, string>()
  const { refused, begin, each, tag = '' } = around
  const out = join(ground.memory, `out${tag}`)
  const lines = calls.map((call) => {
    const conf = confs.get(call.stdin) ?? join(ground.folder, `conf${tag}${confs.size}`)
    if (!confs.has(call.stdin)) writeFileSync(conf, call.stdin)
    confs.set(call.stdin, conf)
    const env = Object.entries(call.env).map(([key, value]) => `${key}=${quoted(value)}`)
    return `${env.join(' ')} ${call.file} <${conf} || tail -c 999 ${out} >>${refused}\n${each}`
  })
  return `exec >>${out} 2>>${refused}.err\n${begin}\n${lines.join('\n')}\n`
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}

/** Descriptor 3 of the shell is the pipe. */
function run(ground: Ground, script: string, pipe: string, way: '>' | '<' = '>'): Promise<void> {
  const [program = '', ...words] = onNode(ground)
  const line = `exec timeout ${LIMIT_S} sh ${script} 3${way}${pipe}`
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...words, 'sh', '-c', line], { stdio: 'ignore' })
    child.once('error', reject)
    child.once('exit', (status) => {
      if (status === 0) resolve()
      else reject(new Error(`Cannot execute the calls: the shell ended with ${status}`))
    })
  })
}

/** Microseconds at which bytes arrived. Blocks: nothing else shall run meanwhile. */
function readStamps(pipe: string, count: number): number[] {
  const fd = openSync(pipe, 'r')
  const buffer = new Uint8Array(64)
  const times: number[] = []
  while (times.length < count) {
    const size = readSync(fd, buffer)
    if (size === 0) break
    const now = performance.now() * 1000
    for (let i = 0; i < size; i++) times.push(now)
  }
  closeSync(fd)
  return times
}

function checkRefused(file: string): void {
  const said = textOf(file)
  rmSync(file, { force: true })
  if (said !== '') throw new Error(`A call was refused: ${said.slice(0, 500)}`)
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
