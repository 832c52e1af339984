/**
 * The ConfigMap `spiderpool-conf`: which features of addressing are on;
 * keys that mean nothing here are kept out.
 *
 * Spec: Spiderpool's configuration file; defaults are those of its chart.
 * @module
 */
import { z } from './zod.ts'

export const SETTINGS_NAME = 'spiderpool-conf'

const on = z.boolean().default(true)
const off = z.boolean().default(false)
/** What the text states. */
export const settings = z.object({
  enableIPv4: on,
  enableIPv6: on,
  enableStatefulSet: on,
  enableKubevirtStaticIP: on,
  enableSpiderSubnet: on,
  enableAutoPoolForApplication: on,
  enableIPConflictDetection: off,
  enableGatewayDetection: off,
  enableValidatingResourcesDeletedWebhook: off,
  /** Addresses that an automatic pool has more than there are pods. */
  clusterSubnetDefaultFlexibleIPNumber: z.int().min(0).default(1),
})
export type Settings = z.output<typeof settings>

/** What holds where there is no such ConfigMap. */
export const DEFAULT_SETTINGS: Settings = settings.parse({})

/** True for the ConfigMap that holds the settings, in whatever namespace. */
export function isSettings({
  kind,
  metadata,
}: {
  readonly kind: string
  readonly metadata: { readonly name: string }
}): boolean {
  return kind === 'ConfigMap' && metadata.name === SETTINGS_NAME
}
