/**
 * Files of host-local that nobody stands behind: no attachment of an agent
 * here, and no interface that has the address. Other programs share the folder,
 * so it is locked, and everything is looked at again, before a file goes.
 *
 * Spec: CNI plugins, host-local, disk backend.
 * @module
 */
import { hostFiles } from '#host/files.ts'
import type { Files } from '#needs/files.ts'
import { parseIp } from '#values/ip.ts'
import type { JournalSeen } from './journals.ts'
import type { LiveLook } from './live-look.ts'
import type { Planned } from './planned.ts'

type Knowing = { readonly look: LiveLook; readonly journals: readonly JournalSeen[] }

/** In the order of the folders and their files. */
export async function strayFiles(
  folders: readonly string[],
  { look, journals }: Knowing,
): Promise<Planned[]> {
  if (!look.looked) return []
  const files = hostFiles()
  const containers = new Set(
    journals.flatMap(({ rows }) => rows.map(({ owner }) => owner.containerId)),
  )
  const plan: Planned[] = []
  for (const folder of folders) {
    for (const name of (await files.list(folder)).filter(isAddress)) {
      const path = `${folder}/${name}`
      const text = await files.read(path)
      const [container = ''] = (text ?? '').split(/\r?\n/)
      if (text === undefined || look.live.has(name) || containers.has(container.trim())) continue
      plan.push(plannedOf({ folder, path, text, container: container.trim() }, files))
    }
  }
  return plan
}

type Stray = {
  readonly folder: string
  readonly path: string
  readonly text: string
  readonly container: string
}

function plannedOf({ folder, path, text, container }: Stray, files: Files): Planned {
  return {
    object: `File/${path}`,
    damage: 'file-unused',
    cause: `no interface has the address, and no agent knows of container ${container}`,
    action: 'remove the file',
    mend: () =>
      files.locked(`${folder}/lock`, async () => {
        if ((await files.read(path)) !== text) return false
        return files.remove(path)
      }),
  }
}

function isAddress(name: string): boolean {
  try {
    return parseIp(name) === name
  } catch {
    return false
  }
}
