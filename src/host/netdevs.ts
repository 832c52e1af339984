/**
 * Network interfaces of a device, by its folder in sysfs.
 *
 * Spec: Linux Documentation/ABI/testing/sysfs-class-net; a virtio function has its
 * interface below `virtioN/`.
 * @module
 */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type IfName, parseIfName } from '#values/if-name.ts'

/** Undefined when there is no such folder; `folder` is below `sysRoot`. */
export async function netdevsOf(
  sysRoot: string,
  folder: string,
): Promise<readonly IfName[] | undefined> {
  const inside = await namesIn(join(sysRoot, folder))
  if (inside === undefined) return undefined
  const places = [
    'net',
    ...inside.filter((name) => /^virtio\d+$/.test(name)).map((v) => `${v}/net`),
  ]
  for (const place of places) {
    const found = await namesIn(join(sysRoot, folder, place))
    if (found !== undefined && found.length > 0) return found.map(parseIfName)
  }
  return []
}

async function namesIn(folder: string): Promise<string[] | undefined> {
  try {
    return (await readdir(folder)).toSorted()
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENODEV') return undefined
    throw cause
  }
}
