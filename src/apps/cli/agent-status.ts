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
  readonly podNamespace: string | undefined
  readonly podName: string | undefined
  readonly network: string
  readonly containerId: string
  readonly ifName: string
  readonly state: string
  /** Addresses of its result, with prefix length. */
  readonly addresses: readonly string[]
  /** What it waits for, in words. */
  readonly waiting: readonly string[]
}

/** An ADD that the agent refused, and has not made since. */
export type Refused = {
  readonly podUid: string | undefined
  readonly ifName: string
  readonly text: string
  /** Milliseconds since 1970. */
  readonly atMs: number
}

export type AgentStatus = {
  readonly node: string
  /** Oldest first. */
  readonly refused: readonly Refused[]
  readonly attachments: readonly AgentAttachment[]
}

const DEFAULT_PATH = '/run/verbena/status.sock'
const TIMEOUT_MS = 2_000

/**
 * Undefined when nobody answers at the usual place.
 * @throws {Failure} `agent-silent`: the socket was named, and nobody answers there
 */
export async function agentStatus(
  options: StatusOptions,
  context: Pick<Context, 'env'>,
): Promise<AgentStatus | undefined> {
  const body = await pageOf('/status', options, context)
  return body === undefined ? undefined : statusOf(body)
}

/** The host as the agent sees it, a world; undefined when nobody answers, or one that cannot. */
export async function agentWorld(
  options: StatusOptions,
  context: Pick<Context, 'env'>,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  const body = await pageOf('/world', options, context).catch(() => undefined)
  return isRecord(body) ? body : undefined
}

async function pageOf(
  page: string,
  { statusSocket }: StatusOptions,
  { env }: Pick<Context, 'env'>,
): Promise<unknown> {
  const named = statusSocket ?? env['VERBENA_STATUS_SOCKET']
  const path = named ?? DEFAULT_PATH
  try {
    return JSON.parse(await bodyOf(path, page))
  } catch (cause) {
    if (named === undefined) return undefined
    throw fail('agent-silent', { path }, cause)
  }
}

function bodyOf(path: string, page: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath: path, path: page, timeout: TIMEOUT_MS }, (answer) => {
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
    refused: itemsAt(body, 'refused')
      .filter(isRecord)
      .map((one) => ({
        podUid: textAt(one, 'podUid'),
        ifName: textAt(one, 'ifName') ?? '',
        text: textAt(one, 'text') ?? '',
        atMs: Number(one['atMs'] ?? 0),
      })),
    attachments: attachments.map((one) => ({
      attachment: textAt(one, 'attachment') ?? '',
      podUid: textAt(one, 'owner', 'pod', 'uid'),
      podNamespace: textAt(one, 'owner', 'pod', 'namespace'),
      podName: textAt(one, 'owner', 'pod', 'name'),
      network: textAt(one, 'owner', 'network') ?? '',
      containerId: textAt(one, 'owner', 'containerId') ?? '',
      ifName: textAt(one, 'owner', 'ifName') ?? '',
      state: textAt(one, 'state') ?? '',
      addresses: itemsAt(one, 'result', 'ips').flatMap((ip) => textAt(ip, 'address') ?? []),
      waiting: textsAt(one, 'waiting'),
    })),
  }
}
