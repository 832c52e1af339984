/**
 * Configurations in folders of the node: by the name in them, by their path,
 * and the plugins that a folder beside a list adds to it.
 *
 * Spec: CNI 1.1.0, section 1; look-up and chaining as Multus and libcni do.
 * @module
 */
import type { Files } from '#needs/files.ts'
import { Failure } from '#values/failure.ts'
import { isRecord } from '#schema/zod.ts'
import type { PluginObject } from './conflist.ts'
import { readJson } from './json.ts'

/** The node's files, as far as they are read. */
export type ConfFiles = Pick<Files, 'read' | 'list'>
/** A configuration and where it stands. */
export type FoundConf = { readonly path: string; readonly text: string }

const NAMED = /\.(conf|json|conflist)$/
const DEFAULTS = /\.(conf|conflist)$/

/** The configuration called `name`, in the order of the folders and of the files in them. */
export async function confNamed(
  name: string,
  folders: readonly string[],
  files: ConfFiles,
): Promise<FoundConf | undefined> {
  for (const folder of folders) {
    for (const path of await filesIn(folder, NAMED, files)) {
      const text = await readOr(path, files)
      if (text !== undefined && objectIn(text)?.['name'] === name) return { path, text }
    }
  }
  return undefined
}

/** The file at `path`, or the first of the folder there. */
export async function confAt(path: string, files: ConfFiles): Promise<FoundConf | undefined> {
  const [first] = await filesIn(path, DEFAULTS, files)
  const file = first ?? path
  const text = await readOr(file, files)
  return text === undefined ? undefined : { path: file, text }
}

/** Plugins of `folder`, one a file, in the order of the names. */
export async function pluginsIn(folder: string, files: ConfFiles): Promise<PluginObject[]> {
  const paths = await filesIn(folder, /\.conf$/, files)
  const texts = await Promise.all(paths.map((path) => readOr(path, files)))
  const plugins = texts.map((text) => (text === undefined ? undefined : objectIn(text)))
  return plugins.filter((one) => one !== undefined)
}

/** Folder of a path. */
export function folderOf(path: string): string {
  return path.replace(/\/[^/]*$/, '')
}

async function filesIn(folder: string, names: RegExp, files: ConfFiles): Promise<string[]> {
  const inside = await files.list(folder)
  return inside
    .filter((name) => names.test(name))
    .toSorted()
    .map((name) => `${folder}/${name}`)
}

/** What cannot be read names nothing; it must not hide the others. */
async function readOr(path: string, files: ConfFiles): Promise<string | undefined> {
  try {
    return await files.read(path)
  } catch (cause) {
    if (cause instanceof Failure) return undefined
    throw cause
  }
}

function objectIn(text: string): PluginObject | undefined {
  const read = readJson(text)
  return read.ok && isRecord(read.value) ? read.value : undefined
}
