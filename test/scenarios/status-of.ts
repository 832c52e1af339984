/**
 * What an agent tells of its attachments, by its status socket.
 * @module
 */
import { request } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

export type Told = {
  readonly attachment: string
  readonly state: string
  readonly owner: { readonly ifName: string; readonly containerId: string }
}

/** Asks the agent whose sockets are in `folder`. @throws {Error} when none answers in 10 s */
export async function statusOf(folder: string): Promise<readonly Told[]> {
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
