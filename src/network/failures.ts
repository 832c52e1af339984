/**
 * Failures of networks: what a pod asks for and what its networks say. Texts of
 * Multus are kept where they are part of its interface.
 * @module
 */
import { Failure, type FailureTable, failOf } from '#values/failure.ts'

const asked = { retry: 'never', cni: 7, exit: 2, http: 422 } as const
const absent = { retry: 'later', cni: 7, exit: 1, http: 404 } as const

/** Code → message and consequences, for every failure of `network/`. */
export const NETWORK_FAILURES = {
  'network-annotation-invalid': { message: '{text}: {item}', ...asked },
  'network-isolated': {
    message:
      'GetNetworkDelegates: namespace isolation enabled, annotation violates permission, pod is ' +
      'in namespace {pod} but refers to target namespace {target}',
    retry: 'never',
    cni: 7,
    exit: 2,
    http: 403,
  },
  'nad-missing': {
    message: 'cannot find a network-attachment-definition ({name}) in namespace ({namespace})',
    ...absent,
  },
  'nad-config-empty': {
    message:
      'Cannot attach NetworkAttachmentDefinition {nad}: it has no config, and the CNI ' +
      'configuration folder has no network named {name}',
    ...absent,
  },
  'nad-config-unreadable': {
    message: 'Cannot read spec.config of NetworkAttachmentDefinition {nad}: {reason}',
    retry: 'never',
    cni: 6,
    exit: 2,
    http: 422,
  },
  'nad-config-invalid': {
    message: 'Cannot use spec.config of NetworkAttachmentDefinition {nad}: {reason}',
    ...asked,
  },
  'multus-conf-invalid': { message: '{text}', ...asked },
  'cluster-network-missing': { message: 'getNetDelegate: cannot find network: {name}', ...absent },
  'auxiliary-chain-unplaced': {
    message: 'auxiliary chain used but ClusterNetwork must be a path, and it is not a path: {path}',
    ...asked,
  },
  'device-asked-twice': {
    message: 'Cannot attach {second}: device {device} is given to {first} already',
    ...asked,
  },
  'pod-resources-unreadable': {
    message: 'Cannot read the devices of pods in {file}: {reason}',
    retry: 'later',
    cni: 11,
    exit: 1,
    http: 502,
  },
  'interface-asked-twice': {
    message: 'Cannot attach {second}: interface name {ifName} is the name of {first} already',
    ...asked,
  },
  'default-route-twice': {
    message: 'multus does not support ECMP for default-route',
    ...asked,
  },
  'network-not-admitted': {
    message: 'Cannot derive a network from SpiderMultusConfig {name}: {field} is not there',
    ...asked,
  },
} as const satisfies FailureTable

export const fail = failOf(NETWORK_FAILURES)

/** The same problem, with the annotation of the pod that asks for what is wrong. */
export function inAnnotation(problem: Failure, annotation: string): Failure {
  const { code, row, cause } = problem
  return new Failure({ code, details: { ...problem.details, annotation }, row, cause })
}

/**
 * One failure for several problems: the first as it is, the texts of the others
 * in its details as `also`; {@link problemsIn} gives them back. The list must not be empty.
 */
export function failTogether(problems: readonly Failure[]): Failure {
  const [first, ...rest] = problems
  if (first === undefined) throw new TypeError('There is no problem to report')
  if (rest.length === 0) return first
  const details = { ...first.details, also: rest.map(({ message }) => message) }
  const cause = new AggregateError(problems, first.message)
  return new Failure({ code: first.code, details, row: first.row, cause })
}

/** The problems that a failure tells of, itself where it is but one. */
export function problemsIn(failure: Failure): readonly Failure[] {
  const { cause } = failure
  if (!(cause instanceof AggregateError)) return [failure]
  return cause.errors.filter((one) => one instanceof Failure)
}
