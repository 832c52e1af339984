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
    message: 'Cannot make a macvlan on {master}: it is not an Ethernet interface',
    ...host,
  },
  'master-down': { message: 'Cannot attach to {master}: it is down', ...host },
  'guid-not-on-port': {
    message: 'Cannot use GUID {guid} for a child of {master}: the port has only {guids}',
    ...host,
  },
  'dhcp-unsupported': { message: 'ipam dhcp type is not supported', ...unsupported },
  'macvlan-mode-unknown': { message: 'unknown macvlan mode: "{mode}"', ...conf },
  'macvlan-mtu-invalid': {
    message: 'invalid MTU {mtu}, must be [0, master MTU({limit})]',
    ...conf,
  },
  'macvlan-mac-invalid': { message: 'invalid args {value} for MAC addr: {reason}', ...conf },
  'interface-exists': {
    message: 'failed to rename {what} to "{ifName}": file exists',
    ...host,
    cni: 4,
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
  'check-rule-missing': { message: 'Rule {rule} is missing in {where}', ...drift },
} as const satisfies FailureTable

export const fail = failOf(PLUGIN_FAILURES)
