import { deepEqual, equal, ok, throws } from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { Failure } from '#values/failure.ts'
import { parseIfName } from '#values/if-name.ts'
import type { NftTable } from '#values/nft.ts'
import { decodeAnswer, encodeMessage, FLAG, readMessages } from '#wire/netlink/message.ts'
import { decodeTableNames, encodeAddTable, encodeListTables, encodeRemoveTable } from './table.ts'

type Capture = {
  command: string
  note: string
  exchange: { dir: 'sent' | 'received'; hex: string }[]
}
const file = new URL('../../../test/captures/nftables.json', import.meta.url)
const captures: Capture[] = JSON.parse(readFileSync(file, 'utf8'))

const NETFILTER = 12
const GET_TABLE = 0x0a01
const BATCH_BEGIN = 16

const replyPath: NftTable = {
  name: 'verbena',
  chains: [
    {
      name: 'prerouting',
      type: 'filter',
      hook: 'prerouting',
      priority: -150,
      rules: [
        { nft: 'mark-new-from', link: parseIfName('veth0'), mark: 1 },
        { nft: 'save-mark', mark: 1 },
      ],
    },
    {
      name: 'output',
      type: 'route',
      hook: 'output',
      priority: -150,
      rules: [{ nft: 'restore-mark', mark: 1 }],
    },
  ],
}

function captured(note: string): Capture {
  const found = captures.find((c) => c.note.startsWith(note))
  ok(found, `no capture ${note}`)
  return found
}

/** The bytes that nft sent whose first message is of `type`. */
function sent(note: string, type: number): Uint8Array {
  for (const { dir, hex } of captured(note).exchange) {
    const bytes = Buffer.from(hex, 'hex')
    if (dir === 'sent' && bytes.readUInt16LE(4) === type) return bytes
  }
  throw new Error(`nothing of type ${type} was sent`)
}

/** nft asks for no acknowledgement inside a batch, we do: the only difference. */
function withoutAck(bytes: Uint8Array): Buffer {
  return Buffer.concat(
    readMessages(bytes).map((m) => encodeMessage({ ...m, flags: m.flags & ~FLAG.ack }, m.sequence)),
  )
}

/** What follows the request for a dump of tables in `note`. */
function tableDump(note: string): Buffer[] {
  const { exchange } = captured(note)
  const at = exchange.findIndex(
    ({ dir, hex }) => dir === 'sent' && Buffer.from(hex, 'hex').readUInt16LE(4) === GET_TABLE,
  )
  const after = exchange.slice(at + 1)
  return after
    .slice(
      0,
      after.findIndex(({ dir }) => dir === 'sent'),
    )
    .map(({ hex }) => Buffer.from(hex, 'hex'))
}

test('encodeAddTable() gives the bytes of nft, acknowledgements added', () => {
  deepEqual(withoutAck(encodeAddTable(replyPath)), sent('ruleset', BATCH_BEGIN))
})

test('encodeRemoveTable() gives the bytes of nft, acknowledgements added', () => {
  deepEqual(withoutAck(encodeRemoveTable('verbena')), sent('remove', BATCH_BEGIN))
})

test('every message between the ends of a batch asks for an acknowledgement', () => {
  const acks = readMessages(encodeAddTable(replyPath)).map((m) => (m.flags & FLAG.ack) !== 0)
  deepEqual(acks, [false, true, true, true, true, true, true, false])
})

test('encodeListTables() gives the bytes of nft list tables inet', () => {
  const theirs = Buffer.from(sent('list, one table', GET_TABLE))
  equal(theirs[16], 0, 'nft asks for every family and chooses afterwards')
  theirs[16] = 1
  deepEqual(Buffer.from(encodeListTables()), theirs)
})

test('decodeTableNames() reads the dumps of the kernel', () => {
  deepEqual(decodeTableNames(Buffer.concat(tableDump('list, one table'))), ['verbena'])
  deepEqual(decodeTableNames(Buffer.concat(tableDump('remove, no such'))), [])
})

