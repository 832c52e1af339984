/**
 * A simulated namespace as `ip -d addr`, `ip route show table all`, `ip rule`
 * and `ip neigh` of iproute2 6.1 print it, queue and offload counts left out;
 * and the whole host as one text, for comparison.
 * @module
 */
import { networkOf } from '#values/ip-range.ts'
import { type Cidr, cidrParts, ipFromBits, ipToBits } from '#values/ip.ts'
import { formatPkey } from '#values/pkey.ts'
import { MAIN_TABLE, type Route, type Rule } from '#values/route.ts'
import { observedAddress } from './addresses.ts'
import type { SimHost, SimLink, SimNetns } from './host.ts'
import { hostOf } from './host.ts'
import { printRdmaLinks } from './print-rdma.ts'
import { observedRoute, routesOf } from './routes.ts'
import { rulesOf } from './rules.ts'
import { carrierOf, mtuOf, printedName } from './segment.ts'
import { pathOf } from './sysctl.ts'
