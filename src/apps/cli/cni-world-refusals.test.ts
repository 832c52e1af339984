import { deepEqual, equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import { cniIn, GUIDE_POOL, GUIDE_WORLD } from './world-in-memory.ts'

const SPIDERPOOL = { type: 'spiderpool', default_ipv4_ippool: ['v4'] }
const conf = (rest: object): object => ({ cniVersion: '1.0.0', name: 'n', ...rest })

for (const [does, called, code, msg] of [
  [
    'a plugin of another vendor',
    { conf: conf({ type: 'bridge' }) },
    7,
    /has no plugin of that name/,
  ],
  [
    'another vendor in a list',
    { conf: conf({ plugins: [{ type: 'macvlan', master: 'eth0' }, { type: 'portmap' }] }) },
    2,
    /Cannot run plugin portmap in a world/,
  ],
  ['a configuration of no plugin', { conf: conf({}) }, 7, /neither type nor plugins/],
  ['a text that is no JSON', { conf: '{' }, 6, /./],
  [
    'a verb that is unknown',
    { conf: conf({ type: 'macvlan' }), verb: 'FLY' },
    4,
    /unknown CNI_COMMAND/,
  ],
  [
    'a variable that is missing',
    { conf: conf({ type: 'macvlan' }), env: { CNI_IFNAME: '' } },
    4,
    /CNI_IFNAME/,
  ],
  [
    'a namespace that is not there',
    { conf: conf({ type: 'macvlan', master: 'eth0' }), env: { CNI_NETNS: '/run/netns/x' } },
    8,
    /\/run\/netns\/x/,
  ],
  [
    'the namespace of the host',
    { conf: conf({ type: 'macvlan', master: 'eth0' }), env: { CNI_NETNS: '/run/netns/host' } },
    8,
    /should not be the same/,
  ],
  [
    'a parent that is not there',
    { conf: conf({ type: 'macvlan', master: 'eth7' }) },
    undefined,
    /eth7/,
  ],
  [
    'a pool that is not there',
    {
      conf: conf({
        type: 'macvlan',
        master: 'eth0',
        ipam: { ...SPIDERPOOL, default_ipv4_ippool: ['x'] },
      }),
    },
    undefined,
    /pool x/,
  ],
] as const) {
  test(`cni --world answers ${does} with an error object, and changes nothing`, async () => {
    const ran = await cniIn({ world: GUIDE_WORLD, ...called })
    deepEqual([ran.status, ran.exit, ran.result], [0, 1, undefined])
    if (code !== undefined) equal(ran.error?.code, code)
    match(`${ran.error?.msg} ${ran.error?.details ?? ''}`, msg)
    equal(JSON.stringify(ran.world), JSON.stringify(GUIDE_WORLD))
  })
}

for (const [does, world, says] of [
  ['no JSON', '{', /Cannot read world .*: .*JSON/],
  ['a list', [], /it is not a JSON object/],
  ['an unknown key', { netns: {}, nets: 1 }, /: nets: .*no such key/],
  [
    'a parent that is nowhere',
    { netns: { host: { links: [{ name: 'a', kind: 'macvlan', parent: 'b' }] } } },
    /: netns\.host\.links\[0\]: there is no parent b/,
  ],
  [
    'a name twice',
    { netns: { host: { links: [{ name: 'a' }, { name: 'a' }] } } },
    /: netns\.host\.links\[1\]: a is named twice/,
  ],
  [
    'an index twice',
    {
      netns: {
        host: {
          links: [
            { name: 'a', index: 5 },
            { name: 'b', index: 5 },
          ],
        },
      },
    },
    /: netns\.host\.links\[1\]: index 5 is taken/,
  ],
  [
    'a mode of another kind',
    { netns: { host: { links: [{ name: 'a', kind: 'ipoib', mode: 'l3' }] } } },
    /: netns\.host\.links\[0\]: mode l3 is not IPoIB's/,
  ],
  [
    'a route by a link that is not there',
    { netns: { host: { links: [{ name: 'a', routes: [{ dst: 'default', dev: 'b' }] }] } } },
    /b: no such link/,
  ],
  ['an object of no kind', { objects: [{ kind: 'Pod' }] }, /: objects\[0\]/],
  [
    'a pool with a bad address',
    { objects: [{ ...GUIDE_POOL, spec: { ...GUIDE_POOL.spec, ips: ['172.92.0.1'] } }] },
    /: objects\[0\]\.spec\.ips.*172\.92\.0\.1/,
  ],
] as const) {
  test(`cni --world refuses a world with ${does}: one error, exit status 2`, async () => {
    const ran = await cniIn({ world, conf: conf({ type: 'macvlan', master: 'eth0' }) })
    deepEqual([ran.status, ran.exit], [2, undefined])
    match(ran.stderr, says)
    equal(ran.stderr.trim().split('\n').length, 1)
  })
}
