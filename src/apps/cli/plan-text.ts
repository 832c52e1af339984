/**
 * A plan as people read it: a tree of attachments, each with what it gets and
 * what would be done.
 * @module
 */
import { stepLines } from '#cni/index.ts'
import type { Plan, PlanAttachment } from './plan-json.ts'
import { formatTable } from './print.ts'

/** `of` names the pod and the node. */
export function formatPlan({ attachments }: Plan, of: string): string {
  const count = attachments.length === 1 ? '1 attachment' : `${attachments.length} attachments`
  return `${of}: ${count}\n` + attachments.map(formatAttachment).join('')
}

function formatAttachment(one: PlanAttachment): string {
  const { interface: name, network, default: isDefault, plugins, addresses, devices } = one
  const types = plugins.map(({ type }) => String(type)).join(' → ')
  const facts = [
    ['network', `${network}${isDefault ? ' (default)' : ''}`],
    ['plugins', types],
    ...devices.map(({ id, resource }) => [
      'device',
      `${id}${resource === null ? '' : ` of ${resource}`}`,
    ]),
    ...addresses.map(({ address, pool, why }) => [
      'address',
      `${address}${pool === null ? '' : ` of ${pool}`}: ${why}`,
    ]),
    ...one.unknown.map((text) => ['unknown', text]),
  ]
  const lists = [
    ['steps', stepLines(one.steps)],
    ['undo', stepLines(one.undo)],
  ] as const
  const texts = lists.map(([title, lines]) => {
    const body = lines.length === 0 ? ['none'] : lines
    return `  ${title}\n${body.map((line) => `    ${line}\n`).join('')}`
  })
  return `\n${name}\n${indented(formatTable(facts))}${texts.join('')}`
}

function indented(text: string): string {
  return text.replaceAll(/^(?=.)/gm, '  ')
}
