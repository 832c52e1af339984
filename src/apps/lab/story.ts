/**
 * The story of a run, in the order of the IPoIB guide: the HCA and its link,
 * what runs, the network, the DaemonSet, the ping, the table. Every line under
 * a prompt is what that command printed.
 * @module
 */
import { fail } from '#apps/failures.ts'
import type { Stored } from '#needs/records.ts'
import type { Place } from './ground.ts'
import { type Lab, type LabFile, MACHINE, show, verbena } from './lab.ts'
import { pingAll } from './ping.ts'
import { type RunningPod, runPods } from './pods.ts'
import { standInDifference, standInsFor, textOfDocuments } from './stand-in.ts'
import { type PodOutcome, outcomeTable } from './table.ts'
import { registerNodes } from './registry.ts'

const POD =
  'A pod is a process in a network, mount and pid namespace of its own. Images are not pulled: ' +
  'the command of the container runs on the root filesystem of this ground.'
const SIMULATED_POD = 'A pod is a simulated network namespace; no process is started in it.'
const SPIDER = 'spiderpool.spidernet.io/v2beta1'

/** @throws {Failure} the one cause why the run did not hold what it promised */
export async function tellStory(lab: Lab): Promise<readonly RunningPod[]> {
  await showParents(lab)
  await showAgents(lab)
  await applyFiles(lab)
  const pods = await startPods(lab)
  return verifyPods(lab, pods)
}

async function showParents(lab: Lab): Promise<void> {
  const { ground, nodes, voice } = lab
  voice.heading('1. Each node has an HCA and its link, or what stands in for them')
  voice.progress(`making ${nodes.length} nodes`)
  await ground.makeNodes(nodes)
  const devices = await ground.rdmaDevices()
  const [first] = nodes
  if (first !== undefined && devices.length > 0) {
    const at: Place = { at: 'node', name: first.name }
    await show(lab, at, ['rdma', 'link'])
    for (const device of devices) {
      await show(lab, at, ['cat', `/sys/class/infiniband/${device}/ports/1/link_layer`])
    }
  } else voice.say('This ground has no HCA: `rdma link` and the link layer have nothing to show.\n')
  for (const { name, parents } of nodes) {
    for (const parent of parents) {
      await show(lab, { at: 'node', name }, ['ip', 'a', 'show', parent.name])
    }
  }
}

async function showAgents(lab: Lab): Promise<void> {
  const { ground, nodes, voice } = lab
  voice.heading('2. Verbena runs: one agent a node, one store for all')
  voice.progress(`starting ${nodes.length} agents`)
  const agents = await ground.startAgents()
  voice.lines(agents.join('\n'))
  voice.say('')
  await registerNodes(lab)
  await verbena(lab, ['get', 'node', '-o', 'wide'])
}

async function applyFiles(lab: Lab): Promise<void> {
  const { files, voice, groundName, records } = lab
  voice.heading('3. The network: CNI configuration and IP pool, then the application')
  for (const file of files) await applyFile(lab, file)
  await showNetworks(lab)
  if (groundName !== 'host') return
  const networks = await records.list({ apiVersion: SPIDER, kind: 'SpiderMultusConfig' })
  const standIns = standInsFor(networks.items)
  if (standIns.length === 0) return
  voice.say(
    'These are the files, unchanged. This ground has no HCA to make an IPoIB child on: from here ' +
      'on a macvlan over the same parent stands in, by this change of the lab:\n',
  )
  for (const standIn of standIns) {
    const network = networks.items.find(
      ({ metadata: { name, namespace } }) =>
        name === standIn.metadata.name && namespace === standIn.metadata.namespace,
    )
    if (network !== undefined) voice.lines(standInDifference(network, standIn))
  }
  voice.say('')
  await verbena(lab, ['apply', '-f', '-'], textOfDocuments(standIns))
}

async function applyFile(lab: Lab, file: LabFile): Promise<void> {
  // standard input has no file to show
  if (file.name !== '-') await show(lab, MACHINE, ['cat', file.name])
  await verbena(lab, ['apply', '-f', file.name], file.name === '-' ? file.text : '')
}

async function showNetworks(lab: Lab): Promise<void> {
  await verbena(lab, ['get', 'sp'])
  await verbena(lab, ['get', 'smc', '-A'])
  await verbena(lab, ['get', 'net-attach-def', '-A'])
  const nads = await lab.records.list({
    apiVersion: 'k8s.cni.cncf.io/v1',
    kind: 'NetworkAttachmentDefinition',
  })
  for (const { metadata } of nads.items) {
    const { name, namespace = 'default' } = metadata
    await verbena(lab, ['get', 'net-attach-def', name, '-n', namespace, '-o', 'yaml'])
  }
}

async function startPods(lab: Lab): Promise<readonly RunningPod[]> {
  const { records, voice, groundName } = lab
  const sets = await records.list({ apiVersion: 'apps/v1', kind: 'DaemonSet' })
  const names = sets.items.map(({ metadata }: Stored) => metadata.name).join(', ')
  if (sets.items.length === 0) throw fail('lab-nothing-to-run')
  voice.heading(`4. The application: one pod of DaemonSet ${names} on every node`)
  voice.say(`${groundName === 'sim' ? SIMULATED_POD : POD}\n`)
  return runPods(lab, sets.items)
}

async function verifyPods(lab: Lab, pods: readonly RunningPod[]): Promise<readonly RunningPod[]> {
  const { ground, voice } = lab
  voice.heading('5. Verify that the network communication is correct between the pods across nodes')
  await verbena(lab, ['get', 'pod', '-A', '-o', 'wide'])
  for (const { bound } of pods) {
    const at: Place = { at: 'pod', name: bound.pod.metadata.name }
    await show(lab, at, ['ip', 'a'])
    await show(lab, at, ['ip', '-d', 'link', 'show', 'eth0'])
  }
  await pingAll(lab, pods)
  voice.heading('6. What came of it')
  const outcomes: PodOutcome[] = []
  for (const { bound, added } of pods) {
    const pod = bound.pod.metadata.name
    outcomes.push({ pod, node: bound.node, added, interfaces: await ground.interfaces(pod) })
  }
  voice.lines(outcomeTable(outcomes))
  return pods
}
