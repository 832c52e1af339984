/**
 * Failures of the CNI plugins. Where the replaced plugin's text is known to its
 * users, ours is the same; the detail `more` carries what we know better.
 * @module
 */
import { type FailureTable, failOf } from '#values/failure.ts'

const conf = { retry: 'never', cni: 7, exit: 2, http: 422 } as const
const unsupported = { retry: 'never', cni: 2, exit: 2, http: 422 } as const
const host = { retry: 'later', cni: 7, exit: 1, http: 409 } as const
const drift = { retry: 'never', cni: 999, exit: 1, http: 409 } as const

/** Code → message and consequences, for every failure of `cni/`. */
export const PLUGIN_FAILURES = {
  'plugin-conf-invalid': { message: 'failed to load netconf: {field}: {reason}', ...conf },
  'plugin-field-unsupported': {
    message: 'Cannot use {field} {value} with plugin {type}: {reason}',
    ...unsupported,
  },
  'plugin-prev-result-missing': { message: 'required prevResult missing', ...conf },
  'plugin-addresses-missing': { message: 'IPAM plugin returned missing IP config', ...conf },
  'master-required': { message: 'host master interface is missing', ...conf },
  'master-default-missing': { message: 'no default route interface found', ...host },
  'master-missing': { message: 'failed to lookup master "{master}": Link not found', ...host },
  'master-not-ipoib': { message: 'master device is ({kind}) not of type ipoib', ...host },
  'master-is-child': {
    message: 'Cannot make an IPoIB child of {master}: it is a child itself',
    ...host,
  },
  'master-not-ethernet': {
    message: 'Cannot make a {kind} on {master}: it is not an Ethernet interface',
    ...host,
  },
  'master-down': { message: 'Cannot attach to {master}: it is down', ...host },
  'guid-not-on-port': {
    message: 'Cannot use GUID {guid} for a child of {master}: the port has only {guids}',
    ...host,
  },
  'dhcp-unsupported': { message: 'ipam dhcp type is not supported', ...unsupported },
  'macvlan-mode-unknown': { message: 'unknown macvlan mode: "{mode}"', ...conf },
  'mtu-invalid': {
    message: 'invalid MTU {mtu}, must be [0, master MTU({limit})]',
    ...conf,
  },
  'mac-argument-invalid': { message: 'invalid args {value} for MAC addr: {reason}', ...conf },
  'ipvlan-mode-unknown': { message: 'unknown ipvlan mode: "{mode}"', ...conf },
  'master-chained-missing': {
    message: 'chained master failure. PrevResult lacks a single named interface',
    ...conf,
  },
  'ipam-required': {
    message: 'Cannot make {ifName}: {type} needs ipam, or a prevResult with addresses',
    ...conf,
  },
  'vlan-master-required': {
    message:
      '"master" field is required. It specifies the host interface name to create the VLAN for.',
    ...conf,
  },
  'vlan-id-invalid': {
    message: 'invalid VLAN ID {id} (must be between 0 and 4095 inclusive)',
    ...conf,
  },
  'interface-exists': {
    message: 'failed to rename {what} to "{ifName}": file exists',
    ...host,
    cni: 4,
  },
  'link-missing': { message: 'failed to get "{ifName}": Link not found', ...host },
  'tuning-prev-result-missing': { message: 'Required prevResult missing', ...conf },
  'tuning-sysctl-invalid': { message: 'invalid net sysctl key: "{key}"', ...conf },
  'tuning-sysctl-forbidden': {
    message: 'Sysctl {key} is not allowed. Only the following sysctls are allowed: [{allowed}]',
    ...conf,
  },
  'tuning-sysctl-missing': { message: 'Cannot set sysctl {path}: it does not exist', ...host },
  'sbr-prev-result-missing': {
    message: 'This plugin must be called as chained plugin',
    ...conf,
  },
  'sbr-addresses-missing': {
    message: 'No IP addresses supplied on interface: {ifName}',
    ...conf,
  },
  'sbr-gateways-many': {
    message: 'gateways list cannot contain more than 2 entries (one IPv4, one IPv6)',
    ...conf,
  },
  'sbr-gateway-invalid': { message: 'invalid static gateway IP address: {gateway}', ...conf },
  'sbr-gateways-same-family': {
    message: 'Cannot use gateways {gateways}: one of each family at most',
    ...conf,
  },
  'host-device-none': {
    message: 'specify either "device", "hwaddr", "kernelpath" or "pciBusID"',
    ...conf,
  },
  'host-device-path-invalid': {
    message: 'kernel device path "{path}" must be absolute and begin with /sys/devices/',
    ...conf,
  },
  'host-device-id-unknown': {
    message: 'runtime config DeviceID {id} not found or unsupported',
    ...host,
  },
  'host-device-missing': { message: 'failed to find host device: Link not found', ...host },
  'ifacer-interfaces-missing': { message: 'Cannot read interfaces: there is none', ...conf },
  'ifacer-vlan-invalid': {
    message: 'Cannot use vlanID {id}: it must be in the range 0 to 4094',
    ...conf,
  },
  'ifacer-bond-missing': {
    message: 'Cannot join several interfaces: bond is not there',
    ...conf,
  },
  'ifacer-bond-mode-invalid': {
    message: 'Cannot use bond mode {mode}: it must be in the range 0 to 6',
    ...conf,
  },
  'bond-option-invalid': {
    message: 'Cannot use bond option {option} {value}: {reason}',
    ...conf,
  },
  'ifacer-name-invalid': { message: 'Cannot make {name}: {reason}', ...conf },
  'ifacer-name-taken': {
    message: 'Cannot make {kind} {name}: there is a {found} of that name',
    ...host,
  },
  'ifacer-vlan-taken': {
    message: 'Cannot make {name}: VLAN {id} is {other} on this node',
    ...host,
  },
  'coordinator-mode-unknown': { message: 'unknown mode: {mode}', ...conf },
  'coordinator-addresses-missing': {
    message: 'Cannot coordinate {ifName}: prevResult has no address of it',
    ...conf,
  },
  'coordinator-veth-exists': {
    message: 'Cannot make the veth pair of {ifName}: {name} exists {where}',
    ...host,
  },
  'coordinator-veth-missing': {
    message: 'Cannot coordinate {ifName}: {name} is not there, so {first} was not coordinated',
    ...host,
  },
  'coordinator-overlay-first': {
    message: "Cannot coordinate {ifName} in mode overlay: it is the pod's first interface",
    ...conf,
  },
  'coordinator-overlay-veth': {
    message: 'Cannot coordinate {ifName} in mode overlay: {name} is there, so the pod is underlay',
    ...host,
  },
  'coordinator-first-missing': {
    message: 'Cannot coordinate {ifName}: {first} is not in the pod',
    ...host,
  },
  'coordinator-peer-missing': {
    message: 'Cannot coordinate {ifName} in mode overlay: {first} has no other end on the host',
    ...host,
  },
  'coordinator-route-nic-missing': {
    message: 'Cannot leave the default route to {name}: it is not in the pod of {ifName}',
    ...host,
  },
  'coordinator-sysctl-missing': { message: 'Cannot set sysctl {path}: it does not exist', ...host },
  'check-sandbox-differs': {
    message: "sandbox in prevResult {sandbox} doesn't match configured netns: {netns}",
    ...drift,
  },
  'check-interface-missing': { message: 'Interface {ifName} is not in {where}', ...drift },
  'check-interface-kind': {
    message: 'container interface {ifName} not of type {kind}',
    ...drift,
  },
  'check-setting-differs': {
    message: 'Interface {ifName} has {setting} {found}, not {wanted}',
    ...drift,
  },
  'check-address-missing': { message: 'Interface {ifName} has no address {address}', ...drift },
  'check-address-duplicate': {
    message: 'Address {address} of {ifName} has another owner on the network',
    ...drift,
  },
  'check-route-missing': { message: 'Route to {dst} is missing in {where}', ...drift },
  'check-sysctl-differs': {
    message: 'Sysctl {path} is {found} in {where}, not {wanted}',
    ...drift,
  },
  'check-table-missing': { message: 'nf_tables table {table} is missing in {where}', ...drift },
  'check-rule-missing': { message: 'Rule {rule} is missing in {where}', ...drift },
} as const satisfies FailureTable

export const fail = failOf(PLUGIN_FAILURES)
