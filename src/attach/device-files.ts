/**
 * Copies of the files that tell a container what its devices are: made before
 * its networks are attached, gone when they are detached. They bear the
 * container in their names, so what a crash leaves goes with the container's DEL.
 *
 * Spec: Device Information Specification 1.1.0.
 * @module
 */
import type { Files } from '#needs/files.ts'
import {
  DEVICE_INFO_FOLDER,
  deviceInfoName,
  isDeviceInfoOf,
  parseDeviceFile,
} from '#network/index.ts'
import type { Wanted } from './needs.ts'
import type { Row } from './row.ts'

type Copying = Pick<Files, 'read' | 'replace'>
type Removing = Pick<Files, 'list' | 'remove'>

/** A device whose plugin wrote no such file has no copy. @throws {Failure} `file-failed` */
export async function copyDeviceFiles(wanteds: readonly Wanted[], files: Copying): Promise<void> {
  for (const { ofPod } of wanteds) {
    const info = ofPod?.deviceInfo
    const text = info === undefined ? undefined : await files.read(info.from)
    if (info !== undefined && text !== undefined) await files.replace(info.to, text)
  }
}

/** Of all attachments of a container. @throws {Failure} `file-failed` */
export async function removeDeviceFiles(containerId: string, files: Removing): Promise<void> {
  const names = await files.list(DEVICE_INFO_FOLDER)
  for (const name of names.filter((one) => isDeviceInfoOf(one, containerId))) {
    await files.remove(`${DEVICE_INFO_FOLDER}/${name}`)
  }
}

/** What the file of an attachment says, its plugin's own words included; undefined without one. */
export async function deviceInfoOf(
  { networkRef, owner: { network, containerId, ifName } }: Row,
  files: Pick<Files, 'read'>,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  const name = deviceInfoName({ network: networkRef ?? network, containerId, ifName })
  const text = await files.read(`${DEVICE_INFO_FOLDER}/${name}`)
  return text === undefined ? undefined : parseDeviceFile(text)
}
