import { deepEqual, rejects, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { parseHardwareAddress } from '#values/hardware-address.ts'
import { type IfName, parseIfName } from '#values/if-name.ts'
import type { Link } from '#values/link.ts'
import { movedGroup } from '#values/mark.ts'
import type { NetnsPath } from '#values/netns.ts'
import { parsePciAddress } from '#values/pci-address.ts'
import { findDevice, selectorOf } from './device.ts'
import { type HostDeviceNeeds, type HostDeviceSaw, hostDevice } from './host-device.ts'
import { ADDRESSING, NET1, NETNS, NOTHING_THERE, linkNamed, requestFor } from './plugin-sample.ts'
import { stepLines } from './step-lines.ts'

const conf = (raw: object) => hostDevice.parse({ type: 'host-device', ...raw }).conf
const BY_NAME = conf({ device: 'ens1' })
const ens1 = linkNamed('ens1', { index: 7, mtu: 9000, alias: 'rack 4', txQueueLength: 500 })
const SAW: HostDeviceSaw = { ...NOTHING_THERE, device: ens1, userSpace: false }
const LENT = linkNamed('net1', { group: movedGroup('mark-1'), alias: 'ens1', index: 9 })

test('plan() of host-device lends the link, named last, as it can be given back', () => {
  const steps = hostDevice.plan(requestFor(BY_NAME, { addressing: ADDRESSING }), SAW)
  deepEqual(stepLines(steps), [
    'link move ens1 vbtemp',
    'link rename vbtemp net1',
    'sysctl net/ipv4/conf/net1/arp_notify=1 was -',
    'sysctl net/ipv6/conf/net1/ndisc_notify=1 was -',
    'sysctl net/ipv6/conf/net1/disable_ipv6=0 was -',
    'sysctl net/ipv6/conf/net1/keep_addr_on_down=1 was -',
    'addr add 10.1.0.5/24 dev net1',
    'addr add fd01::5/64 dev net1',
    'link set net1 up',
  ])
  const [move] = steps
  deepEqual(move?.do === 'move-link' && move.was, {
    index: 7,
    mtu: 9000,
    address: '02:00:00:00:00:aa',
    txQueueLength: 500,
    promiscuous: false,
    allMulticast: false,
    up: true,
    group: 0,
    alias: 'rack 4',
  })
})

test('plan() of host-device takes back first what an earlier try left in the pod', () => {
  const steps = hostDevice.plan(requestFor(BY_NAME), { ...SAW, existing: LENT, device: LENT })
  deepEqual(stepLines(steps), [
    'link return vbtemp|net1 ens1 mark -',
    'link move ens1 vbtemp',
    'link rename vbtemp net1',
    'link set net1 up',
  ])
})

test('plan() of host-device leaves a function of a user-space driver alone', () => {
  const saw = { ...SAW, device: undefined, userSpace: true }
  const request = requestFor(conf({ pciBusID: '0000:01:00.0' }), { addressing: ADDRESSING })
  deepEqual(hostDevice.plan(request, saw), [])
  const { interfaces, ips } = hostDevice.answer(request, saw)
  deepEqual(interfaces, [{ name: NET1, mac: undefined, mtu: undefined, sandbox: NETNS, rest: {} }])
  deepEqual(ips.length, 2)
})

test('plan() of host-device refuses where the link is missing or the name is taken', () => {
  const request = requestFor(BY_NAME)
  throws(() => hostDevice.plan(request, { ...SAW, device: undefined }), {
    message: 'failed to find host device: Link not found',
  })
  throws(() => hostDevice.plan(request, { ...SAW, existing: linkNamed('net1') }), {
    message: 'failed to rename device to "net1": file exists',
  })
})

test('answer() of host-device tells the address and MTU that the link has', () => {
  const { interfaces } = hostDevice.answer(requestFor(BY_NAME), SAW)
  const mac = ens1.address
  deepEqual(interfaces, [{ name: NET1, mac, mtu: 9000, sandbox: NETNS, rest: {} }])
})

for (const { raw, want } of [
  { raw: { device: 'ens1', hwaddr: 'x', pciBusID: 'y' }, want: { by: 'name', name: 'ens1' } },
  {
    raw: { HWADDR: '02-00-00-00-00-AA', kernelpath: '/x' },
    want: { by: 'address', address: '02:00:00:00:00:aa' },
  },
  {
    raw: { kernelpath: '/sys/devices/pci0000:00/0000:00:19.0/', pciBusID: 'y' },
    want: { by: 'path', path: 'devices/pci0000:00/0000:00:19.0' },
  },
  { raw: { pciBusID: '0000:01:00.0' }, want: { by: 'pci', pci: '0000:01:00.0' } },
  {
    raw: { pciBusID: '0000:01:00.0', runtimeConfig: { deviceId: '0000:02:00.0' } },
    want: { by: 'id', id: '0000:02:00.0' },
  },
  { raw: { device: '', runtimeConfig: { deviceID: 'sf.1' } }, want: { by: 'id', id: 'sf.1' } },
]) {
  test(`parse() of host-device reads ${JSON.stringify(raw)}`, () => {
    deepEqual(conf(raw).selector, want)
  })
}

for (const { raw, error } of [
  { raw: {}, error: 'specify either "device", "hwaddr", "kernelpath" or "pciBusID"' },
  {
    raw: { kernelpath: '/dev/x' },
    error: 'kernel device path "/dev/x" must be absolute and begin with /sys/devices/',
  },
  {
    raw: { kernelpath: '/sys/devices/../../etc' },
    error:
      'kernel device path "/sys/devices/../../etc" must be absolute and begin with /sys/devices/',
  },
  {
    raw: { hwaddr: 'x' },
    error: 'invalid args x for MAC addr: it is not 6, 8 or 20 bytes in hex',
  },
]) {
  test(`parse() of host-device refuses ${JSON.stringify(raw)}`, () => {
    throws(() => conf(raw), { message: error })
  })
}

const PCI = '0000:01:00.0'
const LINKS: readonly Link[] = [
  linkNamed('lo', { address: parseHardwareAddress('00:00:00:00:00:00') }),
  linkNamed('ens1', { pci: parsePciAddress(PCI), altNames: ['enp1s0'] }),
  linkNamed('ens2', { address: parseHardwareAddress('02:00:00:00:00:bb') }),
  linkNamed('sf0'),
  linkNamed('vio0'),
]
const FOLDERS: Readonly<Record<string, readonly string[]>> = {
  [`bus/pci/devices/${PCI}`]: ['ens1'],
  'bus/pci/devices/0000:02:00.0': [],
  'bus/pci/devices/0000:03:00.0': ['vio0'],
  'bus/auxiliary/devices/mlx5_core.sf.2': ['sf0'],
  'devices/pci0000:00/0000:00:19.0': ['ens2'],
}
const needs = {
  links: async () => LINKS,
  netdevsOf: async (folder: string) => FOLDERS[folder]?.map((name): IfName => parseIfName(name)),
  driverOf: async (pci: string) => (pci === '0000:02:00.0' ? 'vfio-pci' : 'mlx5_core'),
}
const find = (raw: object) => findDevice(selectorOf(raw), needs, undefined)

for (const { raw, name, userSpace = false } of [
  { raw: { device: 'ens2' }, name: 'ens2' },
  { raw: { device: 'enp1s0' }, name: 'ens1' },
  { raw: { device: 'none' }, name: undefined },
  { raw: { device: 'lo' }, name: undefined },
  { raw: { hwaddr: '02:00:00:00:00:bb' }, name: 'ens2' },
  { raw: { kernelpath: '/sys/devices/pci0000:00/0000:00:19.0' }, name: 'ens2' },
  { raw: { kernelpath: '/sys/devices/none' }, name: undefined },
  { raw: { pciBusID: PCI }, name: 'ens1' },
  { raw: { pciBusID: '0000:03:00.0' }, name: 'vio0' },
  { raw: { pciBusID: '0000:02:00.0' }, name: undefined, userSpace: true },
  { raw: { pciBusID: '0000:09:00.0' }, name: undefined },
  { raw: { runtimeConfig: { deviceID: PCI } }, name: 'ens1' },
  { raw: { runtimeConfig: { deviceID: 'mlx5_core.sf.2' }, pciBusID: PCI }, name: 'sf0' },
]) {
  test(`findDevice() of ${JSON.stringify(raw)} is ${name}`, async () => {
    const found = await find(raw)
    deepEqual([found.device?.name, found.userSpace], [name, userSpace])
  })
}

for (const id of ['nobody', '../x', '0000:0f:00.0']) {
  test(`findDevice() refuses the device id ${id}`, async () => {
    await rejects(find({ runtimeConfig: { deviceID: id } }), {
      message: `runtime config DeviceID ${id} not found or unsupported`,
    })
  })
}

test('observe() of host-device finds a link that is still in the pod from before', async () => {
  const asked: HostDeviceNeeds = {
    ...needs,
    links: async () => [],
    link: async (where: NetnsPath | 'host') => (where === NETNS ? LENT : undefined),
    sysctl: async () => undefined,
    addresses: async () => [],
    routes: async () => [],
  }
  const saw = await hostDevice.observe(requestFor(BY_NAME), asked)
  deepEqual(saw.device, LENT)
  const other = await hostDevice.observe(requestFor(conf({ device: 'ens9' })), asked)
  deepEqual(other.device, undefined)
})

test('planDetach() of host-device returns what is named so, whoever lent it', () => {
  const about = { netns: NETNS, ifName: NET1, containerId: 'c1', prevResult: undefined }
  const lines = (raw: object | undefined) =>
    stepLines(hostDevice.planDetach({ ...about, conf: raw && conf(raw) }))
  deepEqual(lines({ device: 'ens1' }), ['link return net1 ens1 mark -'])
  deepEqual(lines({ pciBusID: PCI }), ['link return net1 - mark -'])
  deepEqual(lines(undefined), ['link return net1 - mark -'])
})
