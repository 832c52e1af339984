/**
 * What a runtime sends for a container, and what it reads of the answer.
 * @module
 */
import type { Container, ModelPod } from './model.ts'

export function envOf(
  verb: string,
  pod: ModelPod | undefined,
  container: Container | undefined,
): Readonly<Record<string, string>> {
  const common = { CNI_COMMAND: verb, CNI_PATH: '/opt/cni/bin' }
  if (pod === undefined || container === undefined) return common
  const ref = `K8S_POD_NAMESPACE=default;K8S_POD_NAME=${pod.name};K8S_POD_UID=${container.uid}`
  return {
    ...common,
    CNI_CONTAINERID: container.id,
    CNI_NETNS: `/run/netns/${container.netns}`,
    CNI_IFNAME: 'eth0',
    CNI_ARGS: `IgnoreUnknown=1;${ref}`,
  }
}

export function confOf({ way }: ModelPod): object {
  return { cniVersion: '1.0.0', name: 'net', type: way.type, ...way.conf }
}

/** Addresses of a result, without prefix length. */
export function addressesIn(stdout: string): string[] {
  const result: { ips?: { address: string }[] } = JSON.parse(stdout)
  return (result.ips ?? []).map(({ address }) => address.split('/')[0] ?? '')
}
