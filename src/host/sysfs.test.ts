import { deepEqual, equal } from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { parseHardwareAddress } from '#values/hardware-address.ts'
import { parseIfName } from '#values/if-name.ts'
import type { Link } from '#values/link.ts'
import { parsePciAddress } from '#values/pci-address.ts'
import { parsePkey } from '#values/pkey.ts'
import { driverOf, hcaPort, portGuids } from './sysfs.ts'

const PCI = parsePciAddress('0000:86:00.0')
const link: Link = {
  index: 2,
  name: parseIfName('ib0'),
  arpType: 32,
  up: true,
  carrier: true,
  mtu: 2044,
  group: 0,
  kind: { kind: 'ipoib', pkey: parsePkey('0xffff'), mode: 'datagram', umcast: false },
  address: parseHardwareAddress('80:00:00:48:fe:80:00:00:00:00:00:00:00:02:c9:03:00:f0:00:02'),
  parent: undefined,
  master: undefined,
  promiscuous: false,
  allMulticast: false,
  txQueueLength: 1000,
  altNames: [],
  alias: undefined,
  pci: PCI,
}

/** Two devices of one function; port 2 of the second has the GUID of `link`. */
const FILES: Readonly<Record<string, string>> = {
  'mlx5_0/ports/1/gids/0': 'fe80:0000:0000:0000:0002:c903:00f0:0001\n',
  'mlx5_1/ports/1/gids/0': '0000:0000:0000:0000:0000:0000:0000:0000\n',
  'mlx5_1/ports/2/gids/0': 'fe80:0000:0000:0000:0002:c903:00f0:0002\n',
  'mlx5_1/ports/2/gids/1': 'fe80:0000:0000:0000:0000:0000:0000:0000\n',
  'mlx5_1/ports/2/gids/10': 'fe80:0000:0000:0000:0200:0000:0000:0001\n',
  'mlx5_1/ports/2/pkeys/0': '0xffff\n',
  'mlx5_1/ports/2/pkeys/1': '0x0000\n',
  'mlx5_1/ports/2/pkeys/2': '0x8001\n',
  'mlx5_1/ports/2/pkeys/10': '0x0005\n',
}

function sysTest(does: string, act: (sysRoot: string) => Promise<void>): void {
  test(does, async () => {
    const sysRoot = mkdtempSync(join(tmpdir(), 'vbn-sys-'))
    try {
      for (const folder of ['class/infiniband', `bus/pci/devices/${PCI}/infiniband`]) {
        for (const [name, text] of Object.entries(FILES)) {
          const path = join(sysRoot, folder, name)
          mkdirSync(dirname(path), { recursive: true })
          writeFileSync(path, text)
        }
      }
      symlinkSync(
        '../../../../bus/pci/drivers/mlx5_core',
        join(sysRoot, 'bus/pci/devices', PCI, 'driver'),
      )
      await act(sysRoot)
    } finally {
      rmSync(sysRoot, { recursive: true })
    }
  })
}

const port = {
  rdmaDevice: 'mlx5_1',
  port: 2,
  pkeys: ['0xffff', '0x8001', '0x0005'].map(parsePkey),
}

sysTest('hcaPort() finds the port by the GUID in the address', async (sysRoot) => {
  deepEqual(await hcaPort(sysRoot, link), port)
})

sysTest('hcaPort() looks at all devices for a link without a PCI function', async (sysRoot) => {
  deepEqual(await hcaPort(sysRoot, { ...link, pci: undefined }), port)
})

sysTest('hcaPort() of a link that is not IPoIB, or of no port, is undefined', async (sysRoot) => {
  const ethernet = parseHardwareAddress('02:00:00:00:00:01')
  equal(await hcaPort(sysRoot, { ...link, address: ethernet }), undefined)
  equal(await hcaPort(sysRoot, { ...link, address: undefined }), undefined)
  equal(await hcaPort(sysRoot, { ...link, pci: parsePciAddress('0000:01:00.0') }), undefined)
})

sysTest('portGuids() gives the GUIDs of a port, empty entries left out', async (sysRoot) => {
  const own = '00:02:c9:03:00:f0:00:02'
  deepEqual(await portGuids(sysRoot, port), [own, '02:00:00:00:00:00:00:01'])
  deepEqual(await portGuids(sysRoot, { ...port, port: 3 }), [])
})

sysTest('driverOf() gives the driver that is bound', async (sysRoot) => {
  equal(await driverOf(sysRoot, PCI), 'mlx5_core')
  equal(await driverOf(sysRoot, parsePciAddress('0000:01:00.0')), undefined)
})
