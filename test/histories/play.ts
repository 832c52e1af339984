/**
 * Plays a history: nodes, a store and pods, one operation after the other, the
 * laws looked at on the way and at the end.
 * @module
 */
import { settleReleases } from '#attach/index.ts'
import { addNetns } from '#sim/read-world.ts'
import { removeNetns } from '#sim/links.ts'
import { refusalOf } from '#test/scenarios/refusal.ts'
import { failureIn } from '#values/failure.ts'
import { addressesIn, confOf, envOf } from './call.ts'
import { faultsAtTheEnd, faultsNow, hostText } from './laws.ts'
import { begin, createPod, type Game, type Playing } from './game.ts'
import { type Container, type ModelPod, newest } from './model.ts'
import { type HistoryNode, restart, startAgent } from './node.ts'
import { type Operation, operationOf } from './operation.ts'
import { changePools } from './pools.ts'

/** What came of a history. */
export type Played = { readonly operations: number; readonly fault: string | undefined }

/** Never throws: what goes wrong is the fault. */
export async function play(history: readonly number[], playing: Playing): Promise<Played> {
  const game = await begin(playing)
  const before = game.nodes.map(({ host }) => hostText(host))
  let operations = 0
  try {
    for (const number of history) {
      await take(operationOf(number), game)
      operations++
      if (operations % playing.lookEvery !== 0) continue
      const [fault] = faultsNow(game.records, game.pods)
      if (fault !== undefined) return { operations, fault: `after ${operations}: ${fault}` }
    }
    operations += await deleteAll(game)
    const faults = [
      ...faultsNow(game.records, game.pods),
      ...faultsAtTheEnd(game.records, game.nodes, before),
    ]
    const fault = faults.length === 0 ? undefined : `at the end: ${faults.join('; ')}`
    return { operations, fault }
  } catch (thrown) {
    const text = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)
    return { operations, fault: `after ${operations}: it threw ${text}` }
  } finally {
    for (const { agent } of game.nodes) await agent[Symbol.asyncDispose]()
  }
}

async function take(operation: Operation, game: Game): Promise<void> {
  const pod = game.pods[operation.pod % game.pods.length]
  const node = game.nodes[operation.choice % game.nodes.length]
  if (pod === undefined || node === undefined) return
  const { weather, mutant } = game
  switch (operation.kind) {
    case 'add':
      return add(pod, current(pod, game), operation, game)
    case 'new-container':
      return add(pod, makeContainer(pod, game), operation, game)
    case 'repeat':
      return repeat(pod, operation, game)
    case 'del': {
      const container = pod.containers[operation.choice % Math.max(pod.containers.length, 1)]
      return container === undefined ? undefined : del(pod, container, operation, game)
    }
    case 'late-del': {
      const container = pod.gone[operation.choice % Math.max(pod.gone.length, 1)]
      return container === undefined ? undefined : del(pod, container, operation, game)
    }
    case 'gc':
      return collect(node, operation, game)
    case 'restart':
      return restart(node, { weather, mutant })
    case 'recreate':
      return recreate(pod, game)
    case 'settle':
      await settleReleases(node.agent.attach)
      return
    case 'store':
      weather.refusals = operation.choice % 5
      weather.slowness = operation.choice % 3 === 0 ? 1 : 0
      return
    case 'pool':
      return changePools(operation.choice, game.records)
    case 'clock':
      weather.nowMs += (operation.choice - 8) * 3_600_000
      return
    case 'both':
      return both(operation, game)
    case 'check':
      return
  }
}

/** The newest container; a fresh one where there is none, or where it is of an older pod. */
function current(pod: ModelPod, game: Game): Container {
  const container = newest(pod)
  return container?.uid === pod.uid ? container : makeContainer(pod, game)
}

function makeContainer(pod: ModelPod, game: Game): Container {
  const number = ++game.containers
  const netns = `n${number}`
  const container: Container = {
    id: `c0ffee${String(number).padStart(6, '0')}`,
    netns,
    uid: pod.uid,
    standing: 'none',
    addresses: [],
    older: false,
  }
  addNetns(pod.node.host, netns)
  pod.containers.push(container)
  return container
}

/** Starts the agent that will be killed, and the next one after it. */
async function ask(
  verb: 'ADD' | 'DEL' | 'GC',
  of: { pod: ModelPod; container: Container } | { node: HistoryNode; alive: readonly object[] },
  { killedAt }: Pick<Operation, 'killedAt'>,
  { weather, mutant }: Game,
): Promise<{ stdout: string } | { thrown: unknown }> {
  const node = 'pod' in of ? of.pod.node : of.node
  if (killedAt !== undefined) {
    await node.agent[Symbol.asyncDispose]()
    node.agent = startAgent(node, { weather, mutant, lastChange: killedAt })
  }
  const { agent } = node
  const [type, env, conf] =
    'pod' in of
      ? [of.pod.way.type, envOf(verb, of.pod, of.container), confOf(of.pod)]
      : ['verbena', envOf(verb, undefined, undefined), gcConf(of.alive)]
  try {
    const stdout = await agent.call(type, env, conf)
    return agent.life.end === undefined ? { stdout } : { thrown: agent.life.end }
  } catch (thrown) {
    if (failureIn(thrown) === undefined && agent.life.end === undefined) throw thrown
    return { thrown }
  } finally {
    if (killedAt !== undefined) await restart(node, { weather, mutant })
  }
}

