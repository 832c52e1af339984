/**
 * `verbena cni`: a CNI plugin by environment and standard input, in one
 * process without an agent; on this machine, or against a world.
 *
 * Spec: CNI 1.1.0, section 2.
 * @module
 */
import type { CniOptions } from './cni-call.ts'
import type { Context } from './context.ts'

/** Exit status of the plugin; with a world 0 whenever the call was carried out. */
export async function cni(options: CniOptions, context: Context): Promise<number> {
  if (options.world === undefined) {
    return (await import('./cni-host.ts')).cniOnHost(options, context)
  }
  return (await import('./cni-world.ts')).cniInWorld(options.world, options, context)
}
