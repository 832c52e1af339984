/**
 * The agent's status on a unix socket, as JSON, for the CLI: `GET /status` its
 * attachments and what it refused, `GET /world` the host as it sees it.
 * @module
 */
import { chmod, rm } from 'node:fs/promises'
import type { Server } from 'node:http'
import type { Journal, Row } from '#attach/index.ts'
import type { Refusal } from './refusals.ts'

/** What the CLI and people are told of one attachment. */
export type AttachmentStatus = {
  readonly attachment: string
  readonly owner: Row['owner']
  readonly state: Row['state']
  readonly netns: string
  readonly result: Row['result']
  /** What it waits for, in words; empty when nothing. */
  readonly waiting: readonly string[]
  readonly sinceMs: number
}

export type StatusNeeds = {
  readonly node: string
  readonly journal: Journal
  readonly startedMs: number
  waitingOf(row: Row): Promise<readonly string[]>
  /** ADDs that were refused and not made since, oldest first. */
  refused(): readonly Refusal[]
  world(): Promise<object>
}

const PAGES: Readonly<Record<string, (needs: StatusNeeds) => Promise<string>>> = {
  '/status': statusOf,
  '/world': async (needs) => JSON.stringify(await needs.world()),
}

/** Serves until it is disposed. */
export class StatusServer {
  readonly #server: Server
  readonly #path: string

  constructor(path: string, needs: StatusNeeds) {
    this.#path = path
    // not by an import: that would load all of HTTP's client side at start
    const { createServer } = process.getBuiltinModule('node:http')
    this.#server = createServer((request, response) => {
      const page = request.method === 'GET' ? PAGES[request.url ?? ''] : undefined
      if (page === undefined) {
        response.writeHead(404).end()
        return
      }
      void page(needs).then(
        (body) => response.writeHead(200, { 'content-type': 'application/json' }).end(body),
        () => response.writeHead(500).end(),
      )
    })
    this.#server.requestTimeout = 5_000
    this.#server.maxConnections = 32
  }

  async listen(): Promise<void> {
    await rm(this.#path, { force: true })
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(this.#path, resolve)
    })
    await chmod(this.#path, 0o600)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
    await rm(this.#path, { force: true })
  }
}

async function statusOf(needs: StatusNeeds): Promise<string> {
  const rows = needs.journal.all()
  const attachments = await Promise.all(
    rows.map(async (row): Promise<AttachmentStatus> => {
      const { attachment, owner, state, netns, result, since: sinceMs } = row
      const waiting = await needs.waitingOf(row)
      return { attachment, owner, state, netns, result, waiting, sinceMs }
    }),
  )
  const rssBytes = process.memoryUsage.rss()
  return JSON.stringify({
    node: needs.node,
    ready: true,
    pid: process.pid,
    startedMs: needs.startedMs,
    rssBytes,
    attachments,
    refused: needs.refused(),
  })
}
