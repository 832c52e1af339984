/**
 * The netns addon (`native/netns.c`) across network namespaces: what is done happens in the
 * namespace named, and no thread of the process is ever left in another one.
 * @module
 */
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { execFile, execFileSync, spawn } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readdirSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { NEEDS_ROOT } from './addon.ts'
import { DUMP_LINKS, link, NLM, RTM, linkNames } from './links.ts'
import { netlink, run, readFile, writeFile } from './program.ts'

// More threads than cores, and than libuv's default of four: read when the pool is first used.
process.env['UV_THREADPOOL_SIZE'] = '16'

const PREFIX = `vbn-t-${process.pid}-`
const FORWARD = '/proc/sys/net/ipv4/ip_forward'
const ACK = NLM.request | NLM.ack

/** Network namespaces of this test, open; closed and deleted when disposed. */
class Namespaces implements Disposable {
  readonly names: readonly string[]
  readonly fds: readonly number[]

  constructor(count: number) {
    this.names = Array.from({ length: count }, (_, i) => `${PREFIX}${i}`)
    for (const name of this.names) execFileSync('ip', ['netns', 'add', name])
    this.fds = this.names.map((name) => openSync(`/run/netns/${name}`, 'r'))
  }

  [Symbol.dispose](): void {
    for (const fd of this.fds) closeSync(fd)
    for (const name of this.names) execFileSync('ip', ['netns', 'delete', name])
  }
}

/** The network namespaces that the threads of this process are in. */
function threadNamespaces(): Set<string> {
  return new Set(
    readdirSync('/proc/self/task').map((id) => readlinkSync(`/proc/self/task/${id}/ns/net`)),
  )
}

/** Creates a bridge (NLM_F_CREATE and NLM_F_EXCL; IFLA_LINKINFO, IFLA_INFO_KIND). */
const bridge = (name: string): Buffer => {
  const kind = Buffer.from([16, 0, 18, 0, 11, 0, 1, 0, ...Buffer.from('bridge\0'), 0])
  const message = Buffer.concat([link({ type: RTM.newLink, flags: ACK | 0x600, name }), kind])
  message.writeUInt32LE(message.length, 0)
  return message
}

test(
  '64 concurrent calls over 16 namespaces leave no thread behind (root)',
  NEEDS_ROOT,
  async () => {
    using made = new Namespaces(16)
    const before = threadNamespaces()
    equal(before.size, 1)
    const links = made.fds.map((fd, i) => run(netlink(bridge(`d${i}`), fd)))
    deepEqual(new Set((await Promise.all(links)).map(([made]) => made?.status)), new Set([0]))
    const calls = Array.from({ length: 64 }, async (_, call) => {
      const i = call % made.fds.length
      const other = (i + 5) % made.fds.length
      // In, across to another namespace, home, a failure on the way, and in again.
      const answers = await run(
        netlink(DUMP_LINKS, made.fds[i]),
        netlink(DUMP_LINKS, made.fds[other]),
        readFile('/proc/thread-self/net/dev'),
        {
          ...netlink(link({ type: RTM.deleteLink, flags: ACK, index: 4000 }), made.fds[i]),
          goOn: true,
        },
        readFile('/proc/thread-self/net/dev', made.fds[i]),
        netlink(DUMP_LINKS),
      )
      return { call, i, other, answers }
    })
    for (const { call, i, other, answers } of await Promise.all(calls)) {
      const names = answers.map((answer) => linkNames(answer.data))
      deepEqual(
        answers.map((a) => a.status),
        [0, 0, 0, -19, 0, 0],
        `call ${call}`,
      )
      deepEqual([names[0]?.at(-1), names[1]?.at(-1)], [`d${i}`, `d${other}`])
      ok(answers[4]?.data.includes(` d${i}:`))
      ok(answers[2] && !/ d\d+:/.test(answers[2].data.toString()))
      ok(names[5]?.every((name) => !/^d\d+$/.test(name)))
    }
    ok(readdirSync('/proc/self/task').length >= 16)
    deepEqual(threadNamespaces(), before)
  },
)

