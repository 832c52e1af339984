/**
 * The statements behind `Records`: every call is synchronous and runs inside
 * a transaction of the caller. A revision is the number of a change; it is the
 * resource version of what it wrote.
 * @module
 */
import { isDeepStrictEqual } from 'node:util'
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import type { Change, Document, Metadata, Page, Ref, Selection, Stored } from '#needs/records.ts'
import { fail } from './failures.ts'

/** Changes that are kept to be watched. */
const KEPT_CHANGES = 20_000
/** Every how many changes old ones are dropped. */
const PRUNE_EVERY = 1_000

/** Identity and time, so that tests own them. */
export type Stamp = { uid(): string; now(): string }

type Found = { readonly id: number; readonly body: string }

export class RecordRows {
  readonly #db: DatabaseSync
  readonly #stamp: Stamp
  readonly #statements = new Map<string, StatementSync>()

  constructor(db: DatabaseSync, stamp: Stamp) {
    this.#db = db
    this.#stamp = stamp
  }

  get(ref: Ref): Stored | undefined {
    const found = this.#find(ref)
    return found === undefined ? undefined : decode(found.body)
  }

  list({ apiVersion, kind, namespace, labels = {}, limit, from }: Selection): Page {
    const [first, ...others] = Object.entries(labels)
    // a label leads the way: a pool's allocations are many, an owner's are few
    const source = first === undefined
      ? 'documents d WHERE'
      : 'labels l CROSS JOIN documents d ON d.id = l.id WHERE l.key = ? AND l.value = ? AND'
    const values: SQLInputValue[] = [...(first ?? []), kind, apiVersion]
    const wheres = ['d.kind = ?', 'd.api_version = ?']
    const add = (where: string, ...more: SQLInputValue[]): void => {
      wheres.push(where)
      values.push(...more)
    }
    if (namespace !== undefined) add('d.namespace = ?', namespace)
    if (from !== undefined) add("(d.namespace || '/' || d.name) > ?", from)
    for (const [key, value] of others) {
      add('d.id IN (SELECT id FROM labels WHERE key = ? AND value = ?)', key, value)
    }
    const rows = this.#prepare(
      `SELECT d.namespace || '/' || d.name AS place, d.body AS body FROM ${source} ` +
        `${wheres.join(' AND ')} ORDER BY d.namespace || '/' || d.name LIMIT ?`,
    ).all(...values, limit === undefined ? -1 : limit + 1)
    const page = limit === undefined ? rows : rows.slice(0, limit)
    const next = rows.length > page.length ? String(page.at(-1)?.['place']) : undefined
    const resourceVersion = String(this.#revision())
    return { items: page.map(({ body }) => decode(String(body))), next, resourceVersion }
  }

  create(document: Document): Stored {
    const ref = refOf(document)
    if (this.#find(ref) !== undefined) throw fail('record-exists', named(ref))
    const made: Metadata = {
      ...document.metadata, uid: this.#stamp.uid(), generation: 1,
      creationTimestamp: document.metadata.creationTimestamp ?? this.#stamp.now(),
    }
    return this.#insert({ ...document, metadata: made })
  }

  replace(document: Document): Stored {
    const ref = refOf(document)
    const found = this.#find(ref)
    if (found === undefined) throw fail('record-missing', named(ref))
    const before = decode(found.body)
    const { resourceVersion, uid } = document.metadata
    const sameUid = uid === undefined || uid === before.metadata.uid
    if (resourceVersion !== before.metadata.resourceVersion || !sameUid) {
      throw fail('record-conflict', named(ref))
    }
    const specChanged = !isDeepStrictEqual(document['spec'], before['spec'])
    const metadata: Metadata = {
      ...document.metadata, uid: before.metadata.uid,
      creationTimestamp: before.metadata.creationTimestamp,
      generation: (before.metadata.generation ?? 1) + (specChanged ? 1 : 0),
    }
    return this.#update({ ...document, metadata }, { id: found.id, before })
  }

  delete(ref: Ref, uid: string | undefined): boolean {
    const found = this.#find(ref)
    if (found === undefined) return false
    const document = decode(found.body)
    if (uid !== undefined && uid !== document.metadata.uid) {
      throw fail('record-conflict', named(ref))
    }
    this.#drop(found.id, document)
    return true
  }

  /** Takes a document out, and everything that it controls. */
  #drop(id: number, document: Stored): void {
    const owned = this.#prepare('SELECT id, body FROM documents WHERE owner = ?')
    const children = owned.all(document.metadata.uid)
    this.#prepare('DELETE FROM documents WHERE id = ?').run(id)
    this.#unlabel(id, document)
    const revision = this.#revision() + 1
    const last = withRevision(document, revision)
    this.#record({ change: 'deleted', revision, id, document: last })
    for (const child of children) this.#drop(Number(child['id']), decode(String(child['body'])))
  }

