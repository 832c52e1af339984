import { type ContractWorld, kernelContract } from '#test/contract/kernel.ts'
import { parseIfName } from '#values/if-name.ts'
import { parseNetnsPath } from '#values/netns.ts'
import { linkNamed, netnsAt } from './find.ts'
import { simKernel } from './kernel.ts'
import { removeNetns } from './links.ts'
import { printNeighbours } from './print.ts'
import type { SimWorld } from './world.ts'

const world: SimWorld = {
  netns: {
    host: {
      links: [
        { name: 'eth1', up: true, addresses: ['192.168.7.1/24'] },
        { name: 'eth2', up: true },
        { name: 'ib0', kind: 'ipoib', up: true, driver: 'ibfake', pci: '0000:01:00.0' },
      ],
    },
    '/run/netns/a': {},
  },
  rdma: {
    devices: [
      {
        name: 'mlx5_0',
        pci: '0000:01:00.0',
        nodeGuid: '02:5c:00:00:00:00:00:01',
        pkeys: ['0xffff', '0x8001'],
      },
    ],
  },
}

async function open(): Promise<ContractWorld> {
  const kernel = simKernel(world)
  const pod = parseNetnsPath('/run/netns/a')
  return {
    kernel,
    pod,
    ethernetParent: parseIfName('eth1'),
    ipoibParent: parseIfName('ib0'),
    spare: parseIfName('eth2'),
    stacks: true,
    unmark: async (where, name, group) => {
      const link = linkNamed(netnsAt(kernel.host, where), name)
      if (link !== undefined) Object.assign(link, { group, alias: undefined })
    },
    removeNetns: async () => removeNetns(kernel.host, '/run/netns/a'),
    close: async () => {},
    neighbours: async (where) => printNeighbours(netnsAt(kernel.host, where)),
  }
}

kernelContract('sim', open)
