/**
 * Failures of values: a text or number that is no such value; and those that
 * every kernel (`needs/kernel.ts`), real or simulated, throws alike.
 * @module
 */
import { type FailureTable, failOf } from './failure.ts'

const input = { retry: 'never', cni: 7, exit: 2, http: 422 } as const

/** Code → message and consequences, for every failure of `values/`. */
export const VALUE_FAILURES = {
  'guid-invalid': { message: 'Cannot parse GUID {text}: {reason}', ...input },
  'pkey-invalid': { message: 'Cannot parse P_Key {text}: {reason}', ...input },
  'lid-invalid': { message: 'Cannot parse LID {text}: {reason}', ...input },
  'pci-address-invalid': { message: 'Cannot parse PCI address {text}: {reason}', ...input },
  'ip-invalid': { message: 'Cannot parse IP address {text}: {reason}', ...input },
  'cidr-invalid': { message: 'Cannot parse CIDR {text}: {reason}', ...input },
  'range-invalid': { message: 'Cannot parse IP range {text}: {reason}', ...input },
  'if-name-invalid': { message: 'Cannot parse interface name {text}: {reason}', ...input },
  'netns-invalid': { message: 'Cannot parse network namespace {text}: {reason}', ...input },
  'mac-invalid': { message: 'Cannot parse hardware address {text}: {reason}', ...input },
  'netns-gone': {
    message: 'Cannot enter network namespace {netns}: {reason}',
    retry: 'never',
    cni: 8,
    exit: 1,
    http: 409,
  },
  /** A plan was made from what was known of a link of the host, and that was no longer so. */
  'link-changed': {
    message: 'Cannot make links over {link}: it changed while they were planned',
    retry: 'now',
    cni: 11,
    exit: 1,
    http: 409,
  },
  /** `step` and `of` (a link, route, rule, ...), `errno` by name, `text` the kernel's own words. */
  'kernel-refused': {
    message: 'Cannot {step} {of}: {text} ({errno})',
    retry: 'later',
    cni: 5,
    exit: 1,
    http: 502,
  },
  /** `holder` is the other's hardware address; `pool` is empty for an address of no pool. */
  'ip-conflict': {
    message: 'ip conflict: {address} for {ifName} is in use by {holder} (pool {pool})',
    retry: 'later',
    cni: 11,
    exit: 1,
    http: 409,
  },
  'gateway-unreachable': {
    message:
      'gateway unreachable: {gateway} of {address} does not answer on {ifName} (pool {pool})',
    retry: 'later',
    cni: 11,
    exit: 1,
    http: 409,
  },
} as const satisfies FailureTable

export const fail = failOf(VALUE_FAILURES)