test('decodeTableNames() of a cut dump is netlink-truncated or a shorter list', () => {
  const whole = Buffer.concat(tableDump('list, one table'))
  for (let length = 0; length < whole.length; length++) {
    try {
      const names = decodeTableNames(whole.subarray(0, length))
      ok(names.length === 0 || names[0] === 'verbena')
    } catch (thrown) {
      ok(thrown instanceof Failure && thrown.code === 'netlink-truncated', `at ${length}`)
    }
  }
})

test('decodeTableNames() of a message whose payload is cut is netlink-truncated', () => {
  const [message] = readMessages(tableDump('list, one table')[0] ?? Buffer.alloc(0))
  ok(message)
  for (let length = 0; length < message.payload.length; length++) {
    const cut = encodeMessage({ ...message, payload: message.payload.subarray(0, length) }, 0)
    try {
      decodeTableNames(cut)
    } catch (thrown) {
      ok(thrown instanceof Failure, `at ${length}`)
      const codes = ['netlink-truncated', 'netlink-attribute-missing']
      ok(codes.includes(thrown.code), `${thrown.code} at ${length}`)
    }
  }
  throws(() => decodeTableNames(encodeMessage({ ...message, payload: Buffer.alloc(2) }, 0)), {
    code: 'netlink-truncated',
  })
})

test('the kernel answers a second table of the name with EEXIST, as captured', () => {
  const last = captured('again').exchange.at(-1)
  const [message] = readMessages(Buffer.from(last?.hex ?? '', 'hex'))
  ok(message)
  equal(decodeAnswer(message)?.errno, 17)
})

const addon = new URL('../../../build/netns.node', import.meta.url).pathname
const lacks =
  process.getuid?.() !== 0
    ? 'needs root'
    : !existsSync(addon)
      ? 'needs build/netns.node: run make native'
      : !existsSync('/usr/sbin/nft')
        ? 'needs nft (package nftables)'
        : false

test('the kernel takes our batch and nft prints the rules (root)', { skip: lacks }, async () => {
  const name = `vbn-n-${process.pid}`
  execFileSync('ip', ['netns', 'add', name])
  const fd = openSync(`/run/netns/${name}`, 'r')
  try {
    const nft = (): string =>
      execFileSync('ip', ['netns', 'exec', name, 'nft', 'list', 'ruleset'], { encoding: 'utf8' })
    equal((await send(fd, encodeAddTable(replyPath))).status, 0)
    equal(nft(), PRINTED)
    equal((await send(fd, encodeAddTable(replyPath))).status, -17, 'a second time: EEXIST')
    equal(nft(), PRINTED)
    deepEqual(decodeTableNames((await send(fd, encodeListTables())).data), ['verbena'])
    equal((await send(fd, encodeRemoveTable('verbena'))).status, 0)
    equal(nft(), '')
    equal((await send(fd, encodeRemoveTable('verbena'))).status, -2, 'ENOENT')
    deepEqual(decodeTableNames((await send(fd, encodeListTables())).data), [])
  } finally {
    closeSync(fd)
    execFileSync('ip', ['netns', 'del', name])
  }
})

/** One netlink exchange through the addon: its program has a head of 16 bytes. */
async function send(netns: number, messages: Uint8Array) {
  const native: { transact(program: Uint8Array): Promise<Uint8Array> } = createRequire(
    import.meta.url,
  )(addon)
  const head = Buffer.alloc(16)
  head.writeUInt8(1, 0)
  head.writeInt32LE(netns, 4)
  head.writeUInt32LE(NETFILTER, 8)
  head.writeUInt32LE(messages.length, 12)
  const answer = Buffer.from(await native.transact(Buffer.concat([head, messages])))
  return { status: answer.readInt32LE(0), data: answer.subarray(8) }
}

const PRINTED = `table inet verbena {
\tchain prerouting {
\t\ttype filter hook prerouting priority mangle; policy accept;
\t\tiifname "veth0" ct state new meta mark set 0x00000001
\t\tmeta mark 0x00000001 ct mark set meta mark
\t}

\tchain output {
\t\ttype route hook output priority mangle; policy accept;
\t\tct mark 0x00000001 meta mark set ct mark
\t}
}
`