  #insert(document: Document): Stored {
    const revision = this.#revision() + 1
    const { text, stored } = withRevision(document, revision)
    const { apiVersion, kind, namespace, name } = refOf(document)
    const made = this.#prepare(
      'INSERT INTO documents (api_version, kind, namespace, name, uid, owner, body) ' +
        'VALUES (?, ?, ?, ?, ?, ?, ?)',
    ).run(
      apiVersion, kind, namespace ?? '', name, stored.metadata.uid, ownerOf(document) ?? null, text,
    )
    const id = Number(made.lastInsertRowid)
    this.#label(id, document)
    this.#record({ change: 'added', revision, id, document: { text, stored } })
    return stored
  }

  #update(document: Document, { id, before }: { id: number; before: Stored }): Stored {
    const revision = this.#revision() + 1
    const { text, stored } = withRevision(document, revision)
    const change = this.#prepare('UPDATE documents SET owner = ?, body = ? WHERE id = ?')
    change.run(ownerOf(document) ?? null, text, id)
    if (!isDeepStrictEqual(before.metadata.labels, stored.metadata.labels)) {
      this.#unlabel(id, before)
      this.#label(id, document)
    }
    this.#record({ change: 'modified', revision, id, document: { text, stored } })
    return stored
  }

  #label(id: number, { metadata }: Document): void {
    const insert = this.#prepare('INSERT INTO labels (key, value, id) VALUES (?, ?, ?)')
    for (const [key, value] of Object.entries(metadata.labels ?? {})) insert.run(key, value, id)
  }

  #unlabel(id: number, { metadata }: Document): void {
    const remove = this.#prepare('DELETE FROM labels WHERE key = ? AND value = ? AND id = ?')
    for (const [key, value] of Object.entries(metadata.labels ?? {})) remove.run(key, value, id)
  }

  /** A change of what is still there is read from there; only a deleted one keeps its body. */
  #record(of: { change: Change['change']; revision: number; id: number; document: Written }): void {
    const { change, revision, id, document } = of
    const body = change === 'deleted' ? document.text : null
    this.#prepare('INSERT INTO changes (revision, change, kind, id, body) VALUES (?, ?, ?, ?, ?)')
      .run(revision, change, document.stored.kind, id, body)
    if (revision % PRUNE_EVERY === 0) {
      this.#prepare('DELETE FROM changes WHERE revision <= ?').run(revision - KEPT_CHANGES)
    }
  }

  #revision(): number {
    // the newest change is never pruned, so numbers never come twice
    return Number(this.#prepare('SELECT max(revision) AS last FROM changes').get()?.['last'] ?? 0)
  }

  #find({ apiVersion, kind, namespace, name }: Ref): Found | undefined {
    const row = this.#prepare(
      'SELECT id, body FROM documents WHERE kind = ? AND namespace = ? AND name = ? ' +
        'AND api_version = ?',
    ).get(kind, namespace ?? '', name, apiVersion)
    return row === undefined ? undefined : { id: Number(row['id']), body: String(row['body']) }
  }

  #prepare(sql: string): StatementSync {
    const known = this.#statements.get(sql)
    if (known !== undefined) return known
    const made = this.#db.prepare(sql)
    this.#statements.set(sql, made)
    return made
  }
}

/** A document as it is stored, and the text of it. */
type Written = { readonly text: string; readonly stored: Stored }

function withRevision(document: Document, revision: number): Written {
  const metadata = { ...document.metadata, resourceVersion: String(revision) }
  const text = JSON.stringify({ ...document, metadata })
  return { text, stored: decode(text) }
}

/** The row decoder: what stands there is what `#put` put there. */
export function decode(body: string): Stored {
  return JSON.parse(body) as Stored
}

function ownerOf({ metadata }: Document): string | undefined {
  return metadata.ownerReferences?.find((owner) => owner.controller === true)?.uid
}

function refOf({ apiVersion, kind, metadata }: Document): Ref {
  return { apiVersion, kind, namespace: metadata.namespace, name: metadata.name }
}

function named({ kind, namespace, name }: Ref): { kind: string; name: string } {
  return { kind, name: namespace === undefined ? name : `${namespace}/${name}` }
}
