/**
 * The lab as a person starts it: `bin/verbena lab` over this machine's kernel
 * (ground host, root) and over the simulated one (ground sim, no rights).
 * Runs side by side; each in a network namespace of its own but the first.
 * @module
 */
import { equal, match, ok } from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { accessSync, constants, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, suite, test } from 'node:test'

const ROOT = path.join(import.meta.dirname, '..', '..')
const DAEMON_SET = path.join(ROOT, 'manifests', 'ipoib-daemonset.yaml')
const isRoot = process.getuid?.() === 0
const built = isReadable('dist/verbena.js') && isReadable('build/verbena-cni')
const unbuilt = built ? false : 'nothing is built: make builds it'
const NEEDS_ROOT = { skip: unbuilt || (isRoot ? false : 'needs root') }
const LIMIT_MS = 120_000
const APART = ['unshare', '--net', '--']

type Ran = { readonly status: number; readonly stdout: string; readonly stderr: string }
type Starting = {
  readonly words: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Before the lab's own command. */
  readonly by?: readonly string[]
  /** Standard error that makes the test press Ctrl-C. */
  readonly interruptAt?: string
}

const folder = mkdtempSync(path.join(tmpdir(), 'verbena-lab-test-'))
after(() => rmSync(folder, { recursive: true, force: true }))

function isReadable(file: string): boolean {
  try {
    accessSync(path.join(ROOT, file), constants.R_OK)
    return true
  } catch {
    return false
  }
}

function lab({ words, env = {}, by = APART, interruptAt }: Starting): Promise<Ran> {
  const [program = '', ...args] = [...by, path.join(ROOT, 'bin/verbena'), 'lab', ...words]
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: ROOT,
      env: { ...process.env, ...env },
      timeout: LIMIT_MS,
    })
    const texts = { stdout: '', stderr: '' }
    // a second Ctrl-C while it cleans up changes nothing
    const presses = interruptAt === undefined ? [] : [interruptAt, 'lab: ending agents']
    child.stdout.setEncoding('utf8').on('data', (text: string) => (texts.stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      texts.stderr += text
      const [next] = presses
      if (next === undefined || !texts.stderr.includes(next)) return
      presses.shift()
      child.kill('SIGINT')
    })
    child.once('error', reject)
    child.once('close', (code) => resolve({ status: code ?? -1, ...texts }))
  })
}

/** The files of the guide, with another pool or another master. */
function network({
  name,
  master = 'ibs5f0',
  ips = '172.91.0.100-172.91.0.120',
  subnet = '172.91.0.0/16',
}: {
  readonly name: string
  readonly master?: string
  readonly ips?: string
  readonly subnet?: string
}): string {
  const file = path.join(folder, `${name}.yaml`)
  writeFileSync(
    file,
    `apiVersion: spiderpool.spidernet.io/v2beta1
kind: SpiderIPPool
metadata: { name: pool-${name} }
spec: { ips: [${ips}], subnet: ${subnet} }
---
apiVersion: spiderpool.spidernet.io/v2beta1
kind: SpiderMultusConfig
metadata: { name: ipoib, namespace: kube-system }
spec: { cniType: ipoib, ipoib: { master: ${master}, ippools: { ipv4: [pool-${name}] } } }
`,
  )
  return file
}

function runOf({ stdout }: Ran): string {
  return /^Verbena lab, run (\w+),/.exec(stdout)?.[1] ?? 'none'
}

/** Nothing of the run, whatever it says itself. */
function assertGone(ran: Ran): void {
  const run = runOf(ran)
  const names = readdirSync('/run/netns').filter((name) => name.includes(run))
  const folders = readdirSync('/run').filter((name) => name.includes(run))
  equal([...names, ...folders].join(' '), '')
  match(ran.stdout, new RegExp(`^clean: nothing of run ${run} is left$`, 'm'))
}

const host = ['--ground', 'host']

