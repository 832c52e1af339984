/** What the kubelet gave to a pod, and which network has it. @module */
import { deepEqual, rejects, throws } from 'node:assert/strict'
import { test } from 'node:test'
import type { Document } from '#needs/records.ts'
import { wantedAttachments } from './attachment.ts'
import { isDeviceInfoOf, parseDeviceFile, devicePluginFile } from './device-info.ts'
import { readMultusConf } from './multus-conf.ts'
import {
  deviceOfEach,
  devicesInAnswer,
  devicesInCheckpoint,
  type PodDevices,
} from './pod-devices.ts'

const POD = { namespace: 'ns', name: 'p' }
const R = 'spidernet.io/rail'
/** Two containers, ids out of order within each. */
const ANSWER = {
  podResources: [
    {
      ...POD,
      name: 'other',
      containers: [{ name: 'a', devices: [{ resourceName: R, deviceIds: ['x'] }] }],
    },
    {
      ...POD,
      containers: [
        { name: 'b', devices: [{ resourceName: R, deviceIds: ['0000:03:00.2', '0000:03:00.1'] }] },
        {
          name: 'a',
          devices: [
            { resourceName: R, deviceIds: ['0000:01:00.1'], topology: { nodes: [{ ID: '0' }] } },
            { resourceName: 'r/y', deviceIds: ['7'] },
          ],
        },
      ],
    },
  ],
}
const EXPECTED = [
  [R, ['0000:03:00.1', '0000:03:00.2', '0000:01:00.1']],
  ['r/y', ['7']],
]
const asText = (value: unknown) => ({ file: 'f', text: JSON.stringify(value) })

test('devicesInAnswer() keeps the order of containers and sorts within each', () => {
  deepEqual([...devicesInAnswer(asText(ANSWER), POD)], EXPECTED)
})

test('devicesInAnswer() takes the spelling of Go too', () => {
  const text = JSON.stringify(ANSWER)
    .replaceAll('podResources', 'pod_resources')
    .replaceAll('resourceName', 'resource_name')
    .replaceAll('deviceIds', 'device_ids')
  deepEqual([...devicesInAnswer({ file: 'f', text }, POD)], EXPECTED)
})

test('devicesInCheckpoint() finds the pod by uid, containers in its order', () => {
  const entry = (ContainerName: string, ResourceName: string, DeviceIDs: unknown) => ({
    ...{ PodUID: 'u', ContainerName, ResourceName, DeviceIDs, AllocResp: 'CgA=' },
  })
  const Data = {
    PodDeviceEntries: [
      entry('a', R, { 0: ['0000:01:00.1'] }),
      entry('a', 'r/y', ['7']),
      entry('b', R, { 1: ['0000:03:00.2'], '-1': ['0000:03:00.1'] }),
      { ...entry('b', R, { 0: ['x'] }), PodUID: 'other' },
    ],
    RegisteredDevices: { [R]: ['x'] },
  }
  const of = { uid: 'u', containers: ['b', 'a'] }
  deepEqual([...devicesInCheckpoint(asText({ Data, Checksum: 1 }), of)], EXPECTED)
})

for (const [text, message] of [
  ['{', /^Cannot read the devices of pods in f: .*position 1/],
  ['[]', /must be of type object/],
  ['{"podResources":[{"name":1,"namespace":"n"}]}', /podresources\[0\]\.name: .*type string/],
] as const) {
  test(`devicesInAnswer() refuses ${text}`, () => {
    throws(() => devicesInAnswer({ file: 'f', text }, POD), {
      code: 'pod-resources-unreadable',
      message,
    })
  })
}

test('deviceOfEach() gives the n-th network of a resource its n-th device, none twice', () => {
  const devices: PodDevices = new Map([
    [R, ['1', '2']],
    ['r/y', ['9']],
  ])
  const of = (...resources: (string | undefined)[]) => deviceOfEach(resources, devices)
  deepEqual(of(R, 'r/y', undefined, R, R), ['1', '9', undefined, '2', undefined])
})

