/**
 * Ground host for somebody who is not root: the same lab in a user, network and
 * mount namespace of its own, with a /run of its own for the namespaces' names.
 * @module
 */
import { USER_NAMESPACE } from './choice.ts'
import type { LabContext } from './context.ts'
import { type InnerLab, insideVariable, wordsOf } from './inside.ts'
import { passThrough } from './pass-through.ts'
import { installed } from './run.ts'

/** @returns the exit status of the inner lab */
export async function runInUserNamespace(
  { inside, options, files }: InnerLab,
  { env }: LabContext,
): Promise<number> {
  const names = files.map(({ name }) => name)
  const lab = [process.execPath, installed('dist/verbena.js'), 'lab', ...wordsOf(options, names)]
  const mount = 'mount -t tmpfs -o mode=755 tmpfs /run && exec "$@"'
  const stdin = files.find(({ name }) => name === '-')?.text ?? ''
  return passThrough({
    words: [
      ...['unshare', ...USER_NAMESPACE, '--net', '--mount'],
      ...['sh', '-c', mount, 'sh', 'env', insideVariable(inside), ...lab],
    ],
    env,
    stdin,
  })
}
