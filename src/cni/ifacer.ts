/**
 * CNI plugin `ifacer`: makes the links of the host that the next plugin of the chain
 * hangs its own on: a VLAN, a bond, a VLAN of a bond. They are shared by all pods
 * that name them and stay until the machine starts anew.
 *
 * Spec: CNI 1.1.0; Spiderpool ifacer.
 * @module
 */
import { BOND_MODES, type BondMode } from '#values/bond.ts'
import { failureIn } from '#values/failure.ts'
import { type IfName, parseIfName } from '#values/if-name.ts'
import type { Link } from '#values/link.ts'
import type { Step } from '#values/step.ts'
import type { KernelQuestions } from '#needs/kernel.ts'
import { IFACER_CONF } from '#schema/plugin-conf.ts'
import { EMPTY_RESULT } from '#wire/cni/empty-result.ts'
import { type BondText, parseBondOptions } from './bond-options.ts'
import { confReader } from './conf.ts'
import { fail } from './failures.ts'
import { kindName } from './main-link.ts'
import type { Plugin } from './plugin.ts'

export type IfacerNeeds = Pick<KernelQuestions, 'links'>
export type IfacerConf = {
  readonly interfaces: readonly [IfName, ...IfName[]]
  /** 0: none. */
  readonly vlanId: number
  /** Of two or more interfaces. */
  readonly bond: (BondText & { readonly name: IfName; readonly mode: BondMode }) | undefined
}
export type IfacerSaw = { readonly links: readonly Link[] }

const read = confReader(IFACER_CONF)
const BOND_NAME = parseIfName('sp_bond0')
const MOST_VLANS = 4094
const ETHERNET = 1

export const ifacer: Plugin<IfacerConf, IfacerNeeds, IfacerSaw> = {
  type: 'ifacer',
  role: 'chained',

  parse(raw) {
    const { value, warnings } = read(raw)
    const [first, ...more] = value.interfaces
    if (first === undefined) throw fail('ifacer-interfaces-missing')
    const { vlanID: vlanId } = value
    if (vlanId < 0 || vlanId > MOST_VLANS) throw fail('ifacer-vlan-invalid', { id: vlanId })
    const conf = { interfaces: [first, ...more], vlanId, bond: undefined } as const
    if (more.length === 0) return { conf, warnings }
    if (value.bond === undefined) throw fail('ifacer-bond-missing')
    const mode = BOND_MODES[value.bond.mode]
    if (mode === undefined) throw fail('ifacer-bond-mode-invalid', { mode: value.bond.mode })
    const name = value.bond.name ?? BOND_NAME
    return {
      conf: { ...conf, bond: { name, mode, ...parseBondOptions(value.bond.options) } },
      warnings,
    }
  },

  observe: async (_request, needs) => ({ links: await needs.links('host') }),

  plan({ conf }, { links }) {
    const { interfaces, bond, vlanId } = conf
    const [first] = interfaces
    for (const name of interfaces) checkPort(name, links)
    const base = bond?.name ?? first
    const steps: Step[] = []
    if (bond !== undefined) {
      checkKind(bond.name, 'bond', links)
      const { name, mode, options, arpTargets, primary } = bond
      const spec = { kind: 'bond', ports: interfaces, primary, mode, options, arpTargets } as const
      steps.push({ do: 'share-link', where: 'host', name, spec })
    }
    if (vlanId === 0) return steps
    const name = vlanName(base, vlanId)
    checkKind(name, 'vlan', links)
    checkVlan(name, vlanId, links)
    const spec = { kind: 'vlan', parent: base, id: vlanId } as const
    return [...steps, { do: 'share-link', where: 'host', name, spec }]
  },

  /** It makes nothing in the pod: the next plugin begins as if it were the first. */
  answer: ({ prevResult }) => prevResult ?? EMPTY_RESULT,

  async check({ conf }, needs) {
    const links = await needs.links('host')
    const base = conf.bond?.name ?? conf.interfaces[0]
    const name = conf.vlanId === 0 ? base : vlanName(base, conf.vlanId)
    const link = links.find((one) => one.name === name)
    if (link === undefined) {
      return [fail('check-interface-missing', { ifName: name, where: 'host' })]
    }
    if (link.up) return []
    return [
      fail('check-setting-differs', {
        ifName: name,
        setting: 'state',
        found: 'down',
        wanted: 'up',
      }),
    ]
  },

  planDetach: () => [],
}

function vlanName(base: IfName, id: number): IfName {
  const text = `${base}.${id}`
  try {
    return parseIfName(text)
  } catch (cause) {
    const reason = failureIn(cause)?.details['reason']
    throw fail('ifacer-name-invalid', { name: text, reason }, cause)
  }
}

function checkPort(name: IfName, links: readonly Link[]): void {
  const link = links.find((one) => one.name === name)
  if (link === undefined) throw fail('master-missing', { master: name })
  if (link.arpType === ETHERNET) return
  throw fail('master-not-ethernet', { master: name, kind: 'VLAN or bond' })
}

function checkKind(name: IfName, kind: 'bond' | 'vlan', links: readonly Link[]): void {
  const link = links.find((one) => one.name === name)
  if (link === undefined || link.kind.kind === kind) return
  throw fail('ifacer-name-taken', { name, kind, found: kindName(link) })
}

/** Upstream's rule: a number is one link's on the whole node. */
function checkVlan(name: IfName, id: number, links: readonly Link[]): void {
  const other = links.find(({ kind, name: its }) => {
    return kind.kind === 'vlan' && kind.id === id && its !== name
  })
  if (other !== undefined) throw fail('ifacer-vlan-taken', { id, name, other: other.name })
}
