/**
 * Labels of pools that follow from an application, and the keys by which such
 * a pool says whose it is.
 *
 * Spec: Spiderpool, automatic pools: labels `ipam.spidernet.io/owner-...` of the
 * pool, `ipam.spidernet.io/app-...` in its podAffinity.
 * @module
 */
import type { LabelSelector } from '#schema/spider-ip-pool.ts'
import { type Application, groupOf } from './application.ts'

const PREFIX = 'ipam.spidernet.io/'

/** Labels of pools. */
export const POOL_LABEL = {
  cidr: `${PREFIX}ippool-cidr`,
  subnet: `${PREFIX}owner-spider-subnet`,
  gv: `${PREFIX}owner-application-gv`,
  kind: `${PREFIX}owner-application-kind`,
  namespace: `${PREFIX}owner-application-namespace`,
  name: `${PREFIX}owner-application-name`,
  uid: `${PREFIX}owner-application-uid`,
  interface: `${PREFIX}interface`,
  version: `${PREFIX}ip-version`,
  reclaim: `${PREFIX}ippool-reclaim`,
} as const

const APP = {
  group: `${PREFIX}app-api-group`,
  version: `${PREFIX}app-api-version`,
  kind: `${PREFIX}app-kind`,
  namespace: `${PREFIX}app-namespace`,
  name: `${PREFIX}app-name`,
} as const
const APP_KEYS: ReadonlySet<string> = new Set(Object.values(APP))

type Labelled = {
  readonly metadata: { readonly labels?: Readonly<Record<string, string>> }
}

/** True for a pool that was made for an application. */
export function isAutoPool({ metadata }: Labelled): boolean {
  return metadata.labels?.[POOL_LABEL.name] !== undefined
}

/** What an application is to the podAffinity of its pools. */
export function appLabels({ apiVersion, kind, namespace, name }: Application) {
  const { group, version } = groupOf(apiVersion)
  return {
    [APP.group]: group,
    [APP.version]: version,
    [APP.kind]: kind,
    [APP.namespace]: namespace,
    [APP.name]: name,
  }
}

/** What cannot be in the selector of such a pool, or undefined. */
export function strangeKey({ matchLabels = {}, matchExpressions }: LabelSelector) {
  if (matchExpressions !== undefined && matchExpressions.length > 0) return 'matchExpressions'
  return Object.keys(matchLabels).find((key) => !APP_KEYS.has(key))
}
