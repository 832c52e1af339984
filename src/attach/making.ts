/**
 * An attachment while it is being made.
 * @module
 */
import type { IfName } from '#values/if-name.ts'
import type { Link } from '#values/link.ts'
import type { PluginNeeds } from './catalogue.ts'
import type { Chain, ChainStage } from './chain.ts'
import type { AttachNeeds, Foreign, Wanted } from './needs.ts'
import type { Row } from './row.ts'

export type Making = {
  readonly wanted: Wanted
  readonly chain: Chain
  readonly stages: readonly ChainStage[]
  readonly temp: IfName
  /** The row as it is now; `applyOurStages` and `runForeign` replace it. */
  row: Row
}

/** What a request is planned from without a look before. */
export type Recalled = {
  readonly questions: PluginNeeds
  /** Links that were recalled, to be looked at as the plan is taken. */
  expected(): readonly Link[]
}

/** What the stages of an ADD share. */
export type Doing = {
  readonly needs: AttachNeeds
  readonly foreign: Foreign | undefined
  /** Names of all interfaces that the request makes. */
  readonly siblings: readonly IfName[]
  /** What is planned from; undefined: from a look at the host as it is. */
  readonly recalled: Recalled | undefined
}
