/** What other folders may use of the CNI plugins. @module */
export type { DetachRequest, Plugin, PluginRequest } from './plugin.ts'
