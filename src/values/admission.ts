/**
 * What admission says of a document, in the words of the Kubernetes API: kinds
 * of field errors and paths. One value for every feature that admits documents.
 *
 * Spec: k8s.io/apimachinery field.ErrorType texts, as an API server's causes show them.
 * @module
 */

/** Kinds of field errors, spelled as in `FieldValue*` without the prefix. */
export type AdmissionReason =
  | 'Invalid'
  | 'Required'
  | 'NotSupported'
  | 'Forbidden'
  | 'Duplicate'
  | 'TypeInvalid'
  | 'AlreadyExists'
  | 'NotFound'

/** One fault of one document. */
export type AdmissionError = {
  /** `Kind/namespace/name`, or `Kind/name` without a namespace. */
  readonly object: string
  readonly reason: AdmissionReason
  /** Path: `spec.ips[0]`. */
  readonly field: string
  /** One sentence that names the value. */
  readonly message: string
}

/** A fault before it is known whose it is. */
export type FieldFault = Omit<AdmissionError, 'object'>

/** `Kind/namespace/name` of a document. */
export function objectName(of: {
  kind: string
  namespace: string | undefined
  name: string
}): string {
  return of.namespace === undefined
    ? `${of.kind}/${of.name}`
    : `${of.kind}/${of.namespace}/${of.name}`
}
