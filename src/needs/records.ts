/**
 * All durable shared state: documents by kind, namespace and name, with
 * compare-and-swap. Met by SQLite (`store/`) and, in a cluster, the API server.
 * One contract suite, `test/contract/records.ts`, holds for every home.
 * @module
 */

/** Names one document. `namespace` is undefined for cluster-scoped kinds. */
export type Ref = {
  readonly apiVersion: string
  readonly kind: string
  readonly namespace: string | undefined
  readonly name: string
}

type OwnerReference = {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  readonly uid: string
  readonly controller?: boolean
  readonly blockOwnerDeletion?: boolean
}

/** Metadata as Kubernetes has it; what the home sets is undefined until it is stored. */
export type Metadata = {
  readonly name: string
  readonly namespace?: string
  readonly uid?: string
  /** Opaque; changes with every write. */
  readonly resourceVersion?: string
  /** Counts changes of `spec`. */
  readonly generation?: number
  /** RFC 3339, UTC. */
  readonly creationTimestamp?: string
  readonly deletionTimestamp?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly ownerReferences?: readonly OwnerReference[]
  readonly finalizers?: readonly string[]
}

/** A document: what its kind adds (`spec`, `status`, `data`) is for `schema/` to read. */
export type Document = {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: Metadata
  readonly [field: string]: unknown
}

/** A stored document: `uid`, `resourceVersion` and `creationTimestamp` are there. */
export type Stored<T extends Document = Document> = T & {
  readonly metadata: Metadata & {
    readonly uid: string
    readonly resourceVersion: string
    readonly creationTimestamp: string
  }
}

/** What to list. */
export type Selection = {
  readonly apiVersion: string
  readonly kind: string
  /** All namespaces when undefined. */
  readonly namespace?: string
  /** Every pair must match. */
  readonly labels?: Readonly<Record<string, string>>
  /** Page size; a page may be shorter. All when undefined. */
  readonly limit?: number
  /** `next` of the page before. */
  readonly from?: string
}

/** A page of a list, by namespace and name. */
export type Page = {
  readonly items: readonly Stored[]
  /** Give it as `from` for the next page; undefined on the last. */
  readonly next: string | undefined
  /** Give it as `since` to watch what comes after this list. */
  readonly resourceVersion: string
}

/** One change, in the order of writing. For `deleted`, the last state. */
export type Change = {
  readonly change: 'added' | 'modified' | 'deleted'
  readonly document: Stored
  readonly resourceVersion: string
}

/** The need. Refusals are failures of the home with the codes named here. */
export interface Records {
  get(ref: Ref): Promise<Stored | undefined>
  list(selection: Selection): Promise<Page>
  /** @throws {Failure} `record-exists`: the name is taken; what makes an allocation safe */
  create(document: Document): Promise<Stored>
  /**
   * Replaces the whole document; `metadata.resourceVersion` must be the stored one.
   * @throws {Failure} `record-conflict`, it was written meanwhile; `record-missing`
   */
  replace(document: Document): Promise<Stored>
  /**
   * Removes it. With `uid` only that very object. False when there was none.
   * @throws {Failure} `record-conflict`: another object has taken the name
   */
  delete(ref: Ref, precondition?: { readonly uid: string }): Promise<boolean>
  /**
   * Changes after `since` (a `resourceVersion`), then as they come, until `signal`.
   * @throws {Failure} `record-expired`: `since` is older than what is kept; list again
   */
  watch(selection: Selection, since: string, signal: AbortSignal): AsyncIterable<Change>
}