test('a sysctl is written and read in its namespace only (root)', NEEDS_ROOT, async () => {
  using made = new Namespaces(2)
  const [first, second] = made.fds
  ok(first !== undefined && second !== undefined)
  const answers = await run(
    writeFile({ path: FORWARD, content: '1', netns: first }),
    writeFile({ path: FORWARD, content: '0', netns: second }),
    readFile(FORWARD, first),
    readFile(FORWARD, second),
    { ...writeFile({ path: FORWARD, content: 'x', netns: first }), goOn: true },
    readFile('/proc/sys/net/ipv4/conf/none/forwarding', first),
  )
  deepEqual(
    answers.map((a) => a.status),
    [0, 0, 0, 0, -22, -2],
  )
  deepEqual(
    answers.slice(2, 4).map((a) => a.data.toString()),
    ['1\n', '0\n'],
  )
})

test('a link is made, found and deleted in its namespace (root)', NEEDS_ROOT, async () => {
  using made = new Namespaces(1)
  const [fd] = made.fds
  const remove = link({ type: RTM.deleteLink, flags: ACK, name: 'd0' })
  const answers = await run(
    netlink(bridge('d0'), fd),
    { ...netlink(bridge('d0'), fd), goOn: true },
    netlink(DUMP_LINKS, fd),
    netlink(remove, fd),
    netlink(remove, fd),
  )
  deepEqual(
    answers.map((a) => a.status),
    [0, -17, 0, 0, -19],
  )
  ok(linkNames(answers[2]?.data ?? Buffer.alloc(0)).includes('d0'))
})

test('more sockets than a program keeps open still work (root)', NEEDS_ROOT, async () => {
  using made = new Namespaces(20)
  const ops = [...made.fds, ...made.fds].map((fd) => netlink(DUMP_LINKS, fd))
  const open = readdirSync('/proc/self/fd').length
  const answers = await run(...ops)
  deepEqual(new Set(answers.map((a) => a.status)), new Set([0]))
  equal(readdirSync('/proc/self/fd').length, open)
})

test('netlink: a refused nf_tables batch answers at once (root)', NEEDS_ROOT, async () => {
  using made = new Namespaces(1)
  const message = (of: { type: number; flags: number; rest: readonly number[] }): Buffer => {
    const raw = Buffer.alloc(16 + of.rest.length)
    raw.writeUInt32LE(raw.length, 0)
    raw.writeUInt16LE(of.type, 4)
    raw.writeUInt16LE(of.flags, 6)
    raw.set(of.rest, 16)
    return raw
  }
  // The batch is for subsystem 99, which is not there; three messages ask for an answer.
  const table = message({ type: (99 << 8) | 0, flags: ACK, rest: [2, 0, 0, 0] })
  const begin = message({ type: 16, flags: NLM.request, rest: [0, 0, 0, 99] })
  const end = message({ type: 17, flags: NLM.request, rest: [0, 0, 0, 99] })
  const before = performance.now()
  const [answer] = await run(
    netlink(Buffer.concat([begin, table, table, table, end]), made.fds[0], 12),
  )
  ok(answer && answer.status < 0, `${answer?.status}`)
  ok(performance.now() - before < 5000)
})

const cc = promisify(execFile)
test('a thread that cannot return aborts the process (root)', NEEDS_ROOT, async () => {
  using made = new Namespaces(1)
  const at = mkdtempSync(join(tmpdir(), 'vbn-abort-'))
  try {
    // The second setns() of a thread fails, as it would if the way back were closed.
    const source =
      '#include <errno.h>\n#include <unistd.h>\n#include <sys/syscall.h>\n' +
      'static __thread int calls;\nint setns(int fd, int kind) {\n' +
      '  if (++calls == 2) { errno = EPERM; return -1; }\n' +
      '  return (int)syscall(SYS_setns, fd, kind);\n}\n'
    const lib = join(at, 'setns.so')
    const compiling = cc('cc', ['-shared', '-fPIC', '-x', 'c', '-o', lib, '-'])
    compiling.child.stdin?.end(source)
    await compiling
    const [program, links] = ['program.ts', 'links.ts'].map((file) =>
      JSON.stringify(new URL(file, import.meta.url).href),
    )
    const script = `import { openSync } from 'node:fs'
      import { netlink, run } from ${program}
      import { DUMP_LINKS } from ${links}
      await run(netlink(DUMP_LINKS, openSync('/run/netns/${made.names[0]}', 'r')))`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      env: { ...process.env, LD_PRELOAD: lib },
      cwd: at,
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: 20_000,
    })
    const ended = new Promise((resolve) => child.once('exit', (_status, signal) => resolve(signal)))
    const stderr = await text(child.stderr)
    equal(await ended, 'SIGABRT')
    match(stderr, /^verbena: netns addon: a thread cannot return to its own netns\n/)
  } finally {
    rmSync(at, { recursive: true })
  }
})
