/**
 * What an ADD takes to be so without a look before: the masters are as they were
 * found last, and no interface of the pod has the wanted name. The kernel tells
 * both in the very call that makes the links (`take`), so that nobody waits for
 * a question whose answer hardly ever changes. Where it was not so, what was made
 * is undone as by any ADD that fails, and it is planned anew from a fresh look.
 *
 * Only for plugins that hang on nothing else (`recalls`).
 * @module
 */
import { failureIn } from '#values/failure.ts'
import type { IfName } from '#values/if-name.ts'
import type { Link } from '#values/link.ts'
import type { Making, Recalled } from './making.ts'
import type { AttachNeeds } from './needs.ts'

/** Masters that are kept in mind; a node has some tens of links that could be one. */
const MOST = 256

/** Undefined when some plugin of the request wants to see more. */
export function recalled(
  makings: readonly Making[],
  { questions, masters }: Pick<AttachNeeds, 'questions' | 'masters'>,
): Recalled | undefined {
  if (masters === undefined || !makings.every(isPlain)) return undefined
  const own = makings.map(({ wanted: { netns, owner } }) => ({ netns, name: owner.ifName }))
  const expected = new Map<IfName, Link>()
  return {
    expected: () => [...expected.values()],
    questions: {
      ...questions,
      async link(where, name) {
        // a name that is taken after all is refused where the link is made, or given it
        if (own.some((one) => one.netns === where && one.name === name)) return undefined
        if (where !== 'host') return questions.link(where, name)
        const known = expected.get(name) ?? masters.get(name)
        if (known !== undefined) {
          expected.set(name, known)
          return known
        }
        const found = await questions.link(where, name)
        if (masters.size >= MOST) masters.clear()
        if (found !== undefined) masters.set(name, found)
        return found
      },
    },
  }
}

/** True when a plan failed because something was not as it was recalled. */
export function wasStale(cause: unknown): boolean {
  const failure = failureIn(cause)
  if (failure?.code === 'link-changed') return true
  const { step, errno } = failure?.details ?? {}
  const names = step === 'create-link' || step === 'rename-link'
  return failure?.code === 'kernel-refused' && names && errno === 'EEXIST'
}

function isPlain({ wanted, chain: { links } }: Making): boolean {
  const [only, ...more] = links
  if (only?.link !== 'ours' || more.length > 0) return false
  return only.plugin.recalls === true && wanted.prevResult === undefined
}
