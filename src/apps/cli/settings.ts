/**
 * The settings that hold among documents: those of the ConfigMap
 * `spiderpool-conf`, else the chart's defaults.
 * @module
 */
import { readSettings } from '#schema/settings-text.ts'
import { DEFAULT_SETTINGS, isSettings, type Settings } from '#schema/spiderpool-settings.ts'
import { documentsOf, type State } from './state.ts'

const CONFIG_MAP = { apiVersion: 'v1', kind: 'ConfigMap' } as const

export function settingsIn(state: State): Settings {
  const found = documentsOf(state, CONFIG_MAP).find(isSettings)
  return found === undefined ? DEFAULT_SETTINGS : readSettings(found).settings
}
