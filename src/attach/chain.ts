/**
 * The plugins of one attachment, in order: ours are parsed, another vendor's
 * are kept as they are and run on the host by the shim.
 *
 * Spec: CNI 1.1.0, sections 2 and 4.
 * @module
 */
import type { AnyIpam, AnyPlugin, Catalogue, RawConf } from './catalogue.ts'
import { type CniArgs, parseCniArgs } from '#wire/cni/args.ts'
import { isJsonObject, lookUp } from '#wire/cni/conf.ts'
import { fail } from './failures.ts'

/** Who gives the main plugin its addresses. */
type Addresser =
  | { readonly by: 'none' }
  | { readonly by: 'ours'; readonly ipam: AnyIpam; readonly conf: unknown }
  | { readonly by: 'foreign'; readonly type: string }

export type ChainLink =
  | {
      readonly link: 'ours'
      readonly raw: RawConf
      readonly plugin: AnyPlugin
      readonly conf: unknown
      readonly addresser: Addresser
    }
  | { readonly link: 'foreign'; readonly raw: RawConf; readonly type: string }

export type Chain = { readonly links: readonly ChainLink[]; readonly warnings: readonly string[] }

/**
 * Parses every plugin of ours in the chain.
 * @throws {Failure} of the first plugin whose configuration is refused;
 *   `plugin-type-invalid` for a type that is a path
 */
export function parseChain(
  {
    plugins: raws,
    args: argsText,
  }: { readonly plugins: readonly RawConf[]; readonly args: string },
  catalogue: Catalogue,
): Chain {
  const warnings: string[] = []
  const args = parseCniArgs(argsText)
  const links = raws.map((raw): ChainLink => {
    const type = typeOf(raw)
    const plugin = catalogue.plugins.get(type)
    if (plugin === undefined) return { link: 'foreign', raw, type }
    const parsed = parseOnce(plugin, raw, args)
    warnings.push(...parsed.warnings.map((text) => `${type}: ${text}`))
    const addresser: Addresser =
      plugin.role === 'main' ? parseAddresser(raw, catalogue, warnings) : { by: 'none' }
    return { link: 'ours', raw, plugin, conf: parsed.conf, addresser }
  })
  return { links, warnings }
}

type Parsed = { readonly conf: unknown; readonly warnings: readonly string[] }
type Parser = { parse(raw: unknown, args?: CniArgs): Parsed }

/** Configurations of a parser that are kept in mind; pods of a network have the same one. */
const MOST_PARSED = 64
const parsedBefore = new WeakMap<Parser, Map<string, Parsed>>()

/** What a text was parsed to is never changed, so it serves again. */
function parseOnce(parser: Parser, raw: RawConf, args?: CniArgs): Parsed {
  const telling = [...(args ?? [])].filter(([key]) => !key.startsWith('K8S_'))
  const text = JSON.stringify([raw, telling])
  const known = parsedBefore.get(parser) ?? new Map<string, Parsed>()
  parsedBefore.set(parser, known)
  const before = known.get(text)
  if (before !== undefined) return before
  const parsed = parser.parse(raw, args)
  if (known.size >= MOST_PARSED) known.clear()
  known.set(text, parsed)
  return parsed
}

/** The `type` of a configuration. @throws {Failure} `plugin-type-invalid` */
export function typeOf(raw: RawConf): string {
  const type = raw['type']
  if (typeof type !== 'string' || !/^[^/\0]+$/.test(type) || type === '.' || type === '..') {
    throw fail('plugin-type-invalid', { type: type ?? '' })
  }
  return type
}

/** What `ipam.type` is, in whatever case the keys are; undefined where there is none. */
export function ipamTypeOf(raw: RawConf): unknown {
  const part = lookUp(raw, 'ipam')
  return isJsonObject(part) ? lookUp(part, 'type') : undefined
}

function parseAddresser(raw: RawConf, { ipams }: Catalogue, warnings: string[]): Addresser {
  const named = ipamTypeOf(raw)
  if (named === undefined || named === '') return { by: 'none' }
  const type = typeOf({ type: named })
  const ipam = ipams.get(type)
  if (ipam === undefined) return { by: 'foreign', type }
  const parsed = parseOnce(ipam, raw)
  warnings.push(...parsed.warnings.map((text) => `${type}: ${text}`))
  return { by: 'ours', ipam, conf: parsed.conf }
}

/** One or more plugins that are planned together. */
export type ChainStage =
  | { readonly stage: 'ours'; readonly links: readonly Extract<ChainLink, { link: 'ours' }>[] }
  | { readonly stage: 'foreign'; readonly link: Extract<ChainLink, { link: 'foreign' }> }

/** Plugins of ours that follow one another are one stage; a foreign one is a stage of its own. */
export function stagesOf(chain: Chain): ChainStage[] {
  const stages: ChainStage[] = []
  for (const link of chain.links) {
    const last = stages.at(-1)
    if (link.link === 'foreign') stages.push({ stage: 'foreign', link })
    else if (last?.stage === 'ours') {
      stages[stages.length - 1] = { stage: 'ours', links: [...last.links, link] }
    } else stages.push({ stage: 'ours', links: [link] })
  }
  return stages
}
