/**
 * DaemonSet: one pod on every node; fields that are not looked at are kept.
 *
 * Spec: Kubernetes apps/v1 DaemonSet. The selector must match the labels of the template.
 * @module
 */
import { headOf } from './metadata.ts'
import { podSpec } from './pod.ts'
import { z } from './zod.ts'

const texts = z.record(z.string(), z.string())

const spec = z.looseObject({
  selector: z.looseObject({ matchLabels: texts.exactOptional() }),
  template: z.looseObject({
    metadata: z
      .looseObject({
        name: z.string().exactOptional(),
        labels: texts.exactOptional(),
        annotations: texts.exactOptional(),
      })
      .prefault({}),
    spec: podSpec,
  }),
})

export const daemonSet = z
  .object({ ...headOf('apps/v1', 'DaemonSet'), spec, status: z.looseObject({}).exactOptional() })
  .superRefine(({ spec: { selector, template } }, ctx) => {
    const labels = template.metadata.labels ?? {}
    const wanted = Object.entries(selector.matchLabels ?? {})
    if (wanted.every(([key, value]) => labels[key] === value)) return
    const path = ['spec', 'template', 'metadata', 'labels']
    ctx.addIssue({ code: 'custom', path, message: '`selector` does not match template `labels`' })
  })
export type DaemonSet = z.output<typeof daemonSet>
