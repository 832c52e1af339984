/** What the apps may use of attaching. @module */
export { attachAll } from './add.ts'
export type { AnyIpam, AnyPlugin, Catalogue, PluginNeeds, RawConf } from './catalogue.ts'
export { checkAttachment } from './check.ts'
export { detachByConf, detachRows, rowsToDetach } from './del.ts'
export { ATTACH_FAILURES, fail } from './failures.ts'
export { type Alive, collectGarbage, recover } from './garbage.ts'
export { attachmentKey } from './identity.ts'
export {
  checkReservation,
  isWaiting,
  releaseLater,
  reserveOnly,
  settleReleases,
} from './ipam-only.ts'
export type { AttachNeeds, Foreign, Note, Ran, Wanted } from './needs.ts'
export type { Journal, Row, RowRequest, RowState, Stage } from './row.ts'
export { type Turns, makeTurns } from './turns.ts'
export { type PlannedAttachment, planPod } from './plan-pod.ts'
export { type PodNetworks, type PodRequest, podNetworks } from './pod-networks.ts'
export { NETWORK_STATUS, publishStatus } from './pod-status.ts'
export { LIST_TYPE, POD_TYPE, type VerbNeeds, answerCall } from './verbs.ts'
