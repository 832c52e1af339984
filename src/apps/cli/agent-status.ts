/**
 * Asks an agent for its attachments: `GET /status` on its status socket.
 * An agent that is not there is no error: a store can be looked at without one.
 * @module
 */
import { request } from 'node:http'
import { fail } from '#apps/failures.ts'
import { isRecord } from '#schema/zod.ts'
import type { Context, StatusOptions } from './context.ts'
import { itemsAt, textAt, textsAt } from './fields.ts'

/** One attachment as its agent sees it. */
export type AgentAttachment = {
  readonly attachment: string
  readonly podUid: string | undefined
  readonly network: string
  readonly containerId: string
  readonly ifName: string
  readonly state: string
  /** Addresses of its result, with prefix length. */
  readonly addresses: readonly string[]
  /** What it waits for, in words. */
  readonly waiting: readonly string[]
}

export type AgentStatus = {
  readonly node: string
  readonly attachments: readonly AgentAttachment[]
}

const DEFAULT_PATH = '/run/verbena/status.sock'
const TIMEOUT_MS = 2_000

/**
 * Undefined when nobody answers at the usual place.
 * @throws {Failure} `agent-silent`: the socket was named, and nobody answers there
 */
export async function agentStatus(
  { statusSocket }: StatusOptions,
  { env }: Pick<Context, 'env'>,
): Promise<AgentStatus | undefined> {
  const named = statusSocket ?? env['VERBENA_STATUS_SOCKET']
  const path = named ?? DEFAULT_PATH
  try {
    return statusOf(JSON.parse(await bodyOf(path)))
  } catch (cause) {
    if (named === undefined) return undefined
    throw fail('agent-silent', { path }, cause)
  }
}

function bodyOf(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath: path, path: '/status', timeout: TIMEOUT_MS }, (answer) => {
      let text = ''
      answer.setEncoding('utf8')
      answer.on('data', (piece: string) => {
        text += piece
      })
      answer.on('error', reject)
      answer.on('end', () => {
        if (answer.statusCode === 200) resolve(text)
        else reject(new Error(`it answers with status ${answer.statusCode}`))
      })
    })
    asked.on('timeout', () => asked.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)))
    asked.on('error', reject)
    asked.end()
  })
}

function statusOf(body: unknown): AgentStatus {
  const attachments = itemsAt(body, 'attachments').filter(isRecord)
  return {
    node: textAt(body, 'node') ?? '',
    attachments: attachments.map((one) => ({
      attachment: textAt(one, 'attachment') ?? '',
      podUid: textAt(one, 'owner', 'pod', 'uid'),
      network: textAt(one, 'owner', 'network') ?? '',
      containerId: textAt(one, 'owner', 'containerId') ?? '',
      ifName: textAt(one, 'owner', 'ifName') ?? '',
      state: textAt(one, 'state') ?? '',
      addresses: itemsAt(one, 'result', 'ips').flatMap((ip) => textAt(ip, 'address') ?? []),
      waiting: textsAt(one, 'waiting'),
    })),
  }
}
