import { deepEqual, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { cniErrorOf } from '#wire/cni/error-json.ts'
import { type CoordinatorConf } from './coordinator-conf.ts'
import { coordinator } from './coordinator.ts'
import { GUIDE, request } from './coordinator-sample.ts'

const base: CoordinatorConf = {
  mode: 'auto',
  firstNic: request.ifName,
  routeNic: undefined,
  vethLinkAddress: undefined,
  vethMtu: 1500,
  macPrefix: undefined,
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
  { over: { mode: 'overlay', podRPFilter: -7 }, want: { mode: 'overlay', rpFilter: undefined } },
  {
    over: {
      hijackCIDR: ['10.0.0.1', 'fd00::1'],
      policyRoutes: [{ dst: '10.3.0.1', gw: '10.0.0.9' }],
    },
    want: {
      hijack: ['10.0.0.1/32', 'fd00::1/128'],
      policyRoutes: [{ dst: '10.3.0.1/32', gw: '10.0.0.9' }],
    },
  },
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
      podDefaultRouteNic: 'net1',
      podMACPrefix: '0A:1b',
      logOptions: { logLevel: 'debug' },
    },
    want: {
      hijack: ['10.244.0.0/16', '10.96.0.0/12', '10.20.0.0/16'],
      vethMtu: 2044,
      hostTable: 600,
      routeNic: 'net1',
      macPrefix: '0a:1b',
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
    over: { podMACPrefix: '01:10' },
    code: 7,
    msg:
      'failed to load netconf: podMACPrefix: 01:10 begins no unicast address: ' +
      'bit 0 of its first byte is set',
  },
  {
    over: { podMACPrefix: '0a:1b:2c' },
    code: 7,
    msg:
      'failed to load netconf: podMACPrefix: 0a:1b:2c is not two bytes of two ' +
      'hexadecimal digits each, joined by a colon',
  },
  {
    over: { hijackCIDR: ['10.0.0'] },
    code: 7,
    msg: 'failed to load netconf: hijackCIDR[0]: Invalid value: "10.0.0": it has not four parts',
  },
  {
    over: { podRPFilter: 3 },
    code: 7,
    msg: 'failed to load netconf: podRPFilter: Invalid value: 3: must be at most 2',
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
