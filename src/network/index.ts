/** What other folders may use of networks. @module */
export type { Admission } from './admission.ts'
export { type NetworkSelection, parseNetworks } from './annotation.ts'
export {
  type NetworkNeeds,
  type NetworksRequest,
  type WantedAttachment,
  wantedAttachments,
} from './attachment.ts'
export {
  type ConfList,
  type Injected,
  parseConfList,
  type PluginObject,
  pluginsOf,
} from './conflist.ts'
export { withCoordinatorValues } from './coordinator-values.ts'
export { type DefaultRouteChange, defaultRouteChanges, type RouteRequest } from './default-route.ts'
export { NETWORK_FAILURES } from './failures.ts'
export { nadNameOf, nadOf } from './nad-of-config.ts'
export { NETWORK_ANNOTATION, POD_ANNOTATION } from './network-annotation.ts'
export { type MadeAttachment, networkStatusOf } from './network-status.ts'
export type { Surroundings } from './smc-rules.ts'
export { admitSpiderCoordinator } from './spider-coordinator.ts'
export { admitSpiderMultusConfig } from './spider-multus-config.ts'