suite('verbena lab', { concurrency: 3 }, () => {
  test('takes the guide from its files to a ping on ground host (root)', NEEDS_ROOT, async () => {
    const ran = await lab({ words: host, by: ['env'] })
    equal(ran.status, 0, ran.stderr)
    match(ran.stdout, /^not vm: +ground host was asked for$/m)
    match(ran.stdout, /spiderippool.spiderpool.spidernet.io\/v4-91 created/)
    match(ran.stdout, /^ {4}- {2}cniType: ipoib$/m)
    match(ran.stdout, /^ {4}\+ {2}cniType: macvlan$/m)
    equal(ran.stdout.match(/3 packets transmitted, 3 received, 0% packet loss/g)?.length, 2)
    match(ran.stdout, /^ {4}ipoib-\w{5} {2}node-b {2}eth0 +172\.91\.0\.1\d\d\/16 +- +- +[\d.]+$/m)
    assertGone(ran)
  })

  test('follows other files: pool, master, three nodes (root)', NEEDS_ROOT, async () => {
    const other = { name: 'other', master: 'ib7', ips: '10.7.3.200-10.7.3.210' }
    const file = network({ ...other, subnet: '10.7.3.0/24' })
    const ran = await lab({ words: [...host, '--nodes', '3', '-f', file, DAEMON_SET] })
    equal(ran.status, 0, ran.stderr)
    match(ran.stdout, /root@node-c:~# ip a show ib7/)
    match(ran.stdout, /inet 10\.7\.3\.12\/24/)
    match(ran.stdout, /node-c {2}eth0 +10\.7\.3\.2\d\d\/24/)
    equal(ran.stdout.match(/ 0% packet loss/g)?.length, 6)
    ok(!ran.stdout.includes('172.91.'))
    assertGone(ran)
  })

  for (const { does, words, env, cause } of [
    {
      does: 'names a pool of one address as the cause',
      words: () => ['-f', network({ name: 'one', ips: '172.91.0.100' }), DAEMON_SET],
      cause: /^verbena: Cannot attach pod ipoib-\w+ on node-b: .*pool-one.*$/m,
    },
    {
      does: 'names a missing master as the cause',
      words: () => ['--parent', 'ib9'],
      cause: /^verbena: Cannot attach pod ipoib-\w+ on node-a: .*"ibs5f0".*$/m,
    },
    {
      does: 'names the cut cable as the cause',
      words: () => [],
      env: { VERBENA_LAB_CUT: '1' },
      cause: /^verbena: Cannot reach \S+ from pod .*without a carrier: ibs5f0 of node-b$/m,
    },
    {
      does: 'names what a file has wrong',
      words: () => ['-f', network({ name: 'bad', ips: '10.1.1.1' }), DAEMON_SET],
      cause: /^verbena: Cannot run verbena apply -f .*spec\.ips.*$/m,
    },
  ]) {
    test(`${does} and leaves nothing (root)`, NEEDS_ROOT, async () => {
      const ran = await lab({ words: [...host, ...words()], ...(env === undefined ? {} : { env }) })
      equal(ran.status, 1)
      match(ran.stderr, cause)
      assertGone(ran)
    })
  }

  test('fails when a namespace is left (root)', NEEDS_ROOT, async () => {
    const ran = await lab({ words: host, env: { VERBENA_LAB_LEAVE: '1' } })
    const left = `vbl-${runOf(ran)}-wire`
    execFileSync('ip', ['netns', 'delete', left])
    equal(ran.status, 1)
    match(ran.stdout, new RegExp(`^left over: namespace ${left} is left$`, 'm'))
    match(
      ran.stderr,
      new RegExp(`^verbena: Cannot call run .* clean: namespace ${left} is left`, 'm'),
    )
  })

  for (const interruptAt of ['lab: making', 'lab: starting', 'lab: pod', 'lab: ending']) {
    test(`leaves nothing after Ctrl-C at "${interruptAt}" (root)`, NEEDS_ROOT, async () => {
      const ran = await lab({ words: host, interruptAt })
      equal(ran.status, interruptAt === 'lab: ending' ? 0 : 130, ran.stderr)
      assertGone(ran)
    })
  }

  test('keeps a run, and ends it when asked to (root)', NEEDS_ROOT, async () => {
    const ran = await lab({ words: [...host, '--keep'], by: ['env'] })
    equal(ran.status, 0, ran.stderr)
    const run = runOf(ran)
    match(ran.stdout, new RegExp(`^ {4}bin/verbena lab end ${run}$`, 'm'))
    const looks = [...ran.stdout.matchAll(/^ {4}bin\/verbena lab (exec .*)$/gm)]
    equal(looks.length, 5)
    const seen: string[] = []
    for (const [, words = ''] of looks) {
      const look = await lab({ words: words.split(' '), by: ['env'] })
      equal(look.status, 0, `${words}: ${look.stderr}`)
      seen.push(look.stdout)
    }
    match(seen[0] ?? '', /inet 172\.91\.0\.100\/16/)
    match(seen[1] ?? '', / 0% packet loss/)
    match(seen[3] ?? '', /node-b/)
    equal((await lab({ words: ['exec', run, '--', 'sh', '-c', 'exit 3'], by: ['env'] })).status, 3)
    const ended = await lab({ words: ['end', run], by: ['env'] })
    equal(ended.status, 0, ended.stderr)
    assertGone({ ...ended, stdout: `${ran.stdout}${ended.stdout}` })
  })

  test('needs no rights on ground sim', { skip: unbuilt }, async () => {
    const nobody = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups', '--']
    const may = isRoot && mayRead(nobody)
    const ran = await lab({ words: ['--ground', 'sim'], by: may ? nobody : ['env'] })
    equal(ran.status, 0, ran.stderr)
    match(ran.stdout, /node-b {2}eth0 +172\.91\.0\.1\d\d\/16 +02:5c:\S+ +0xffff/)
    match(ran.stdout, /^clean: nothing of run \w+ is left$/m)
  })
})

/** A checkout in a home folder is closed to others. */
function mayRead(by: readonly string[]): boolean {
  const [program = '', ...args] = by
  try {
    execFileSync(program, [...args, 'test', '-r', path.join(ROOT, 'dist/verbena.js')])
    return true
  } catch {
    return false
  }
}
