/**
 * The needs of an agent that can be killed: each write passes a point of its
 * {@link Life} first. Reading has no point: it changes nothing.
 * @module
 */
import type { Foreign, Journal, Row } from '#attach/index.ts'
import type { Files } from '#needs/files.ts'
import type { Records } from '#needs/records.ts'
import type { Life } from './life.ts'

export function mortalJournal(journal: Journal, life: Life): Journal {
  return {
    write(rows) {
      life.point(`journal write ${rows.map((row) => row.state).join()}`)
      journal.write(rows)
    },
    erase(attachments) {
      life.point('journal erase')
      journal.erase(attachments)
    },
    get: (attachment) => journal.get(attachment),
    byContainer: (containerId) => journal.byContainer(containerId),
    all: () => journal.all(),
  }
}

/** A journal that is wrong on purpose: what it is told is written only when `flush` is called. */
export function lateJournal(journal: Journal): { journal: Journal; flush: () => void } {
  const waiting = new Map<string, Row>()
  const all = (): Row[] => {
    const rows = journal.all().filter((row) => !waiting.has(row.attachment))
    return [...rows, ...waiting.values()]
  }
  return {
    journal: {
      write(rows) {
        for (const row of rows) waiting.set(row.attachment, row)
      },
      erase(attachments) {
        for (const attachment of attachments) waiting.delete(attachment)
        journal.erase(attachments)
      },
      get: (attachment) => waiting.get(attachment) ?? journal.get(attachment),
      byContainer: (id) => all().filter((row) => row.owner.containerId === id),
      all,
    },
    flush() {
      journal.write([...waiting.values()])
      waiting.clear()
    },
  }
}

export function mortalRecords(records: Records, life: Life): Records {
  return {
    get: (ref) => records.get(ref),
    list: (selection) => records.list(selection),
    watch: (selection, since, signal) => records.watch(selection, since, signal),
    async create(document) {
      life.point(`create ${document.kind}`)
      return records.create(document)
    },
    async replace(document) {
      life.point(`replace ${document.kind}`)
      return records.replace(document)
    },
    async delete(ref, precondition) {
      life.point(`delete ${ref.kind}`)
      return records.delete(ref, precondition)
    },
  }
}

export function mortalFiles(files: Files, life: Life): Files {
  return {
    read: (path) => files.read(path),
    list: (folder) => files.list(folder),
    locked: (path, work) => files.locked(path, work),
    async createExclusive(path, text) {
      life.point('create file')
      return files.createExclusive(path, text)
    },
    async replace(path, text) {
      life.point('replace file')
      return files.replace(path, text)
    },
    async remove(path) {
      life.point('remove file')
      return files.remove(path)
    },
  }
}

/** A plugin that was started goes on without its agent: only its answer gets lost. */
export function mortalForeign(foreign: Foreign, life: Life): Foreign {
  return {
    async run(plugin) {
      const what = `${plugin.env['CNI_COMMAND']} of plugin ${plugin.type}`
      life.point(`the ${what}`)
      const ran = await foreign.run(plugin)
      life.point(`the answer to ${what}`)
      return ran
    },
  }
}
