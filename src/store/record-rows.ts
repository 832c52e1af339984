/**
 * The statements behind `Records`. Every call is synchronous; each write is
 * one transaction.
 * @module
 */
import { isDeepStrictEqual } from 'node:util'
import type { Document, Metadata, Ref, Stored } from '#needs/records.ts'
import { isTaken } from './database.ts'
import { fail } from './failures.ts'
import { formatLabels, splitLabels } from './record-layout.ts'
import { type SqlRow, type Statements, numberIn, textIn } from './statements.ts'

/** Identity and time of what is created. */
export type Stamp = { uid(given: string | undefined): string; now(): string }

/** A document where it stands. */
type Found = {
  readonly revision: number
  readonly kind: number
  readonly labels: string
  readonly body: string
}

const SELECT = 'SELECT revision, kind, labels, body FROM documents WHERE deleted = 0 AND'
const BY_NAME = 'kind = ? AND namespace = ? AND name = ?'
/** Documents that are kept as read. */
const KEPT = 256
const NEXT = '(SELECT max(revision) + 1 FROM documents)'

export class RecordRows {
  readonly #sql: Statements
  readonly #stamp: Stamp
  readonly #kinds = new Map<string, number>()
  /** As read last, by kind, namespace and name: most are asked for over and over, and stay. */
  readonly #read = new Map<string, Stored>()

  constructor(sql: Statements, stamp: Stamp) {
    this.#sql = sql
    this.#stamp = stamp
  }

