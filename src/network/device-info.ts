/**
 * Files that tell a container what a device of its network is: the device
 * plugin writes one for each device, the meta plugin gives each attachment a
 * copy, which goes with it.
 *
 * Spec: Device Information Specification 1.1.0. Paths are the host's.
 * @module
 */
import { isRecord } from '#schema/zod.ts'
import { readJson } from './json.ts'

/** Folder of the copies. */
export const DEVICE_INFO_FOLDER = '/var/run/k8s.cni.cncf.io/devinfo/cni'
const PLUGIN_FOLDER = '/var/run/k8s.cni.cncf.io/devinfo/dp'

/** The file that a device plugin wrote for a device. */
export function devicePluginFile(resource: string, device: string): string {
  return `${PLUGIN_FOLDER}/${dashed(resource)}-${dashed(device)}-device.json`
}

/** Name of the copy of an attachment, in {@link DEVICE_INFO_FOLDER}. */
export function deviceInfoName(of: {
  readonly network: string
  readonly containerId: string
  readonly ifName: string
}): string {
  return dashed(`${of.network}-${of.containerId}_${of.ifName}`)
}

/** True when a file of the folder belongs to an attachment of the container. */
export function isDeviceInfoOf(name: string, containerId: string): boolean {
  return name.includes(`-${containerId}_`)
}

/** Content of such a file as network-status shows it; undefined when it is no JSON object. */
export function parseDeviceFile(text: string): Readonly<Record<string, unknown>> | undefined {
  const read = readJson(text)
  return read.ok && isRecord(read.value) ? read.value : undefined
}

function dashed(text: string): string {
  return text.replaceAll('/', '-')
}
