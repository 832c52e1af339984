import { deepEqual, equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import { cyclesOf } from './graph.ts'
import type { Import } from './imports.ts'
import { faultOf } from './layers.ts'

/** `what` as imported by the file `from`; a `fault` is what is said of it, none when allowed. */
type Row = Partial<Pick<Import, 'form' | 'typeOnly'>> & {
  readonly from: string
  readonly what: string
  readonly fault?: RegExp
}

const named = { line: 1, typeOnly: false, form: 'named' } as const

const ROWS: readonly Row[] = [
  { from: 'src/wire/rdma/device.ts', what: '#values/guid.ts' },
  { from: 'src/wire/rdma/device.ts', what: '#wire/failures.ts' },
  { from: 'src/wire/rdma/device.ts', what: '#wire/netlink/attribute.ts', form: 'namespace' },
  { from: 'src/wire/rdma/device.ts', what: 'node:fs', fault: /never imports node:fs/ },
  { from: 'src/wire/rdma/device.ts', what: '../failures.ts', fault: /inside a folder/ },
  { from: 'src/wire/rdma/device.ts', what: '#wire/rdma/port.ts', fault: /is in this folder/ },
  { from: 'src/values/guid.ts', what: '#needs/clock.ts', fault: /values\/ may not import needs/ },
  { from: 'src/needs/log.ts', what: '#values/guid.ts', fault: /only types of values/ },
  { from: 'src/needs/log.ts', what: '#values/guid.ts', typeOnly: true },
  { from: 'src/cni/ipoib.ts', what: '#ipam/index.ts', fault: /cni\/ may not import ipam/ },
  { from: 'src/attach/add.ts', what: '#ipam/index.ts' },
  { from: 'src/attach/add.ts', what: '#ipam/pool.ts', typeOnly: true, fault: /by its index/ },
  { from: 'src/attach/add.ts', what: '#store/journal.ts', fault: /attach\/ may not import store/ },
  { from: 'src/store/journal.ts', what: '#attach/row.ts', typeOnly: true },
  { from: 'src/store/journal.ts', what: '#attach/row.ts', fault: /only types of attach/ },
  { from: 'src/host/links.ts', what: '#store/journal.ts', typeOnly: true, fault: /may not import/ },
  { from: 'src/apps/cli/run.ts', what: '#apps/failures.ts' },
  { from: 'src/apps/cli/program.ts', what: '#apps/lab/index.ts' },
  { from: 'src/apps/lab/index.ts', what: '#apps/cli/run.ts', fault: /app lab may not import/ },
  { from: 'src/apps/options.ts', what: '#apps/cli/run.ts', fault: /app apps may not import/ },
  { from: 'bin/verbena.ts', what: '#apps/cli/run.ts' },
  { from: 'bin/verbena.ts', what: '#store/records.ts', fault: /bin\/ may not import store/ },
  { from: 'src/schema/zod.ts', what: 'zod' },
  { from: 'src/ipam/pool.ts', what: 'zod', fault: /zod is only for schema/ },
  { from: 'src/apps/lab/x.ts', what: 'commander', fault: /commander is only for apps\/cli/ },
  { from: 'src/apps/lab/x.ts', what: 'lodash', fault: /lodash is not in the table/ },
  { from: 'src/ipam/pool.test.ts', what: '#sim/records.ts' },
  { from: 'src/ipam/pool.ts', what: './plan.ts', form: 'reexport', fault: /only the index/ },
  { from: 'src/ipam/index.ts', what: './plan.ts', form: 'reexport' },
  { from: 'src/ipam/index.ts', what: './plan.ts', form: 'reexport-all', fault: /export \*/ },
  { from: 'src/host/x.ts', what: 'node:fs', form: 'namespace', fault: /primitives of a codec/ },
  { from: 'src/news/x.ts', what: '#values/ip.ts', fault: /does not know news/ },
]

for (const { from, what, fault, ...how } of ROWS) {
  const verdict = fault === undefined ? 'allows' : 'refuses'
  test(`faultOf() ${verdict} ${what} in ${from} ${JSON.stringify(how)}`, () => {
    const made: Import = { ...named, ...how, specifier: what }
    const text = faultOf({ path: from, test: /\.test\.ts$|^test\//.test(from) }, made)
    if (fault === undefined) equal(text, undefined)
    else match(text ?? '', fault)
  })
}

for (const { does, edges, cycles } of [
  { does: 'finds none in a tree', edges: { a: ['b', 'c'], b: ['c'], c: [] }, cycles: [] },
  { does: 'finds a file that imports itself', edges: { a: ['a'] }, cycles: [['a']] },
  {
    does: 'finds one circle once, from its smallest name',
    edges: { c: ['a'], a: ['b'], b: ['c'], d: ['a'] },
    cycles: [['a', 'b', 'c']],
  },
]) {
  test(`cyclesOf() ${does}`, () => {
    deepEqual(cyclesOf(new Map(Object.entries(edges))), cycles)
  })
}
