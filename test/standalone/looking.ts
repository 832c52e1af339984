/**
 * How tests of container runtimes look at their machine and at its containers.
 * @module
 */
import { deepEqual, match, notEqual } from 'node:assert/strict'
import type { Machine } from './machine.ts'

/** Addresses that host-local holds, then those of pools. */
export async function heldIn(machine: Machine): Promise<string[]> {
  const shown = await machine.demand(`ls /var/lib/cni/networks/mynet 2> /dev/null | grep '^192' || :
verbena get allocation -o name 2> /dev/null | sed 's,.*/,,'`)
  return shown.split('\n').filter((line) => line !== '')
}

/** Journal keys of the agent's attachments. */
export async function attachedIn(machine: Machine): Promise<string[]> {
  const shown = await machine.demand(`node_modules/node/bin/node -e '
const about = { socketPath: "/run/verbena/status.sock", path: "/status" }
require("node:http").get(about, async (answer) => {
  for (const one of JSON.parse((await answer.toArray()).join("")).attachments) {
    console.log(one.attachment)
  }
})'`)
  return shown.split('\n').filter((line) => line !== '')
}

/** Nothing is held, attached, or on the machine that was not there before. */
export async function assertNothingLeft(machine: Machine): Promise<void> {
  const links = await machine.demand("ip -br link | sed 's/[ @].*//'")
  const rules = await machine.demand('ip route show table all proto 118; ip rule | tail -n +2')
  const left = { held: await heldIn(machine), attached: await attachedIn(machine), links, rules }
  const lookups = '32766:\tfrom all lookup main\n32767:\tfrom all lookup default\n'
  deepEqual(left, { held: [], attached: [], links: 'lo\nwire0\nib0\n', rules: lookups })
}

/** The address that a container's own `ip` prints. */
export async function addressIn(machine: Machine, show: string): Promise<string> {
  const shown = await machine.demand(show)
  const [, address = ''] = /inet (192\.168\.2\.\d+)\/24/.exec(shown) ?? []
  notEqual(address, '', shown)
  return address
}

/** Words that run a program in the network of one of `ctr`'s containers. */
export const inside = (name: string): string =>
  `nsenter --net=/proc/$(ctr task list | awk '$1 == "${name}" { print $2 }')/ns/net`

/** Every one of the addresses answers a ping by these words; `ctr` may lose what it prints. */
export async function assertReaches(
  machine: Machine,
  ping: string,
  addresses: readonly string[],
): Promise<void> {
  for (const to of addresses) await machine.demand(`${ping} -c 1 -W 5 ${to}`)
}

/** The agent answered an ADD for every one of these containers; of a DEL it logs a moment later. */
export async function assertServed(machine: Machine, containers: readonly string[]): Promise<void> {
  const log = await machine.demand('journalctl --unit verbena-agent --output cat')
  for (const container of containers) {
    const answered = `"verb":"ADD",.*"container":"${container}",.*"msg":"request answered"`
    match(log, new RegExp(answered), container)
  }
}
