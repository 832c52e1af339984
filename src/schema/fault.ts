/**
 * Faults of a field, one maker per kind, in the words of the Kubernetes API:
 * `message` is what its answer has as the text of a cause.
 *
 * Spec: k8s.io/apimachinery pkg/util/validation/field, Error.ErrorBody.
 * @module
 */
import type { FieldFault } from '#values/admission.ts'

/** Longest value that a message shows whole, in characters. */
const SHOWN = 160

/** The value breaks a rule; `detail` is the rule. */
export function invalid(field: string, value: unknown, detail: string): FieldFault {
  return { reason: 'Invalid', field, message: `Invalid value: ${shown(value)}: ${detail}` }
}

/** The value has another JSON type than `wanted`. */
export function typeInvalid(field: string, value: unknown, wanted: string): FieldFault {
  const detail = `must be of type ${wanted}, it is of type ${typeOf(value)}`
  return { reason: 'TypeInvalid', field, message: `Invalid value: ${shown(value)}: ${detail}` }
}

/** Nothing is there. */
export function required(field: string, detail = 'it is not there'): FieldFault {
  return { reason: 'Required', field, message: `Required value: ${detail}` }
}

/** The value is none of the few that there are. */
export function notSupported(field: string, value: unknown, known: readonly unknown[]): FieldFault {
  const list = known.map((one) => shown(one)).join(', ')
  const message = `Unsupported value: ${shown(value)}: supported values: ${list}`
  return { reason: 'NotSupported', field, message }
}

/** The value is legal in itself, and not here. */
export function forbidden(field: string, detail: string): FieldFault {
  return { reason: 'Forbidden', field, message: `Forbidden: ${detail}` }
}

function shown(value: unknown): string {
  const text = typeof value === 'bigint' ? String(value) : (JSON.stringify(value) ?? 'nothing')
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text
}

function typeOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number'
  return typeof value
}
