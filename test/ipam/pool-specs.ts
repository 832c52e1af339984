/**
 * Specifications of pools that tests share.
 * @module
 */

/** Twenty addresses. */
export const V4 = { subnet: '10.1.0.0/24', ips: ['10.1.0.10-10.1.0.29'], gateway: '10.1.0.1' }
/** Two addresses. */
export const V6 = { subnet: 'fd00::/64', ips: ['fd00::10-fd00::11'], gateway: 'fd00::1' }
/** One address. */
export const ONE = { subnet: '10.2.0.0/24', ips: ['10.2.0.5'] }
