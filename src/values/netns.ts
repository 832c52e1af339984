/**
 * Network namespace, by the path of a file that stands for it
 * (`/run/netns/x`, `/proc/1234/ns/net`), or the agent's own (`host`).
 *
 * Spec: Linux network_namespaces(7); CNI 1.1.0, section 2 (CNI_NETNS).
 * @module
 */
import { fail } from './failures.ts'

/** An absolute path of a namespace file. */
export type NetnsPath = string & { readonly brand: 'NetnsPath' }

/** Where something is: in a pod's namespace, or in the one the agent serves (`host`). */
export type Where = NetnsPath | 'host'

/** @throws {Failure} `netns-invalid`: not an absolute path, or with a zero byte */
export function parseNetnsPath(text: string): NetnsPath {
  const bad = (reason: string): never => {
    throw fail('netns-invalid', { text, reason })
  }
  if (!text.startsWith('/')) bad('it is not an absolute path')
  if (text.includes('\0')) bad('it contains a zero byte')
  return text as NetnsPath
}
