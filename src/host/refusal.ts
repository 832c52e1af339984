/**
 * The failure of an operation that the kernel refused, in the kernel's words.
 * @module
 */
import type { Details, Failure } from '#values/failure.ts'
import { fail } from '#values/failures.ts'
import { errnoName, errnoWords } from './errno.ts'
import { wordsIn } from './netns-call.ts'
import type { OpResult } from './program.ts'

/** `kernel-refused`: the step, what it was about, the error's name and words. */
export function refusal(result: OpResult, of: Details): Failure {
  const errno = -result.status
  // Only netlink has words: the data of a file is its content.
  const text = result.data.length > 0 ? wordsIn(result) : undefined
  return fail('kernel-refused', {
    ...of,
    errno: errnoName(errno),
    text: text ?? errnoWords(errno),
  })
}
