/**
 * A node that is called as Multus: with its names, and with a plugin of another
 * vendor that writes down what it is given.
 * @module
 */
import { equal } from 'node:assert/strict'
import { symlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { Document } from '#needs/records.ts'
import { addPod } from './ground.ts'
import type { Exit } from './program-run.ts'
import { RealNode, type RealCall } from './real-node.ts'

/** A plugin of another vendor that writes down what it is called with, beside its folder. */
export const RECORDER = `calls=$(dirname "$0")/../calls
mkdir -p "$calls"
cat > "$calls/$CNI_COMMAND-$CNI_IFNAME.json"
echo "$CNI_ARGS" > "$calls/$CNI_COMMAND-$CNI_IFNAME.args"
grep -q prevResult "$calls/$CNI_COMMAND-$CNI_IFNAME.json" && exit 0
result='{"cniVersion":"1.0.0","interfaces":[{"name":"%s","sandbox":"%s"}]}'
[ "$CNI_COMMAND" = ADD ] && printf "$result" "$CNI_IFNAME" "$CNI_NETNS"
exit 0`

/** A macvlan whose addresses the configuration or the pod says. */
export const macvlan = (ipam: object, more: object = {}): object => ({
  type: 'macvlan',
  master: 'up0',
  ipam: { type: 'static', ...ipam },
  ...more,
})
export type Opened = { readonly node: RealNode; readonly calls: string }

/** A node whose agent is also called `multus`; `calls` is where the recorder writes. */
export async function opened(documents: readonly Document[] = []): Promise<Opened> {
  const node = await RealNode.open(documents)
  const shim = join(node.folder, 'cni', 'verbena')
  for (const name of ['multus', 'multus-shim']) await symlink(shim, join(node.folder, 'cni', name))
  await node.addScript('recorder', RECORDER)
  return { node, calls: join(node.folder, 'calls') }
}

/** A pod with its namespace and its document, called by the plugin named `multus`. */
export async function podOn(
  node: RealNode,
  annotations: Readonly<Record<string, string>>,
  conf: Readonly<Record<string, unknown>> = {},
): Promise<RealCall> {
  await node.addPods(['a'])
  const ref = await addPod(node, 'a', annotations)
  // Multus would refuse a configuration without a network of the cluster
  return { pod: 'a', ref, type: 'multus', conf: { clusterNetwork: 'first', ...conf } }
}

/** The result of an ADD that succeeded. */
export function resultOf({ status, stdout, stderr }: Exit) {
  equal(status, 0, `${stdout}${stderr}`)
  const result: {
    interfaces: { name: string; mac?: string }[]
    ips?: { address: string }[]
    routes?: { dst: string; gw?: string }[]
  } = JSON.parse(stdout)
  return result
}
