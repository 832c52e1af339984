/**
 * The journal's row: one attachment, from intent to its last undo. It is
 * written before each effect; a row goes only when all its stages and
 * reservations are undone. An `attached` row is what DEL, CHECK and a repeated
 * ADD read. Plain JSON: a row survives `JSON.parse(JSON.stringify(row))`.
 * @module
 */
import type { IfName } from '#values/if-name.ts'
import type { NetnsPath } from '#values/netns.ts'
import type { Owner } from '#values/owner.ts'
import type { Step } from '#values/step.ts'
import type { CniResult, CniVersion } from '#wire/cni/result.ts'
import type { Held } from '#ipam/index.ts'

/** How far an attachment is. */
export type RowState = 'intent' | 'reserved' | 'open' | 'attached' | 'detaching'

/** Steps of ours that were planned together, or one foreign plugin. */
export type Stage =
  | { readonly stage: 'steps'; readonly steps: readonly Step[] }
  | {
      readonly stage: 'foreign'
      readonly type: string
      /** Environment overrides and standard input of its DEL. */
      readonly env: Readonly<Record<string, string>>
      readonly stdin: string
      /** Its ADD result as printed; undefined while it may be running. */
      readonly answer: string | undefined
    }

/** What ADD was asked, as far as DEL, CHECK and recovery need it again. */
export type RowRequest = {
  readonly cniVersion: CniVersion
  /** Plugin configurations of the chain as the runtime would pass them, in order. */
  readonly plugins: readonly Readonly<Record<string, unknown>>[]
  /** CNI_ARGS as given. */
  readonly args: string
  readonly prevResult: CniResult | undefined
}

export type Row = {
  /** Key: `ownerKey()` of the owner. */
  readonly attachment: string
  readonly owner: Owner
  readonly netns: NetnsPath
  /** dev:ino of the namespace at ADD: a path that came back as another is not ours. */
  readonly netnsId: string | undefined
  /** IFALIAS of its links. */
  readonly mark: string
  readonly state: RowState
  readonly request: RowRequest
  readonly held: readonly Held[]
  readonly stages: readonly Stage[]
  readonly result: CniResult | undefined
  /** Milliseconds since 1970, of the first write; a later row has a greater one. */
  readonly since: number
  /** What the runtime asked for: one request can make several attachments (all rails of a pod). */
  /** `namespace/name` of the network object it was made for. */
  readonly networkRef: string | undefined
  readonly root: { readonly network: string; readonly ifName: IfName; readonly type: string }
}

/** The journal. Synchronous, durable against a crash of the process when a call returns. */
export interface Journal {
  /** All rows in one transaction. */
  write(rows: readonly Row[]): void
  erase(attachments: readonly string[]): void
  get(attachment: string): Row | undefined
  byContainer(containerId: string): readonly Row[]
  all(): readonly Row[]
}
