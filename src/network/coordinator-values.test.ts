import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { withCoordinatorValues } from './coordinator-values.ts'

const own = { type: 'coordinator', mode: 'auto', tunePodRoutes: true }
const cluster = {
  apiVersion: 'spiderpool.spidernet.io/v2beta1',
  kind: 'SpiderCoordinator',
  metadata: { name: 'default' },
  spec: {
    mode: 'underlay',
    hijackCIDR: ['10.1.0.0/16'],
    vethMTU: 1400,
    podDefaultRouteNIC: 'net1',
  },
  status: { overlayPodCIDR: ['10.244.0.0/16'], serviceCIDR: [] },
}

const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'a', annotations: { 'ipam.spidernet.io/default-route-nic': 'net2' } },
}

for (const { does, conf, coordinator, gives, of = undefined } of [
  {
    does: "lets the pod's annotation name the default route's interface",
    conf: own,
    coordinator: { ...cluster, spec: { podDefaultRouteNIC: 'net1' }, status: {} },
    gives: { ...own, podDefaultRouteNic: 'net2' },
    of: pod,
  },
  {
    does: 'lets the network itself go before the annotation',
    conf: { ...own, hijackCIDR: ['10.2.0.0/16'], podDefaultRouteNic: 'eth0' },
    coordinator: undefined,
    gives: { ...own, hijackCIDR: ['10.2.0.0/16'], podDefaultRouteNic: 'eth0' },
    of: pod,
  },
  {
    does: 'fills in the built-in values where there is no SpiderCoordinator',
    conf: own,
    coordinator: undefined,
    gives: { ...own, hijackCIDR: ['169.254.0.0/16'] },
  },
  {
    does: "takes the cluster's values for what is absent or empty",
    conf: { ...own, hijackCIDR: [] },
    coordinator: cluster,
    gives: {
      ...own,
      hijackCIDR: ['10.1.0.0/16'],
      vethMTU: 1400,
      podDefaultRouteNic: 'net1',
      overlayPodCIDR: ['10.244.0.0/16'],
    },
  },
  {
    does: 'leaves what the network says',
    conf: { ...own, hijackCIDR: ['10.2.0.0/16'], vethMTU: 9000, podDefaultRouteNic: 'eth0' },
    coordinator: { ...cluster, status: {} },
    gives: { ...own, hijackCIDR: ['10.2.0.0/16'], vethMTU: 9000, podDefaultRouteNic: 'eth0' },
  },
]) {
  test(`withCoordinatorValues() ${does}`, () => {
    deepEqual(withCoordinatorValues(conf, coordinator, of), gives)
  })
}
