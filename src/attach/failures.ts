/**
 * Failures of attachments as a whole: what a runtime is told.
 * @module
 */
import { type FailureTable, failOf } from '#values/failure.ts'

const config = { retry: 'never', cni: 7, exit: 2, http: 422 } as const
const later = { retry: 'later', cni: 11, exit: 1, http: 503 } as const

/** Code → message and consequences, for every failure of `attach/`. */
export const ATTACH_FAILURES = {
  'netns-missing': {
    message: 'failed to open netns "{netns}": there is no such network namespace',
    retry: 'never',
    cni: 8,
    exit: 1,
    http: 409,
  },
  'netns-not-one': {
    message: 'failed to open netns "{netns}": it is not a network namespace',
    retry: 'never',
    cni: 8,
    exit: 1,
    http: 422,
  },
  'netns-own': {
    message: "plugin's netns and netns from CNI_NETNS should not be the same",
    retry: 'never',
    cni: 8,
    exit: 1,
    http: 422,
  },
  'plugin-type-invalid': {
    message: 'Cannot run plugin type {type}: it is not one path component',
    ...config,
  },
  'chain-empty': { message: 'Cannot attach network {network}: it has no plugins', ...config },
  'foreign-failed': {
    message: 'plugin type="{type}" name="{network}" failed ({command}): {reason}',
    retry: 'later',
    cni: 999,
    exit: 1,
    http: 502,
  },
  'foreign-unreachable': {
    message: 'Cannot run plugin {type}: the caller that could run it is gone',
    ...later,
  },
  'ipam-answer-empty': { message: 'IPAM plugin returned missing IP config', ...config },
  'interface-taken': {
    message:
      'DelegateAdd: cannot set "{network}" interface name to "{ifName}": validateIfName: ' +
      'interface name {ifName} already exists',
    ...config,
  },
  'list-invalid': { message: 'Cannot use the plugins of network {network}: {reason}', ...config },
  'plugin-unknown': {
    message: 'Cannot run plugin {type}: Verbena has no plugin of that name',
    retry: 'never',
    cni: 7,
    exit: 1,
    http: 404,
  },
  'check-prev-result-missing': { message: 'required prevResult missing', ...config },
  'attachment-missing': {
    message: 'Cannot check {ifName} of container {containerId}: it is not attached here',
    retry: 'never',
    cni: 3,
    exit: 1,
    http: 404,
  },
  'pod-unknown': {
    message: 'Cannot attach pod {namespace}/{name}: the store does not know it',
    ...later,
  },
  'pod-uid-differs': {
    message: 'expected pod UID "{wanted}" but got "{found}" from Kube API',
    ...later,
  },
  'pod-unnamed': {
    message: 'Cannot attach container {containerId}: CNI_ARGS name no pod',
    ...config,
  },
  'default-route-astray': {
    message:
      'Cannot set default-route of network {network}: gateway {gateway} is not beside {ifName}',
    ...config,
  },
  'network-not-ready': {
    message:
      'Cannot attach networks: {file}, which tells that the default network is ready, is absent',
    ...later,
  },
  'detach-incomplete': {
    message: 'Cannot detach {attachments}: {reason}',
    ...later,
  },
} as const satisfies FailureTable

export const fail = failOf(ATTACH_FAILURES)
