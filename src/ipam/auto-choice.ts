/**
 * Automatic pools that a pod asks for by subnet: the first source of its
 * candidates. They were made for its application; until they are there, the
 * pod waits.
 *
 * Spec: Spiderpool, annotations `ipam.spidernet.io/subnets` and `subnet`, only
 * with subnets and automatic pools on; with automatic pools off they are refused.
 * @module
 */
import type { Document } from '#needs/records.ts'
import type { SpiderIpPool } from '#schema/spider-ip-pool.ts'
import type { Settings } from '#schema/spiderpool-settings.ts'
import type { Candidates } from './annotation.ts'
import type { Application } from './application.ts'
import { POOL_LABEL } from './auto-label.ts'
import { fail } from './failures.ts'
import { labelValue } from './labels.ts'
import { type AutoChoice, readAutoWish, wishKeyOf } from './subnet-annotation.ts'

/** A pod that asks, and for which interface. */
export type AutoAsking = {
  readonly pod: Document | undefined
  readonly ifName: string
  readonly settings: Settings
  application(): Promise<Application>
  /** All pools, as they are now. */
  pools(): Promise<readonly SpiderIpPool[]>
  /** Waits a little; false when that was enough. */
  wait(): Promise<boolean>
}

type Family = 4 | 6

/**
 * Undefined where the pod asks for no subnet, or the feature is off.
 * @throws {Failure} `auto-pool-refused`, `auto-pool-missing`, `pool-annotation-invalid`
 */
export async function autoCandidates(asking: AutoAsking): Promise<Candidates | undefined> {
  const { pod, ifName, settings } = asking
  const annotations = pod?.metadata.annotations ?? {}
  const annotation = wishKeyOf(annotations)
  if (annotation === undefined || !settings.enableSpiderSubnet) return undefined
  const refused = (reason: string) => fail('auto-pool-refused', { annotation, ifName, reason })
  if (!settings.enableAutoPoolForApplication) throw refused('automatic pools are disabled')
  const wish = readAutoWish(annotations)
  if (wish === undefined) return undefined
  const choice = wish.single ? wish.choices[0] : wish.choices.find((one) => one.ifName === ifName)
  if (choice === undefined) throw refused('the interface is not in it')
  const application = await asking.application()
  if (application.kind === 'Pod') throw refused('the pod has no controller')
  for (;;) {
    const found = candidatesIn(await asking.pools(), { choice, application, asking })
    if (found.missing.length === 0) return found.candidates
    if (!(await asking.wait())) {
      const { kind, namespace, name } = application
      const missing = found.missing.map((family) => `IPv${family}`).join(' and ')
      const owner = `${kind} ${namespace}/${name}`
      throw fail('auto-pool-missing', { annotation, ifName, missing, owner })
    }
  }
}

function candidatesIn(
  pools: readonly SpiderIpPool[],
  of: {
    readonly choice: AutoChoice
    readonly application: Application
    readonly asking: AutoAsking
  },
): { readonly candidates: Candidates; readonly missing: readonly Family[] } {
  const { choice, application } = of
  const { settings, ifName } = of.asking
  const own = pools.filter((pool) => isOf(pool, application))
  const wanted = ([4, 6] as const).filter((family) => {
    const on = family === 4 ? settings.enableIPv4 : settings.enableIPv6
    return on && (family === 4 ? choice.ipv4 : choice.ipv6) !== undefined
  })
  const named = (family: Family): string[] => {
    const ofFamily = own.filter(({ spec }) => spec.ipVersion === family)
    // a pool that was asked for without an interface is there for each
    const found = [ifName, choice.ifName]
      .map((one) => ofFamily.find((pool) => labelOf(pool, POOL_LABEL.interface) === one))
      .find((pool) => pool !== undefined)
    return found === undefined ? [] : [found.metadata.name]
  }
  const [ipv4, ipv6] = [named(4), named(6)]
  return {
    candidates: {
      ipv4: wanted.includes(4) ? ipv4 : [],
      ipv6: wanted.includes(6) ? ipv6 : [],
      source: 'subnet',
      cleanGateway: false,
    },
    missing: wanted.filter((family) => (family === 4 ? ipv4 : ipv6).length === 0),
  }
}

function isOf(pool: SpiderIpPool, { apiVersion, kind, namespace, name, uid }: Application) {
  const { gv, kind: ofKind, namespace: within, name: named, uid: ofUid } = POOL_LABEL
  const labelled = labelOf(pool, ofUid)
  return (
    labelOf(pool, gv) === apiVersion.replace('/', '_') &&
    labelOf(pool, ofKind) === kind &&
    labelOf(pool, within) === namespace &&
    labelOf(pool, named) === labelValue(name) &&
    (uid === '' || labelled === '' || labelled === uid)
  )
}

function labelOf({ metadata }: SpiderIpPool, key: string): string | undefined {
  return metadata.labels?.[key]
}
