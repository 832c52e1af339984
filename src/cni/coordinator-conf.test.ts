import { deepEqual, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { cniErrorOf } from '#wire/cni/error-json.ts'
import { type CoordinatorConf } from './coordinator-conf.ts'
import { coordinator } from './coordinator.ts'
import { GUIDE, request } from './coordinator-sample.ts'

const base: CoordinatorConf = {
  mode: 'auto',
  firstNic: request.ifName,
  vethLinkAddress: undefined,
  vethMtu: 1500,
  hijack: [],
  policyRoutes: [],
  tunePodRoutes: true,
  hostTable: 500,
  rpFilter: '0',
  txQueueLength: undefined,
}
for (const { over, want } of [
  { over: {}, want: {} },
  { over: { mode: 'disable' }, want: { mode: 'disabled' } },
  { over: { mode: 'disabled' }, want: { mode: 'disabled' } },
  {
    over: { mode: 'underlay', podRPFilter: -1, txQueueLen: 5 },
    want: { mode: 'underlay', rpFilter: undefined, txQueueLength: 5 },
  },
  {
    over: {
      overlayPodCIDR: ['10.244.0.0/16'],
      serviceCIDR: ['10.96.0.0/12'],
      hijackCIDR: ['10.20.0.0/16'],
      vethMTU: 2044,
      hostRuleTable: 600,
      podDefaultRouteNic: 'eth0',
      logOptions: { logLevel: 'debug' },
    },
    want: {
      hijack: ['10.244.0.0/16', '10.96.0.0/12', '10.20.0.0/16'],
      vethMtu: 2044,
      hostTable: 600,
    },
  },
  {
    over: {
      PolicyRoutes: [{ DST: '10.30.0.0/16', gw: '10.40.0.1' }],
      vethLinkAddress: '169.254.0.1',
    },
    want: {
      policyRoutes: [{ dst: '10.30.0.0/16', gw: '10.40.0.1' }],
      vethLinkAddress: '169.254.0.1',
    },
  },
]) {
  test(`parse() of coordinator reads ${JSON.stringify(over)}`, () => {
    deepEqual(coordinator.parse({ ...GUIDE, ...over }), {
      conf: { ...base, ...want },
      warnings: [],
    })
  })
}

const refusedKeys: { over: Record<string, unknown>; code: number; msg: string }[] = [
  { over: { mode: 'fast' }, code: 7, msg: 'unknown mode: fast' },
  {
    over: { mode: 'overlay' },
    code: 2,
    msg: 'Cannot use mode overlay with plugin coordinator: only underlay is there',
  },
  {
    over: { podMACPrefix: '02:aa' },
    code: 2,
    msg:
      'Cannot use podMACPrefix 02:aa with plugin coordinator: an ' +
      'interface keeps its address; on IPoIB the kernel makes it',
  },
  {
    over: { podDefaultRouteNic: 'net1' },
    code: 2,
    msg:
      'Cannot use podDefaultRouteNic net1 with plugin ' +
      'coordinator: the default route stays on eth0',
  },
  {
    over: { hijackCIDR: ['10.0.0.1'] },
    code: 7,
    msg:
      'failed to load netconf: hijackCIDR[0]: Invalid ' +
      'value: "10.0.0.1": it is not ADDRESS/PREFIX',
  },
  {
    over: { podRPFilter: -2 },
    code: 7,
    msg: 'failed to load netconf: podRPFilter: Invalid value: -2: must be at least -1',
  },
]
for (const { over, code, msg } of refusedKeys) {
  test(`parse() of coordinator answers ${code} to ${JSON.stringify(over)}`, () => {
    throws(
      () => coordinator.parse({ ...GUIDE, ...over }),
      (thrown) => {
        deepEqual([cniErrorOf(thrown).code, cniErrorOf(thrown).msg], [code, msg])
        return true
      },
    )
  })
}
