/**
 * The steps that make a link for an attachment, whatever kind it is of. The one
 * place that decides under which name.
 *
 * Made in the pod it has its name at once: the kernel refuses one that is taken
 * there, and each renaming costs it some 70 µs, for which it waits until nobody
 * reads the former name. On the host, where the name can be anybody's, a link that
 * goes that way has another until it is in the pod.
 * @module
 */
import type { CreateLink, SetLink, Step } from '#values/step.ts'
import type { PluginRequest } from './plugin.ts'

/** Down, under its name, marked, with what can only be set afterwards. */
export function planMadeLink(
  { netns, temp, mark }: PluginRequest<unknown>,
  made: Omit<CreateLink, 'do' | 'netns' | 'temp' | 'mark'> & { readonly set?: SetLink['set'] },
): Step[] {
  const { set, ...link } = made
  const { way, name } = link
  const start = way === 'in-place' ? name : temp
  return [
    { do: 'create-link', netns, temp: start, mark, ...link },
    ...(start === name ? [] : [{ do: 'rename-link', netns, from: start, to: name } as const]),
    ...(set === undefined ? [] : [{ do: 'set-link', where: netns, link: name, set } as const]),
  ]
}
