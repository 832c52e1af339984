/**
 * One element of a pod's network annotation in its JSON form.
 *
 * Spec: Kubernetes Network Custom Resource Definition De-facto Standard 1.3,
 * section 4.1.2. Keys are found whatever their case, the last spelling wins, as
 * Go's JSON reader has it; unknown keys are ignored.
 * @module
 */
import { isRecord, type Reading, readWith, z } from './zod.ts'

const rate = z.int().exactOptional()

const networkSelection = z.object({
  name: z.string().default(''),
  namespace: z.string().default(''),
  /** Name of the interface in the pod. */
  interface: z.string().default(''),
  /** Older name of `interface`; used when that is empty. */
  interfaceRequest: z.string().default(''),
  /** Addresses, with or without a prefix length. */
  ips: z.array(z.string()).exactOptional(),
  mac: z.string().default(''),
  'infiniband-guid': z.string().default(''),
  portMappings: z
    .array(
      z.looseObject({
        hostPort: z.int().exactOptional(),
        containerPort: z.int().exactOptional(),
        protocol: z.string().exactOptional(),
        hostIP: z.string().exactOptional(),
      }),
    )
    .exactOptional(),
  /** Bits per second and bits. */
  bandwidth: z
    .looseObject({ ingressRate: rate, ingressBurst: rate, egressRate: rate, egressBurst: rate })
    .exactOptional(),
  deviceID: z.string().default(''),
  'cni-args': z.looseObject({}).exactOptional(),
  /** Gateways of the pod's default route by this network. */
  'default-route': z.array(z.string()).exactOptional(),
})
export type NetworkSelectionJson = z.output<typeof networkSelection>

const KEYS = new Map(Object.keys(networkSelection.shape).map((key) => [key.toLowerCase(), key]))

/** Reads the element at `[index]` of the array. */
export function readNetworkSelection(raw: unknown, index: number): Reading<NetworkSelectionJson> {
  const entries = isRecord(raw) ? Object.entries(raw) : undefined
  const spelled = entries?.map(([key, value]) => [KEYS.get(key.toLowerCase()) ?? key, value])
  return readWith(
    networkSelection,
    spelled === undefined ? raw : Object.fromEntries(spelled),
    `[${index}]`,
  )
}
