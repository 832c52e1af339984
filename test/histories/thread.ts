/**
 * One thread of `run.ts`.
 * @module
 */
import { parentPort, workerData } from 'node:worker_threads'
import { explore } from './explore.ts'

parentPort?.postMessage(await explore(workerData))
