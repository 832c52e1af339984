/** What other folders may use of IP address management. @module */
export type { Held, Ipam, IpamRequest, Reservation } from './ipam.ts'
