/**
 * Failures of bytes and texts: what came over a wire is cut, or lacks what its
 * specification promises.
 * @module
 */
import { type FailureTable, failOf } from '#values/failure.ts'

const foreign = { retry: 'later', cni: 5, exit: 1, http: 502 } as const
/** Texts of CNI failures are the reference library's: runtimes and their users know them. */
const variable = { retry: 'never', cni: 4, exit: 2, http: 400 } as const
const content = { retry: 'never', cni: 6, exit: 2, http: 422 } as const

/** Code → message and consequences, for every failure of `wire/`. */
export const WIRE_FAILURES = {
  'netlink-truncated': {
    message: 'Cannot read netlink {of}: {need} bytes are promised and {have} are there',
    ...foreign,
  },
  'netlink-attribute-missing': {
    message: 'Cannot read netlink {of}: attribute {type} is missing',
    ...foreign,
  },
  'netlink-attribute-invalid': {
    message: 'Cannot read netlink {of}: attribute {type} has {have} bytes',
    ...foreign,
  },
  'cni-environment-missing': { message: 'required env variables [{names}] missing', ...variable },
  'cni-container-id-invalid': { message: 'invalid characters in containerID', ...variable },
  'cni-if-name-invalid': { message: '{reason}', ...variable },
  'cni-args-invalid': { message: 'ARGS: invalid pair {pair}', ...variable },
  'cni-verb-unknown': { message: 'unknown CNI_COMMAND: {verb}', ...variable },
  'cni-conf-unreadable': { message: 'error unmarshall network config: {reason}', ...content },
  'cni-conf-duplicate-key': {
    message: 'failed to load netconf: key {key} is there twice',
    ...content,
    cni: 7,
  },
  'cni-network-name-missing': { message: 'missing network name', ...content, cni: 7 },
  'cni-network-name-invalid': {
    message: 'invalid characters found in network name',
    ...content,
    cni: 7,
  },
  'cni-version-unreadable': { message: 'invalid version "{version}": {reason}', ...content },
  'cni-version-incompatible': { message: 'incompatible CNI versions', ...content, cni: 1 },
  'cni-version-verb': { message: '{whose} version does not allow {verb}', ...content, cni: 1 },
  'cni-result-unconvertible': { message: 'cannot convert: no valid IP addresses', ...content },
  'cni-result-version': { message: 'unsupported CNI result version "{version}"', ...content },
  'cni-result-unreadable': { message: 'Cannot read CNI result: {field}: {reason}', ...content },
  'cni-prev-result-unreadable': { message: 'could not parse prevResult: {reason}', ...content },
  'frame-invalid': { message: 'Cannot read frame: {reason}', ...content },
} as const satisfies FailureTable

export const fail = failOf(WIRE_FAILURES)
