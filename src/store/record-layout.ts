/**
 * Tables of the documents. A document stands under the revision of its last
 * change, which is its resource version: reading upwards from a revision is
 * reading the changes after it, in order, each document once as it is now. A
 * deleted one stands there too, for as long as changes are kept.
 *
 * Labels are indexed in batches (a write then touches one page of each of two
 * trees only): `marks.indexed` says up to which revision; what came after is
 * few and is looked through.
 * @module
 */
import type { Layout } from './database.ts'

export const RECORD_LAYOUT: Layout = {
  version: 1,
  statements: `
    CREATE TABLE kinds (
      id INTEGER PRIMARY KEY, api_version TEXT NOT NULL, kind TEXT NOT NULL,
      UNIQUE (api_version, kind)
    ) STRICT;
    CREATE TABLE documents (
      revision INTEGER PRIMARY KEY,
      -- revision of its creation; null when that is its last change
      created INTEGER,
      -- revision at which its labels changed last, and what they were before
      relabelled INTEGER, labels_before TEXT,
      deleted INTEGER NOT NULL DEFAULT 0,
      kind INTEGER NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
      -- uid of its controller
      owner TEXT,
      -- as one text, each between line ends: key=value
      labels TEXT NOT NULL,
      -- JSON without the resource version
      body TEXT NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX by_name ON documents (kind, namespace, name) WHERE deleted = 0;
    CREATE INDEX by_owner ON documents (owner) WHERE owner IS NOT NULL AND deleted = 0;
    CREATE TABLE labels (
      label TEXT NOT NULL, kind INTEGER NOT NULL, revision INTEGER NOT NULL,
      PRIMARY KEY (label, kind, revision)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE marks (name TEXT PRIMARY KEY, revision INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    INSERT INTO marks VALUES ('indexed', 0), ('pruned', 0)`,
}

type Labels = Readonly<Record<string, string>>

/** Labels as the column has them: empty without any. */
export function formatLabels(labels: Labels | undefined): string {
  let text = ''
  for (const key in labels) text += `\n${labelOf(key, labels[key] ?? '')}`
  return text === '' ? '' : `${text}\n`
}

/** One label as it stands in the index and, between line ends, in the column. */
export function labelOf(key: string, value: string): string {
  return `${key}=${value}`
}

/** The labels of a column, one text each. */
export function splitLabels(text: string): string[] {
  return text.split('\n').filter((label) => label !== '')
}
