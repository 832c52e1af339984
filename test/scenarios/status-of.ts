/**
 * What an agent tells of its attachments, by its status socket.
 * @module
 */
import { request } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'

export type Told = {
  readonly attachment: string
  readonly state: string
  readonly owner: { readonly ifName: string; readonly containerId: string }
}

const TRIES = 100
const PAUSE_MS = 50

/**
 * Asks the agent whose sockets are in `folder`; one that is being started again
 * is waited for. @throws {Error} when none answers
 */
export async function statusOf(folder: string): Promise<readonly Told[]> {
  for (let tries = 1; tries < TRIES; tries++) {
    try {
      return await askStatus(folder)
    } catch (cause) {
      const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
      if (code !== 'ECONNREFUSED' && code !== 'ENOENT') throw cause
    }
    await sleep(PAUSE_MS)
  }
  return askStatus(folder)
}

async function askStatus(folder: string): Promise<readonly Told[]> {
  const socketPath = join(folder, 'status.sock')
  const body = await new Promise<string>((resolve, reject) => {
    const asked = request({ socketPath, path: '/status', agent: false, timeout: 10_000 })
    asked.once('response', (response) => void text(response).then(resolve, reject))
    asked.once('error', reject)
    asked.end()
  })
  const told: { attachments: readonly Told[] } = JSON.parse(body)
  return told.attachments
}
