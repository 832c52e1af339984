/**
 * Does what a repair says, on the store. What was changed meanwhile is left:
 * a document goes only with its UID, and is replaced only as it was read.
 * @module
 */
import type { Act, Repair } from '#ipam/index.ts'
import type { Records } from '#needs/records.ts'
import { failureIn } from '#values/failure.ts'
import type { Planned } from './planned.ts'

/** Codes that say the document is no longer as it was seen. */
const MEANWHILE = ['record-conflict', 'record-exists', 'record-missing'] as const

export function mendingOf({ acts, ...repair }: Repair, records: Records): Planned {
  if (acts.length === 0) return { ...repair, mend: undefined }
  return {
    ...repair,
    async mend() {
      for (const act of acts) if (!(await isDone(act, records))) return false
      return true
    },
  }
}

async function isDone(act: Act, records: Records): Promise<boolean> {
  try {
    if (act.do === 'delete') return await records.delete(act.ref, { uid: act.uid })
    if (act.do === 'create') await records.create(act.document)
    else await records.replace(act.document)
    return true
  } catch (cause) {
    const code = failureIn(cause)?.code
    if (MEANWHILE.some((one) => one === code)) return false
    throw cause
  }
}
