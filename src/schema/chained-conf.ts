/**
 * Configurations of the chained CNI plugins `tuning` and `sbr`: the keys that we
 * read, with their types. What upstream checks in its own words is left to the
 * plugin.
 *
 * Spec: CNI 1.1.0, section 1 (plugin configuration objects); MTU in bytes.
 * @module
 */
import { confSchema, mainKeys, orEmpty } from './cni-keys.ts'
import { z } from './zod.ts'

const tuned = {
  sysctl: z.record(z.string(), z.string()).optional(),
  mac: z.string().optional(),
  promisc: z.boolean().optional(),
  mtu: z.int().optional(),
  allmulti: z.boolean().optional(),
  txQLen: z.int().min(0).optional(),
}
const tuning = z.object({
  ...tuned,
  dataDir: orEmpty(z.string()),
  runtimeConfig: mainKeys.runtimeConfig,
  args: z.looseObject({ cni: z.looseObject(tuned).optional() }).optional(),
})
const sbr = z.object({
  table: z.int().min(1).max(0xffffffff).optional(),
  gateways: z.array(z.string()).default([]),
  addSourceHints: z.boolean().default(false),
})

export type TuningDocument = z.output<typeof tuning>

export const TUNING_CONF = confSchema(tuning, { args: ['cni'] })
export const SBR_CONF = confSchema(sbr)
