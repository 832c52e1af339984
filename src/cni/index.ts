/** What other folders may use of the CNI plugins. @module */
export { PLUGIN_FAILURES } from './failures.ts'
export type { DetachRequest, Plugin, PluginRequest } from './plugin.ts'
export { PLUGINS, type PluginNeeds } from './table.ts'
export { type Taken, checkStanding } from './standing.ts'
export { stepLines } from './step-lines.ts'
