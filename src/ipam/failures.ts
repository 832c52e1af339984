/**
 * Failures of IP address management. Texts of host-local and static are
 * upstream's own where they are part of their interface.
 * @module
 */
import { type FailureTable, failOf } from '#values/failure.ts'

const config = { retry: 'never', cni: 7, exit: 2, http: 422 } as const
const taken = { retry: 'later', cni: 11, exit: 1, http: 409 } as const

/** Code → message and consequences, for every failure of `ipam/`. */
export const IPAM_FAILURES = {
  'pool-missing': { message: 'Cannot allocate from pool {pool}: there is none', ...config },
  'pool-none': {
    message: 'Cannot allocate for {ifName}: no IPPool available: {reasons}',
    ...config,
  },
  'pool-exhausted': {
    message:
      'Cannot allocate from pool {pool}: all {size} addresses are used, by {holders}; ' +
      'all IP addresses used out',
    ...taken,
  },
  'pool-contended': {
    message: 'Cannot allocate from pool {pool}: others took {tries} addresses before us',
    ...taken,
    retry: 'now',
  },
  'pool-invalid': { message: 'Cannot use pool {pool}: {reason}', ...config },
  'pool-annotation-invalid': {
    message: 'Cannot read annotation {annotation}: {reason}',
    ...config,
  },
  'auto-pool-refused': {
    message: 'Cannot allocate for {ifName} by annotation {annotation}: {reason}',
    ...config,
  },
  'auto-pool-missing': {
    message:
      'Cannot allocate for {ifName}: no {missing} pool of {owner} is there yet: ' +
      'no IPPool available',
    ...taken,
  },
  'pod-not-alive': {
    message: 'Cannot allocate for {ifName} of pod {pod}: {reason}',
    ...config,
  },
  'address-taken': {
    message: 'Cannot allocate {address} for {ifName}: {reason}',
    ...taken,
  },
  'ipam-conf-invalid': { message: 'Cannot read {field}: {reason}', ...config },
  'ipam-conf-missing': { message: "IPAM config missing 'ipam' key", ...config },
  'range-set-none': { message: 'no IP ranges specified', ...config },
  'range-set-invalid': { message: 'invalid range set {index}: {reason}', ...config },
  'range-sets-overlap': { message: 'range set {index} overlaps with {other}', ...config },
  'family-repeated': {
    message: 'CNI version {version} does not support more than 1 address per family',
    ...config,
  },
  'address-requested-invalid': { message: '{reason}', ...config },
  'address-is-gateway': {
    message: "failed to allocate for range {index}: requested ip {address} is subnet's gateway",
    ...config,
  },
  'address-not-available': {
    message:
      'failed to allocate for range {index}: requested IP address {address} is not available in ' +
      'range set {ranges}',
    ...taken,
  },
  'addresses-left-over': {
    message: 'failed to allocate all requested IPs: {addresses}',
    ...config,
  },
  'range-set-exhausted': {
    message:
      'failed to allocate for range {index}: no IP addresses available in range set: {ranges}',
    ...taken,
  },
  'address-not-held': {
    message: '{type}: Failed to find address added by container {containerId}',
    retry: 'never',
    cni: 3,
    exit: 1,
    http: 404,
  },
} as const satisfies FailureTable

export const fail = failOf(IPAM_FAILURES)