function nadOf(name: string, resource: string | undefined, plugins: readonly object[]): Document {
  const annotations = { 'k8s.v1.cni.cncf.io/resourceName': resource ?? '' }
  return {
    apiVersion: 'k8s.cni.cncf.io/v1',
    kind: 'NetworkAttachmentDefinition',
    metadata: { name, namespace: 'ns', ...(resource ? { annotations } : {}) },
    spec: { config: JSON.stringify({ cniVersion: '1.0.0', name, plugins }) },
  }
}

const NADS = [
  nadOf('rail', R, [{ type: 'ib-sriov', deviceID: 'old' }, { type: 'tuning' }]),
  nadOf('plain', undefined, [{ type: 'host-device' }]),
]

async function attach(networks: readonly object[]) {
  const annotations = {
    'v1.multus-cni.io/default-network': 'ns/rail',
    'k8s.v1.cni.cncf.io/networks': JSON.stringify(networks),
  }
  const multus = readMultusConf({}, { clusterNetwork: undefined, confFolder: '' })
  const request = {
    pod: { ...POD, annotations },
    containerId: 'c1',
    ifName: 'eth0',
    multus,
    devices: async () => devicesInAnswer(asText(ANSWER), POD),
  }
  return wantedAttachments(request, {
    nad: async (_, name) => NADS.find(({ metadata }) => metadata.name === name),
    files: { read: async () => undefined, list: async () => [] },
  })
}

test('wantedAttachments() gives a device to every plugin, the default network first', async () => {
  const [first, second, third] = await attach([
    { name: 'rail' },
    { name: 'plain', deviceID: 'mine' },
  ])
  const given = (id: string) => ({ deviceID: id, pciBusID: id })
  deepEqual(first?.confList.plugins, [
    { type: 'ib-sriov', ...given('0000:03:00.1') },
    { type: 'tuning', ...given('0000:03:00.1') },
  ])
  deepEqual(second?.confList.plugins[0], { type: 'ib-sriov', ...given('0000:03:00.2') })
  const folder = '/var/run/k8s.cni.cncf.io/devinfo'
  deepEqual(second?.runtimeConfig, {
    deviceID: '0000:03:00.2',
    CNIDeviceInfoFile: `${folder}/cni/ns-rail-c1_net1`,
  })
  deepEqual(second?.deviceInfo, {
    from: `${folder}/dp/spidernet.io-rail-0000:03:00.2-device.json`,
    to: `${folder}/cni/ns-rail-c1_net1`,
  })
  deepEqual(third?.confList.plugins, [{ type: 'host-device' }])
  deepEqual(third?.runtimeConfig['deviceID'], 'mine')
})

test('wantedAttachments() heeds what the kubelet gave, not what the user named', async () => {
  const [, second] = await attach([{ name: 'rail', deviceID: 'mine' }])
  deepEqual(second?.device, '0000:03:00.2')
  deepEqual(second?.runtimeConfig['deviceID'], '0000:03:00.2')
})

test('wantedAttachments() refuses a device that another network has', async () => {
  await rejects(attach([{ name: 'plain', deviceID: '0000:03:00.1' }]), {
    code: 'device-asked-twice',
    message:
      'Cannot attach ns/plain (net1): device 0000:03:00.1 is given to ns/rail (eth0) already',
  })
})

test('device information files bear names without slashes', () => {
  deepEqual(
    devicePluginFile('a.io/b', 'x/y'),
    '/var/run/k8s.cni.cncf.io/devinfo/dp/a.io-b-x-y-device.json',
  )
  deepEqual(isDeviceInfoOf('ns-rail-c1_net1', 'c1'), true)
  deepEqual(isDeviceInfoOf('ns-rail-c11_net1', 'c1'), false)
  deepEqual(parseDeviceFile('{"type":"pci"}'), { type: 'pci' })
  deepEqual(parseDeviceFile('[]'), undefined)
})
