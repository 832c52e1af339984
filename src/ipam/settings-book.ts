/**
 * The settings as they are stored: read once, then kept by a watch. A change
 * holds within the time that the store takes to tell of it.
 * @module
 */
import type { Records } from '#needs/records.ts'
import { DEFAULT_SETTINGS, type Settings, isSettings } from '#schema/spiderpool-settings.ts'

const CONFIG_MAPS = { apiVersion: 'v1', kind: 'ConfigMap' } as const

/** Its watch ends when it is disposed of, or with its store. */
export class SettingsBook {
  readonly #records: Records
  readonly #ended = new AbortController()
  #settings: Settings = DEFAULT_SETTINGS
  #reading: Promise<void> | undefined

  constructor(records: Records) {
    this.#records = records
  }

  /** What holds now. @throws {Failure} of the store */
  async settings(): Promise<Settings> {
    this.#reading ??= this.#start()
    await this.#reading
    return this.#settings
  }

  /** What was known last. */
  get known(): Settings {
    return this.#settings
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort()
  }

  async #start(): Promise<void> {
    try {
      const page = await this.#records.list(CONFIG_MAPS)
      await this.#take(page.items.find(isSettings))
      this.#follow(page.resourceVersion).then(
        () => this.#again(),
        () => this.#again(),
      )
    } catch (cause) {
      this.#again()
      throw cause
    }
  }

  async #follow(since: string): Promise<void> {
    const watch = this.#records.watch(CONFIG_MAPS, since, this.#ended.signal)
    for await (const { change, document } of watch) {
      if (isSettings(document)) await this.#take(change === 'deleted' ? undefined : document)
    }
  }

  /** The next that wants to know reads anew. */
  #again(): void {
    this.#reading = undefined
  }

  async #take(configMap: unknown): Promise<void> {
    if (configMap === undefined) {
      this.#settings = DEFAULT_SETTINGS
      return
    }
    // the YAML library is loaded only where there is something to read
    const { readSettings } = await import('#schema/settings-text.ts')
    this.#settings = readSettings(configMap).settings
  }
}
