/**
 * The journal in a map: rows are values, never changed, so the map is what is
 * durable.
 * @module
 */
import type { Journal, Row } from '#attach/index.ts'

export function memoryJournal(): Journal {
  const rows = new Map<string, Row>()
  return {
    write(all) {
      for (const row of all) rows.set(row.attachment, row)
    },
    erase(attachments) {
      for (const attachment of attachments) rows.delete(attachment)
    },
    get: (attachment) => rows.get(attachment),
    byContainer: (id) => [...rows.values()].filter((row) => row.owner.containerId === id),
    all: () => [...rows.values()],
  }
}
