/**
 * Configuration of the meta plugin: the keys of Multus that have a meaning
 * here. The others (its logs, its own folders, its credentials) are taken and
 * have none.
 *
 * Spec: Multus, configuration reference; CNI 1.1.0, section 1. Paths are the host's.
 * @module
 */
import { type Reading, readWith, z } from './zod.ts'

const text = z.string().default('')

const multusConf = z.looseObject({
  /** Plugin configurations or lists of them; the first is the default network. */
  delegates: z.array(z.looseObject({})).default([]),
  /** Default network by reference: a name, a folder or a file; wins over `delegates`. */
  clusterNetwork: text,
  /** More networks for every pod that is in no system namespace, by reference. */
  defaultNetworks: z.array(z.string()).default([]),
  /** Folder with configurations that are referred to by name. */
  confDir: text,
  /** Folder that is searched for plugins before those of CNI_PATH. */
  binDir: text,
  namespaceIsolation: z.boolean().default(false),
  /** Namespaces whose networks all pods may use, parted by commas. */
  globalNamespaces: z.string().default('default'),
  /** Namespace of networks of the cluster that are named without one. */
  multusNamespace: z.string().default('kube-system'),
  systemNamespaces: z.array(z.string()).default(['kube-system']),
  /** File that is waited for before anything is attached. */
  readinessindicatorfile: text,
  /** Folder beside `clusterNetwork` whose plugins run last on every pod. */
  auxiliaryCNIChainName: text,
  /** What the runtime knows, by capability. */
  runtimeConfig: z.looseObject({}).default({}),
})
export type MultusDocument = z.output<typeof multusConf>

/** Reads the configuration as the runtime passed it. */
export function readMultusDocument(raw: unknown): Reading<MultusDocument> {
  return readWith(multusConf, raw)
}