  /** Number of a kind; undefined while no document of it was ever written. */
  kindOf({ apiVersion, kind }: Pick<Ref, 'apiVersion' | 'kind'>): number | undefined {
    const key = `${apiVersion}/${kind}`
    const known = this.#kinds.get(key)
    if (known !== undefined) return known
    const row = this.#sql.get(
      'SELECT id FROM kinds WHERE api_version = ? AND kind = ?',
      apiVersion,
      kind,
    )
    if (row === undefined) return undefined
    this.#kinds.set(key, numberIn(row, 'id'))
    return this.#kinds.get(key)
  }

  /** Number of the last change of all. */
  revision(): number {
    return numberIn(this.#sql.get('SELECT max(revision) AS last FROM documents'), 'last')
  }

  /** Frozen: the same object may be given to others. */
  get(ref: Ref): Stored | undefined {
    const kind = this.kindOf(ref)
    if (kind === undefined) return undefined
    const { namespace = '', name } = ref
    const key = `${kind}/${namespace}/${name}`
    const known = this.#read.get(key)
    // its revision alone is in the index, without the body's page
    const select = `SELECT revision FROM documents WHERE deleted = 0 AND ${BY_NAME}`
    const now = known && numberIn(this.#sql.get(select, kind, namespace, name), 'revision')
    if (known !== undefined && known.metadata.resourceVersion === String(now)) return known
    const found = this.#find(ref)
    this.#read.delete(key)
    if (found === undefined) return undefined
    const read = deeplyFrozen(decode(found.body, found.revision))
    const [oldest] = this.#read.size < KEPT ? [] : this.#read.keys()
    if (oldest !== undefined) this.#read.delete(oldest)
    this.#read.set(key, read)
    return read
  }

  /** One statement, so a transaction by itself. */
  create(document: Document): Stored {
    const { resourceVersion: _, ...metadata } = document.metadata
    const made: Metadata = {
      ...metadata,
      uid: this.#stamp.uid(metadata.uid),
      generation: 1,
      creationTimestamp: metadata.creationTimestamp ?? this.#stamp.now(),
    }
    const body = JSON.stringify({ ...document, metadata: made })
    const { apiVersion, kind } = document
    const number = this.kindOf(document) ?? this.#makeKind({ apiVersion, kind })
    try {
      const { last } = this.#sql.run(
        'INSERT INTO documents (kind, namespace, name, owner, labels, body) ' +
          'VALUES (?, ?, ?, ?, ?, ?)',
        number,
        metadata.namespace ?? '',
        metadata.name,
        ownerOf(metadata),
        formatLabels(metadata.labels),
        body,
      )
      return decode(body, last)
    } catch (cause) {
      throw isTaken(cause) ? fail('record-exists', named(refOf(document)), cause) : cause
    }
  }

  replace(document: Document): Stored {
    return this.#sql.transaction(() => {
      const ref = refOf(document)
      const found = this.#find(ref)
      if (found === undefined) throw fail('record-missing', named(ref))
      const before = decode(found.body, found.revision)
      const { resourceVersion, uid, ...metadata } = document.metadata
      const sameUid = uid === undefined || uid === before.metadata.uid
      if (resourceVersion !== before.metadata.resourceVersion || !sameUid) {
        throw fail('record-conflict', named(ref))
      }
      const sameSpec = isDeepStrictEqual(document['spec'], before['spec'])
      const made: Metadata = {
        ...metadata,
        uid: before.metadata.uid,
        generation: (before.metadata.generation ?? 1) + (sameSpec ? 0 : 1),
        creationTimestamp: before.metadata.creationTimestamp,
      }
      return this.#change(found, { ...document, metadata: made })
    })
  }

  /** With everything that it controls. */
  delete(ref: Ref, uid: string | undefined): boolean {
    return this.#sql.transaction(() => {
      const found = this.#find(ref)
      if (found === undefined) return false
      const { metadata } = decode(found.body, found.revision)
      if (uid !== undefined && uid !== metadata.uid) throw fail('record-conflict', named(ref))
      this.#drop(found, metadata.uid)
      return true
    })
  }

  #change(found: Found, document: Document): Stored {
    const { metadata } = document
    const labels = formatLabels(metadata.labels)
    const body = JSON.stringify(document)
    if (labels !== found.labels) {
      this.#sql.run(
        `UPDATE documents SET labels_before = labels, labels = ?, relabelled = ${NEXT} ` +
          'WHERE revision = ?',
        labels,
        found.revision,
      )
    }
    this.#sql.run(
      `UPDATE documents SET revision = ${NEXT}, created = coalesce(created, revision), ` +
        'owner = ?, body = ? WHERE revision = ?',
      ownerOf(metadata),
      body,
      found.revision,
    )
    this.#unindex(found)
    return decode(body, this.revision())
  }

  #drop(found: Found, uid: string): void {
    const owned = this.#sql.all(`${SELECT} owner = ?`, uid).map(foundOf)
    this.#sql.run(
      `UPDATE documents SET revision = ${NEXT}, created = coalesce(created, revision), ` +
        'deleted = 1 WHERE revision = ?',
      found.revision,
    )
    this.#unindex(found)
    for (const child of owned) this.#drop(child, decode(child.body, 0).metadata.uid)
  }

  /** What stood under a revision is there no more. */
  #unindex({ revision, kind, labels }: Found): void {
    const mark = this.#sql.get("SELECT revision FROM marks WHERE name = 'indexed'")
    if (revision > numberIn(mark, 'revision')) return
    for (const label of splitLabels(labels)) {
      this.#sql.run(
        'DELETE FROM labels WHERE label = ? AND kind = ? AND revision = ?',
        label,
        kind,
        revision,
      )
    }
  }

  #find(ref: Ref): Found | undefined {
    const kind = this.kindOf(ref)
    if (kind === undefined) return undefined
    const row = this.#sql.get(`${SELECT} ${BY_NAME}`, kind, ref.namespace ?? '', ref.name)
    return row === undefined ? undefined : foundOf(row)
  }

  #makeKind(of: Pick<Ref, 'apiVersion' | 'kind'>): number {
    this.#sql.run(
      'INSERT OR IGNORE INTO kinds (api_version, kind) VALUES (?, ?)',
      of.apiVersion,
      of.kind,
    )
    return this.kindOf(of) ?? 0
  }
}

/** The row decoder: what stands there is what was written there. */
export function decode(body: string, revision: number): Stored {
  const document = JSON.parse(body) as { metadata: { resourceVersion: string } } & Stored
  if (typeof document?.metadata !== 'object' || document.metadata === null) {
    throw new SyntaxError('a document without metadata')
  }
  document.metadata.resourceVersion = String(revision)
  return document
}

function deeplyFrozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  for (const inner of Object.values(value)) deeplyFrozen(inner)
  return Object.freeze(value)
}

function foundOf(row: SqlRow): Found {
  return {
    revision: numberIn(row, 'revision'),
    kind: numberIn(row, 'kind'),
    labels: textIn(row, 'labels'),
    body: textIn(row, 'body'),
  }
}

function ownerOf({ ownerReferences }: Metadata): string | null {
  return ownerReferences?.find((owner) => owner.controller === true)?.uid ?? null
}

function refOf({ apiVersion, kind, metadata }: Document): Ref {
  return { apiVersion, kind, namespace: metadata.namespace, name: metadata.name }
}

function named({ kind, namespace, name }: Ref): { kind: string; name: string } {
  return { kind, name: namespace === undefined ? name : `${namespace}/${name}` }
}
