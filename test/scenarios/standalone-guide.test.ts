/**
 * `docs/guides/standalone.md` word by word, over Ethernet: the plugin is
 * `macvlan` where the guide says `ipoib`, as this kernel may have no InfiniBand.
 * The guide as it is runs in `test/vm/standalone.test.ts`.
 */
import { deepEqual, equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import { type Frame, framesOfGuide, overEthernet } from '#test/standalone/guide.ts'
import { assertServed } from '#test/standalone/looking.ts'
import { Machine, needsMachine } from '#test/standalone/machine.ts'
import { WIRE } from '#test/standalone/networks.ts'

const NEEDS_MACHINE = needsMachine()
/** What a frame must have printed, by its heading and place. */
const PRINTED: Readonly<Record<string, readonly RegExp[]>> = {
  'Install 1': [/^verbena \d/m],
  'podman 4 1': [/^\w+ +mynet +macvlan *$/m],
  'podman 4 2': [/inet 192\.168\.2\.\d+\/24/, /1 packets received, 0% packet loss/],
  'Pools instead of host-local 1': [
    /^192\.168\.2\.220 +192\.168\.2\.220 +rail-0 +container \w{64} +eth0/m,
    /^rail-0 .* 192\.168\.2\.221-192\.168\.2\.229$/m,
    /^1 allocations of 1 pools: all is as it must be$/m,
  ],
}

/** Containers of the guide, as `ctr` names them to a plugin. */
const BY_CTR = ['default-one', 'default-two', 'default-three']
/** Links, namespaces, plugins, networks, units, programs, addresses and other state. */
const STATE = `ip -br link | sed 's/ .*//'
for place in /run/netns /opt/cni /opt/verbena /etc/cni/net.d /etc/systemd/system \\
  /usr/local/bin/verbena /run/verbena /var/lib/cni/networks /var/lib/verbena; do
  [ ! -e $place ] || find $place ! -type d | sort
done`
test('the guide to containers without Kubernetes (root)', NEEDS_MACHINE, async (t) => {
  await using machine = await Machine.start()
  await machine.stock()
  await machine.demand(WIRE)
  const before = await machine.demand(STATE)
  const seen = new Set<string>()
  for (const frame of framesOfGuide()) {
    const place = `${frame.heading} ${frame.nth}`
    seen.add(place)
    const startedMs = performance.now()
    const printed = await machine.demand(overEthernet(frame.script))
    t.diagnostic(`${place}: ${Math.round(performance.now() - startedMs)} ms`)
    for (const pattern of PRINTED[place] ?? []) match(printed, pattern, place)
    if (place === 'containerd 3') await assertServed(machine, BY_CTR)
    if (frame.heading !== 'Install') await nothingHeld(machine, frame)
  }
  deepEqual(
    Object.keys(PRINTED).filter((place) => !seen.has(place)),
    [],
  )
  equal(await machine.demand(STATE), before)
})

/** After each frame of a runtime, but that with a container in the background. */
async function nothingHeld(machine: Machine, { heading, nth }: Frame): Promise<void> {
  if (heading === 'containerd' && nth === 2) return
  const addresses = 'ls /var/lib/cni/networks/mynet 2> /dev/null | grep -c "^192" || true'
  equal(await machine.demand(addresses), '0\n', `addresses after ${heading} ${nth}`)
}
