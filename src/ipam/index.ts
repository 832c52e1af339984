/** What other folders may use of IP address management. @module */
export {
  allocationName,
  allocationRef,
  addressOfName,
  allocationsOf,
  fieldOf,
  holderOf,
} from './allocation.ts'
export { LABEL as ALLOCATION_LABEL, labelsOf as allocationLabels } from './labels.ts'
export { checkAllocations } from './check.ts'
export type { AllocatorState, Damage, Finding, Use } from './finding.ts'
export { type Act, type Looked, type Repair, planRepairs, recordOfUse } from './repair.ts'
export { IPAM_FAILURES } from './failures.ts'
export { type HostLocalConf, hostLocalIpam } from './host-local.ts'
export type { Held, Ipam, IpamRequest, Reservation } from './ipam.ts'
export { type PoolAdmission, admitPool, rangesOfPool, sizeOfPool } from './pool.ts'
export { type Application } from './application.ts'
export { POOL_LABEL, isAutoPool } from './auto-label.ts'
export { autoPoolName, holdsNothing } from './auto-pool.ts'
export { type AutoPools, autoPoolsFor, autoPoolsOf, isReclaimed } from './auto-pools.ts'
export { freeKept } from './free-kept.ts'
export { endPool, endSpiderSubnet } from './pool-end.ts'
export { admitReservedIp, reservedIn } from './reserved-ip.ts'
export { allocationsInStatus } from './pool-status.ts'
export { capped } from './network-addresses.ts'
export { admitSpiderSubnet, poolsOfSpiderSubnet, statusOfSpiderSubnet } from './subnet.ts'
export { spiderpoolIpam } from './spiderpool.ts'
export { staticIpam } from './static.ts'
