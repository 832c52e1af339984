/**
 * A real OpenSM over the fabric of the virtual machine: its partition file, its
 * signal, its log.
 *
 * Spec: opensm(8), PARTITION CONFIGURATION; P_Keys without the membership bit.
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { FabricPort } from './fabric.ts'
import { waitFor } from './guest.ts'

const DEFAULT_RULE = 'Default=0x7fff,ipoib : ALL=full ;\n'

export class OpenSm implements AsyncDisposable {
  readonly #folder: string
  readonly #process: ChildProcess

  private constructor(folder: string, at: FabricPort) {
    this.#folder = folder
    const env = { ...process.env, OSM_TMP_DIR: folder, OSM_CACHE_DIR: folder }
    const files = ['-P', join(folder, 'partitions.conf'), '-f', join(folder, 'log')]
    const words = ['-g', `0x${at.guid}`, ...files, '-e', '-s', '2', '-d', '2']
    this.#process = spawn('opensm', words, { env, stdio: 'ignore' })
  }

  /** On the port `at`; it has swept the fabric once. */
  static async start(at: FabricPort): Promise<OpenSm> {
    const folder = await mkdtemp('/tmp/vm-opensm-')
    await writeFile(join(folder, 'partitions.conf'), DEFAULT_RULE)
    const sm = new OpenSm(folder, at)
    await waitFor('OpenSM to bring the fabric up', async () => {
      return (await sm.log()).includes('SUBNET UP')
    })
    return sm
  }

  log(): Promise<string> {
    return readFile(join(this.#folder, 'log'), 'utf8').catch(() => '')
  }

  /** Puts ports into a partition, beside the default one. */
  async assign(pkey: string, ports: readonly FabricPort[]): Promise<void> {
    const members = ports.map(({ guid }) => `0x${guid}=full`).join(', ')
    const file = join(this.#folder, 'partitions.conf')
    await writeFile(`${file}.new`, `${DEFAULT_RULE}Tenant=${pkey},ipoib : ${members} ;\n`)
    await rename(`${file}.new`, file)
    this.#process.kill('SIGHUP')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once('exit', resolve))
    this.#process.kill('SIGTERM')
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), 5_000)
    await ended
    clearTimeout(timer)
    await rm(this.#folder, { recursive: true, force: true })
  }
}
