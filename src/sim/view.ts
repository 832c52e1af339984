/**
 * What steps are taken on: a simulated host as one agent sees it, and the changes
 * that a step makes there one by one.
 * @module
 */
import type { Refusal } from './errno.ts'
import type { SimHost } from './host.ts'

/** One change of the kernel's state, or the reason why it was not made. */
export type Effect = { readonly effect: string; readonly run: () => Refusal | undefined }

/** The host, and the name of the namespace that `host` stands for. */
export type View = { readonly host: SimHost; readonly own: string }