function gcConf(alive: readonly object[]): object {
  const valid = { 'cni.dev/valid-attachments': alive }
  return { cniVersion: '1.1.0', name: 'net', type: 'verbena', ...valid }
}

async function add(
  pod: ModelPod,
  container: Container,
  operation: Pick<Operation, 'killedAt' | 'lost'>,
  game: Game,
): Promise<void> {
  for (const other of pod.containers) {
    if (other !== container && other.uid === container.uid) other.older = true
  }
  const was = container.standing
  const answer = await ask('ADD', { pod, container }, operation, game)
  if ('thrown' in answer || operation.lost) {
    // an ADD that fails undoes what an earlier one of the same container made
    container.standing = 'perhaps'
    return
  }
  const addresses = addressesIn(answer.stdout)
  if (was === 'known' && addresses.join() !== container.addresses.join()) {
    throw new Error(`a repeated ADD answers ${addresses.join()}, not ${container.addresses.join()}`)
  }
  Object.assign(container, { standing: 'known', addresses })
}

async function repeat(pod: ModelPod, operation: Operation, game: Game): Promise<void> {
  const container = newest(pod)
  if (container?.standing !== 'known' || container.uid !== pod.uid) return
  await add(pod, container, { killedAt: undefined, lost: operation.lost }, game)
}

/** Of every other DEL the namespace is gone before it. */
async function del(
  pod: ModelPod,
  container: Container,
  operation: Pick<Operation, 'killedAt' | 'lost' | 'choice'>,
  game: Game,
): Promise<void> {
  if (operation.choice % 2 === 1) removeNetns(pod.node.host, container.netns)
  container.standing = 'perhaps'
  const answer = await ask('DEL', { pod, container }, operation, game)
  if ('thrown' in answer || operation.lost) return
  if (pod.containers.includes(container)) {
    pod.containers = pod.containers.filter((one) => one !== container)
    pod.gone = [container, ...pod.gone].slice(0, 3)
  }
  removeNetns(pod.node.host, container.netns)
}

/** Everything that was asked for and not deleted is alive. */
async function collect(node: HistoryNode, operation: Operation, game: Game): Promise<void> {
  const alive = game.pods
    .filter((pod) => pod.node === node)
    .flatMap(({ containers }) => containers.map(({ id }) => ({ containerID: id, ifname: 'eth0' })))
  await ask('GC', { node, alive }, operation, game)
}

/** Deleted by force, and made again under the same name: its containers are still there. */
async function recreate(pod: ModelPod, { records }: Game): Promise<void> {
  const [apiVersion, kind, namespace] = ['v1', 'Pod', 'default']
  await records.delete({ apiVersion, kind, namespace, name: pod.name })
  await createPod(pod, records)
}

/** An ADD of one pod and a DEL of another at the same time, both to the end. */
async function both(operation: Operation, game: Game): Promise<void> {
  const [one, other] = [operation.pod, operation.pod + 1 + (operation.choice % 4)].map(
    (index) => game.pods[index % game.pods.length],
  )
  if (one === undefined || other === undefined || one === other) return
  const quiet = { killedAt: undefined, lost: operation.lost, choice: operation.choice }
  const container = newest(other)
  await Promise.all([
    add(one, current(one, game), quiet, game),
    container === undefined
      ? add(other, current(other, game), quiet, game)
      : del(other, container, quiet, game),
  ])
}

/** Every container is deleted, as often as it takes; then what is left is collected. */
async function deleteAll(game: Game): Promise<number> {
  Object.assign(game.weather, { refusals: 0, slowness: 0 })
  const quiet = { killedAt: undefined, lost: false, choice: 0 }
  let operations = 0
  for (const pod of game.pods) {
    for (const container of [...pod.containers]) {
      await del(pod, container, quiet, game)
      operations++
      if (!pod.containers.includes(container)) continue
      const again = await refusalOf(
        ask('DEL', { pod, container }, quiet, game).then((answer) => {
          if ('thrown' in answer) throw answer.thrown
        }),
      )
      throw new Error(`DEL of ${pod.name} ${container.id} is refused: ${again?.text ?? 'once'}`)
    }
  }
  for (const node of game.nodes) {
    await ask('GC', { node, alive: [] }, quiet, game)
    await settleReleases(node.agent.attach)
    operations++
  }
  return operations
}
