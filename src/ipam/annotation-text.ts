/**
 * JSON texts of annotations, and the failure that names the annotation.
 * @module
 */
import { parseJson } from '#values/json-text.ts'
import { fail } from './failures.ts'

/** @throws {Failure} `pool-annotation-invalid` */
export function parseAnnotation(annotation: string, text: string): unknown {
  try {
    return parseJson(text)
  } catch (cause) {
    throw fail('pool-annotation-invalid', { annotation, reason: 'it is not JSON' }, cause)
  }
}

/** @throws {Failure} `pool-annotation-invalid`, always */
export function badAnnotation(annotation: string, reason: string): never {
  throw fail('pool-annotation-invalid', { annotation, reason })
}
