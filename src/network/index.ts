/** What other folders may use of networks. @module */
export type { Admission } from './admission.ts'
export { type NetworkSelection, parseNetworks } from './annotation.ts'
export { type NetworksRequest, type WantedAttachment, wantedAttachments } from './attachment.ts'
export type { ConfFiles } from './conf-folder.ts'
export {
  type ConfList,
  type Injected,
  parseConfList,
  type PluginObject,
  pluginsOf,
} from './conflist.ts'
export { withCoordinatorValues } from './coordinator-values.ts'
export { type DefaultRouteChange, defaultRouteChanges, type RouteRequest } from './default-route.ts'
export {
  DEVICE_INFO_FOLDER,
  deviceInfoName,
  isDeviceInfoOf,
  parseDeviceFile,
} from './device-info.ts'
export { NETWORK_FAILURES, problemsIn } from './failures.ts'
export { META_TYPES, type MultusConf, type MultusDefaults, readMultusConf } from './multus-conf.ts'
export { nadNameOf, nadOf } from './nad-of-config.ts'
export { NETWORK_ANNOTATION, POD_ANNOTATION } from './network-annotation.ts'
export { type MadeAttachment, networkStatusOf } from './network-status.ts'
export {
  devicesInAnswer,
  devicesInCheckpoint,
  KUBELET_CHECKPOINT,
  NO_DEVICES,
  type PodDevices,
} from './pod-devices.ts'
export { type Injection, type InjectionAround, injectNetworks } from './pod-injection.ts'
export type { NetworkNeeds } from './resolve.ts'
export type { Surroundings } from './smc-rules.ts'
export { admitSpiderCoordinator } from './spider-coordinator.ts'
export { admitSpiderMultusConfig } from './spider-multus-config.ts'
