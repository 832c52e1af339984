/**
 * Debian's containerd with Verbena as its CNI plugin, without Kubernetes:
 * `manifests/ipoib-cni.json` over Ethernet, by `ctr` and by CRI, the agent under
 * systemd, and what dies on the way.
 */
import { deepEqual, equal, match, notEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { Cri } from '#test/standalone/cri.ts'
import { IMAGE, type Machine, needsMachine } from '#test/standalone/machine.ts'
import {
  addressIn,
  assertNothingLeft,
  assertReaches,
  attachedIn,
  heldIn,
  inside,
} from '#test/standalone/looking.ts'
import { GATEWAY, readyMachine } from '#test/standalone/networks.ts'

const NEEDS_MACHINE = needsMachine()
const MAIN_PID = 'systemctl show --property MainPID --value verbena-agent'
const run = (name: string): string => `ctr run --detach --cni ${IMAGE} ${name} sleep 600`
const remove = (name: string): string => `ctr task delete --force ${name}
ctr container delete ${name}
CNI_COMMAND=DEL CNI_CONTAINERID=default-${name} CNI_NETNS= CNI_IFNAME=eth0 \\
  CNI_PATH=/opt/cni/bin /opt/cni/bin/macvlan < /etc/cni/net.d/10-mynet.conf`

test('ctr: containers reach each other, whatever dies (root)', NEEDS_MACHINE, async (t) => {
  await using machine = await readyMachine()
  await machine.demand(run('a'))
  // the agent is away: the plugin waits for it
  await machine.demand('systemctl stop verbena-agent')
  const waiting = machine.demand(run('b'))
  await machine.demand('systemctl start verbena-agent')
  await waiting
  const a = await addressIn(machine, `${inside('a')} ip addr show eth0`)
  const b = await addressIn(machine, `${inside('b')} ip addr show eth0`)
  deepEqual(await heldIn(machine), [a, b])
  equal(await machine.demand(`cat /var/lib/cni/networks/mynet/${a}`), 'default-a\r\neth0')
  const keys = ['mynet/default-a/eth0/macvlan', 'mynet/default-b/eth0/macvlan']
  deepEqual((await attachedIn(machine)).toSorted(), keys)
  match(await machine.demand(`${inside('a')} ip route`), /default via 192\.168\.2\.1 dev eth0/)
  await machine.demand('systemctl kill --signal KILL verbena-agent')
  await assertReaches(machine, `${inside('a')} ping`, [b, GATEWAY])
  for (const name of ['a', 'b']) await machine.demand(remove(name))
  const log = await machine.demand('journalctl --unit verbena-agent --output cat')
  equal(log.match(/"agent ready"/g)?.length, 3)
  t.diagnostic(log.split('\n').find((line) => line.includes('"verb":"ADD"')) ?? 'no ADD')
  await assertNothingLeft(machine)
  await refused(machine)
})

async function refused(machine: Machine): Promise<void> {
  await machine.demand('sed -i \'s/"ib0"/"ib7"/\' /etc/cni/net.d/10-mynet.conf')
  const ran = await machine.sh(`ctr run --rm --cni ${IMAGE} one true`)
  notEqual(ran.status, 0)
  match(ran.stderr, /failed to lookup master "ib7": Link not found/)
  await assertNothingLeft(machine)
}

test(
  'the unit is what systemd takes, and keeps the agent running (root)',
  NEEDS_MACHINE,
  async () => {
    await using machine = await readyMachine()
    const unit = '/etc/systemd/system/verbena-agent.service'
    equal(await machine.demand(`systemd-analyze verify ${unit} 2>&1`), '')
    const status = await machine.demand(`cat /proc/$(${MAIN_PID})/status`)
    for (const line of [/^NoNewPrivs:\t1$/m, /^Seccomp:\t2$/m, /^CapEff:\t0{8}00283000$/m]) {
      match(status, line)
    }
    await machine.demand(run('a'))
    const pids = [await machine.demand(MAIN_PID)]
    await machine.demand(`kill -KILL $(${MAIN_PID})`)
    await machine.demand(`ctr run --rm --cni ${IMAGE} one true`)
    pids.push(await machine.demand(MAIN_PID))
    // an upgrade
    await machine.demand('deploy/systemd/install.sh macvlan; systemctl restart verbena-agent')
    pids.push(await machine.demand(MAIN_PID))
    equal(new Set(pids).size, 3, pids.join())
    await assertReaches(machine, `${inside('a')} ping`, [GATEWAY])
    await machine.demand(remove('a'))
    await assertNothingLeft(machine)
  },
)

/** Debian's containerd has one folder for plugins; not every test may set an OOM score. */
const FOR_CRI = `CNI_BIN=/usr/lib/cni deploy/systemd/install.sh macvlan coordinator
sed -i '/cri"\\]$/a restrict_oom_score_adj = true' /etc/containerd/config.toml
name=$(containerd config default | sed -n 's/.*sandbox_image = "\\(.*\\)"/\\1/p')
test/standalone/image.sh "$name" /run/pause.tar '["sleep","600"]'
mkdir -p /run/pods
ctr --namespace k8s.io images import /run/pause.tar`

test("sandboxes of containerd's CRI (root)", NEEDS_MACHINE, async () => {
  await using machine = await readyMachine()
  await machine.demand(FOR_CRI)
  const pod = { namespace: 'default', name: 'web', uid: 'c0ffee-1' }
  for (const { first, address, held, reached, keys } of [
    {
      first: '10-mynet.conf /etc/cni/net.d/05-mynet.conf',
      address: '192.168.2.10',
      held: ['192.168.2.10'],
      // a macvlan and its parent's machine do not meet; the coordinator joins them
      reached: [],
      keys: ['c0ffee-1/eth0/macvlan'],
    },
    {
      first: 'joined.conflist /etc/cni/net.d/04-joined.conflist',
      address: '192.168.2.230',
      held: ['192.168.2.230'],
      reached: ['192.168.2.230'],
      keys: ['c0ffee-1/eth0/coordinator', 'c0ffee-1/eth0/macvlan'],
    },
  ]) {
    await machine.demand(`mv /etc/cni/net.d/${first}\nsystemctl restart containerd`)
    await using cri = new Cri(machine.path('/run/containerd/containerd.sock'))
    await cri.ready()
    const sandbox = await cri.run(pod)
    equal(await cri.addressOf(sandbox), address)
    deepEqual(await heldIn(machine), held)
    deepEqual((await attachedIn(machine)).toSorted(), keys)
    await assertReaches(machine, 'ping', reached)
    match(await machine.demand('verbena check'), /all is as it must be/)
    // both call DEL
    await cri.stop(sandbox)
    await cri.remove(sandbox)
    await assertNothingLeft(machine)
  }
})
