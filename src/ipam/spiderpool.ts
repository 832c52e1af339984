/**
 * IPAM `spiderpool`: addresses from pools, for both families side by side, all
 * or nothing. Pools are read from the store at every ADD; a home that is far
 * away answers that from its own watch.
 *
 * Spec: Spiderpool's IPAM plugin; its release, but that the address of a pod
 * that lives is freed too, unless it stays with a name.
 * @module
 */
import type { Document } from '#needs/records.ts'
import { cidrParts } from '#values/cidr.ts'
import { SPIDERPOOL_PART } from '#schema/spiderpool-conf.ts'
import { isJsonObject, lookUp } from '#wire/cni/conf.ts'
import { fieldOf } from './allocation.ts'
import { Allocator } from './allocator.ts'
import { partReader } from './conf-part.ts'
import { EndpointBook } from './endpoint-book.ts'
import { fail } from './failures.ts'
import { isMigrationTarget } from './keeping.ts'
import type { Held, Ipam, Probing } from './ipam.ts'
import { poolBook } from './pool-book.ts'
import { type Leaving, releaseAll } from './releasing.ts'
import { type Reserving, reserve } from './reserving.ts'
import { SettingsBook } from './settings-book.ts'
import type { SpiderpoolConf, SpiderpoolNeeds } from './spiderpool-needs.ts'

/** Disposing of it ends the watches that it keeps once the first address was asked for. */
export function spiderpoolIpam(needs: SpiderpoolNeeds): Ipam<SpiderpoolConf> & AsyncDisposable {
  const { records } = needs
  const at: Reserving = {
    needs,
    allocator: new Allocator(needs),
    book: poolBook(records),
    settings: new SettingsBook(records),
    endpoints: new EndpointBook(records),
  }
  const { allocator } = at
  return {
    type: 'spiderpool',
    parse: parseConf,
    reserve: (request) => reserve(request, at),
    release: ({ owner, held, failed = false }) => release({ owner, failed }, held, at),
    probing: (conf, pod) => probingOf({ conf, pod }, at),
    shun: (ip, holds) => allocator.shun(ip, holds),
    async check({ owner, addressing }) {
      const held = new Set((await allocator.recordsOf(owner)).map((one) => fieldOf(one, 'address')))
      const lost = addressing.ips.filter(({ address }) => !held.has(cidrParts(address).ip))
      const { containerId } = owner
      return lost.map(({ address }) =>
        fail('address-not-held', { type: 'spiderpool', containerId, more: address }),
      )
    },
    async [Symbol.asyncDispose]() {
      await at.settings[Symbol.asyncDispose]()
      await allocator[Symbol.asyncDispose]()
    },
  }
}

async function release(
  leaving: Leaving,
  held: readonly Held[] | undefined,
  at: Reserving,
): Promise<string[]> {
  if (held !== undefined) return releaseAll(held, leaving, at)
  const records = await at.allocator.recordsOf(leaving.owner)
  const found = records.map((record) => {
    const { name, uid } = record.metadata
    return { held: 'allocation' as const, name, uid, pool: fieldOf(record, 'pool') }
  })
  return releaseAll(found, leaving, at)
}

/** The target of a live migration has the addresses that its source has still. */
function probingOf(
  { conf, pod }: { readonly conf: SpiderpoolConf; readonly pod: Document | undefined },
  { needs, settings }: Reserving,
): Probing {
  const { enableIPConflictDetection, enableGatewayDetection } = settings.known
  const conflict =
    conf.enableIPConflictDetection ?? needs.probing?.conflict ?? enableIPConflictDetection
  return {
    conflict: conflict && !isMigrationTarget(pod),
    gateway: conf.enableGatewayDetection ?? needs.probing?.gateway ?? enableGatewayDetection,
  }
}

const readPart = partReader(SPIDERPOOL_PART)

function parseConf(raw: unknown): { conf: SpiderpoolConf; warnings: readonly string[] } {
  const { value, warnings } = readPart(raw)
  for (const key of ['default_ipv4_ippool', 'default_ipv6_ippool'] as const) {
    const names = value[key] ?? []
    const twice = names.find((name, i) => names.indexOf(name) !== i)
    if (twice === undefined) continue
    throw fail('ipam-conf-invalid', {
      field: `ipam.${key}`,
      reason: `pool ${twice} is there twice`,
    })
  }
  const textAt = (key: string): string | undefined => {
    const text = isJsonObject(raw) ? lookUp(raw, key) : undefined
    return typeof text === 'string' && text !== '' ? text : undefined
  }
  const master = { link: textAt('master'), deviceId: textAt('deviceID') }
  return { conf: { ...value, master }, warnings }
}
