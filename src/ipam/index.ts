/** What other folders may use of IP address management. @module */
export {
  LABEL as ALLOCATION_LABEL,
  allocationName,
  allocationRef,
  allocationsOf,
  fieldOf,
  holderOf,
} from './allocation.ts'
export { type AllocatorState, type Finding, checkAllocations } from './check.ts'
export { IPAM_FAILURES } from './failures.ts'
export { type HostLocalConf, hostLocalIpam } from './host-local.ts'
export type { Held, Ipam, IpamRequest, Reservation } from './ipam.ts'
export { type PoolAdmission, admitPool, rangesOfPool, sizeOfPool } from './pool.ts'
export { spiderpoolIpam } from './spiderpool.ts'
export { staticIpam } from './static.ts'
