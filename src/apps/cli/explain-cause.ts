/**
 * What a chain of causes consists of.
 * @module
 */

/** One statement about one object: `Kind/namespace/name`, an interface, an agent. */
export type Finding = { readonly object: string; readonly what: string }
/** The chain: what is seen first, its cause last; and the commands that mend it. */
export type Cause = { readonly chain: readonly Finding[]; readonly mend: readonly string[] }

/** How a document of the store is changed. */
export function editing(object: string): string {
  const [kind = '', ...rest] = object.split('/')
  const name = rest.at(-1) ?? ''
  const within = rest.length === 2 ? ` -n ${rest[0]}` : ''
  const file = `${name}.yaml`
  const get = `verbena get ${kind.toLowerCase()} ${name}${within} -o yaml > ${file}`
  return `${get}; edit it; verbena apply -f ${file}`
}
