/**
 * Files of kernel settings. Those of the network are per namespace: which one
 * a thread sees depends on the namespace it is in when it opens the file.
 *
 * Spec: proc(5), /proc/sys.
 * @module
 */
import { fail } from './failures.ts'

/** File of a setting named with slashes. @throws {Failure} `sysctl-invalid` */
export function sysctlFile(path: string): string {
  const parts = path.split('/')
  if (path.includes('\0') || parts.some((part) => ['', '.', '..'].includes(part))) {
    throw fail('sysctl-invalid', { path })
  }
  return `/proc/sys/${path}`
}
