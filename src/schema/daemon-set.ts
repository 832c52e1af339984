/**
 * Workloads: DaemonSet, one pod on every node, Deployment and StatefulSet;
 * fields that are not looked at are kept.
 *
 * Spec: Kubernetes apps/v1. The selector must match the labels of the template.
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

function workload<K extends string>(kind: K) {
  return z
    .object({ ...headOf('apps/v1', kind), spec, status: z.looseObject({}).exactOptional() })
    .superRefine((of, ctx) => {
      const { selector, template } = of.spec
      const labels = template.metadata.labels ?? {}
      const wanted = Object.entries(selector.matchLabels ?? {})
      if (wanted.every(([key, value]) => labels[key] === value)) return
      const path = ['spec', 'template', 'metadata', 'labels']
      ctx.addIssue({ code: 'custom', path, message: '`selector` does not match template `labels`' })
    })
}

export const daemonSet = workload('DaemonSet')
export type DaemonSet = z.output<typeof daemonSet>
export const deployment = workload('Deployment')
export const statefulSet = workload('StatefulSet')
