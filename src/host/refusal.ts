/**
 * The failure of an operation that the kernel refused, in the kernel's words.
 * @module
 */
import type { Details, Failure } from '#values/failure.ts'
import { fail } from '#values/failures.ts'
import { errnoName, errnoWords, isExhausted } from './errno.ts'
import { fail as failHost } from './failures.ts'
import { wordsIn } from './netns-call.ts'
import type { OpResult } from './program.ts'

/**
 * `kernel-refused`: the step, what it was about, the error's name and words;
 * `host-exhausted` where the machine has no more of something now.
 */
export function refusal(result: OpResult, of: Details): Failure {
  const errno = -result.status
  // Only netlink has words: the data of a file is its content.
  const said = result.data.length > 0 ? wordsIn(result) : undefined
  const details = { ...of, errno: errnoName(errno), text: said ?? errnoWords(errno) }
  return isExhausted(errno) ? failHost('host-exhausted', details) : fail('kernel-refused', details)
}
