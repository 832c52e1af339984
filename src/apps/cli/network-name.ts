/**
 * `NAMESPACE/NAME` of a network on a command line.
 * @module
 */
import { fail } from '#apps/failures.ts'

/** @throws {Failure} `command-invalid` */
export function networkName(
  text: string | undefined,
): { readonly namespace: string; readonly name: string } | undefined {
  if (text === undefined) return undefined
  const [namespace = '', name = '', more] = text.split('/')
  if (namespace === '' || name === '' || more !== undefined) {
    throw fail('command-invalid', { reason: `--cluster-network ${text} is not NAMESPACE/NAME` })
  }
  return { namespace, name }
}
