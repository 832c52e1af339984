/**
 * Configurations of the CNI plugins `ipvlan`, `vlan`, `host-device` and `ifacer`:
 * the keys that we read, with their types. What upstream checks in its own words is
 * left to the plugin.
 *
 * Spec: CNI 1.1.0, section 1 (plugin configuration objects); MTU in bytes.
 * @module
 */
import { confSchema, ifName, mainKeys, orEmpty } from './cni-keys.ts'
import { z } from './zod.ts'

const ipvlan = z.object({
  master: orEmpty(ifName),
  mode: orEmpty(z.string()),
  mtu: z.int().default(0),
  linkInContainer: z.boolean().default(false),
  ...mainKeys,
})
const vlan = z.object({
  master: orEmpty(ifName),
  vlanId: z.int().optional(),
  vlanMode: orEmpty(z.string()),
  mtu: z.int().default(0),
  linkInContainer: z.boolean().default(false),
  ...mainKeys,
})
const hostDevice = z.object({
  device: orEmpty(z.string()),
  hwaddr: orEmpty(z.string()),
  kernelpath: orEmpty(z.string()),
  pciBusID: orEmpty(z.string()),
  ...mainKeys,
})

const bond = z.object({
  name: orEmpty(ifName),
  mode: z.int().default(0),
  options: orEmpty(z.string()),
})
const ifacer = z.object({
  interfaces: z.array(ifName).default([]),
  vlanID: z.int().default(0),
  bond: bond.optional(),
})

export type VlanDocument = z.output<typeof vlan>
export type HostDeviceDocument = z.output<typeof hostDevice>

export const IPVLAN_CONF = confSchema(ipvlan)
export const VLAN_CONF = confSchema(vlan)
export const HOST_DEVICE_CONF = confSchema(hostDevice)
export const IFACER_CONF = confSchema(ifacer, { bond: Object.keys(bond.shape) })
