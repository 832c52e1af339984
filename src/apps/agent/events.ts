/**
 * Every line the agent logs: the message is constant, the rest are fields.
 * @module
 */

export const EVENTS = {
  ready: 'agent ready',
  stopping: 'agent stopping',
  recovered: 'unfinished attachments undone',
  added: 'attached',
  deleted: 'detached',
  answered: 'request answered',
  refused: 'request refused',
  noted: 'attachment noted',
  badClient: 'connection closed: client broke the protocol',
  slowClient: 'connection closed: client too slow',
  statusFailed: 'network status not written',
  defect: 'defect',
} as const
