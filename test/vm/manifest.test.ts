/**
 * `manifests/ipoib-cni.json`, byte for byte, as a runtime hands it to `ipoib`.
 * @module
 */
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { loadFabric, unloadFabric } from './fabric.ts'
import { vmTest } from './guest.ts'
import { ip } from './program.ts'
import { Node } from './node.ts'
import { Pod, stateOf } from './pod.ts'

const FILE = join(import.meta.dirname, '../../manifests/ipoib-cni.json')
const ALLOCATED = '/var/lib/cni/networks/mynet/192.168.2.10'

vmTest('manifests/ipoib-cni.json attaches with host-local and a default route', async (t) => {
  const [port] = await loadFabric('built-in')
  ok(port !== undefined)
  {
    await using node = await Node.start({ name: 'node-a', port, parent: 'ib0' })
    await using pod = await Pod.make('pod-1')
    const [before, empty] = [await stateOf(node.name), await pod.state()]
    const call = { conf: await readFile(FILE, 'utf8'), pod, container: 'c1' }
    const added = await node.demand('ADD', call)
    t.diagnostic(added)
    const result: unknown = JSON.parse(added)
    deepEqual(result, {
      cniVersion: '0.1.0',
      ip4: {
        ip: '192.168.2.10/24',
        gateway: '192.168.2.1',
        routes: [{ dst: '0.0.0.0/0' }],
      },
      dns: {},
    })
    match(await ip('-n', pod.name, '-d', 'addr', 'show', 'eth0'), /ipoib pkey 0xffff/)
    match(await ip('-n', pod.name, 'route'), /^default via 192\.168\.2\.1 dev eth0 proto 118/)
    equal(await readFile(ALLOCATED, 'utf8'), 'c1\r\neth0')
    await node.demand('DEL', call)
    deepEqual([await stateOf(node.name), await pod.state()], [before, empty])
    ok(!existsSync(ALLOCATED), 'the address is free again')
  }
  await unloadFabric()
})
