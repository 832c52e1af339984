/**
 * Results with nothing in them.
 * @module
 */
import type { CniDns, CniResult } from './result.ts'

/** No name servers, domains or options. */
export const NO_DNS: CniDns = { nameservers: [], domain: undefined, search: [], options: [] }
/** A result with nothing in it. */
export const EMPTY_RESULT: CniResult = { interfaces: [], ips: [], routes: [], dns: NO_DNS }
