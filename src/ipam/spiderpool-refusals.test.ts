import { deepEqual, equal, match, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { failureIn } from '#values/failure.ts'
import { ONE, V4 } from '#test/ipam/pool-specs.ts'
import { type Asked, asking, held, world } from '#test/ipam/spiderpool-world.ts'

const pools = {
  v4: V4,
  one: ONE,
  gone: { ...ONE, subnet: '10.3.0.0/24', ips: ['10.3.0.5'], disable: true },
}
const REFUSED: readonly { does: string; asked: Asked; code: string; text: RegExp }[] = [
  {
    does: 'a pool that does not exist, by name',
    asked: { ipam: { default_ipv4_ippool: ['v4', 'nope'] } },
    code: 'pool-missing',
    text: /nope/,
  },
  {
    does: 'patterns that match nothing',
    asked: { ipam: { default_ipv4_ippool: ['rail*'] } },
    code: 'pool-missing',
    text: /rail\*/,
  },
  {
    does: 'a disabled pool',
    asked: { ipam: { default_ipv4_ippool: ['gone'] } },
    code: 'pool-none',
    text: /gone: it is disabled/,
  },
  {
    does: 'a pool of the other family',
    asked: { ipam: { default_ipv4_ippool: [], default_ipv6_ippool: ['v4'] } },
    code: 'pool-none',
    text: /v4: it is no IPv6 pool/,
  },
  {
    does: 'no pool at all',
    asked: { ipam: { default_ipv4_ippool: [] } },
    code: 'pool-none',
    text: /default/,
  },
  {
    does: 'an annotation that is no JSON',
    asked: { annotations: { 'ipam.spidernet.io/ippool': '{' } },
    code: 'pool-annotation-invalid',
    text: /ippool.*JSON/,
  },
  {
    does: 'routes that are none',
    asked: { annotations: { 'ipam.spidernet.io/routes': '[{"dst":"x","gw":"y"}]' } },
    code: 'pool-annotation-invalid',
    text: /routes.*item 0.*x/,
  },
  {
    does: 'a pod that has ended',
    asked: { status: { phase: 'Succeeded' }, podSpec: { restartPolicy: 'Never' } },
    code: 'pod-not-alive',
    text: /default\/a.*succeeded/,
  },
  {
    does: 'text that is no address',
    asked: { requested: ['here'] },
    code: 'ip-invalid',
    text: /here/,
  },
]

for (const { does, asked, code, text } of REFUSED) {
  test(`reserve() refuses ${does}, and holds nothing`, async () => {
    await using at = await world(pools)
    await rejects(at.ipam.reserve(asking(at.ipam, asked)), (thrown: unknown) => {
      const failure = failureIn(thrown)
      equal(failure?.code, code)
      match(failure?.message ?? '', text)
      return true
    })
    deepEqual(await held(at.records), [])
  })
}

const PARSED: readonly { does: string; raw: object; text: RegExp }[] = [
  { does: 'no ipam', raw: {}, text: /IPAM config missing 'ipam' key/ },
  {
    does: 'a name in the place of a list',
    raw: { ipam: { type: 'spiderpool', default_ipv4_ippool: 'v4' } },
    text: /ipam\.default_ipv4_ippool.*"v4"/,
  },
  {
    does: 'a pool twice',
    raw: { ipam: { type: 'spiderpool', default_ipv4_ippool: ['v4', 'v4'] } },
    text: /default_ipv4_ippool.*v4.*twice/,
  },
]
for (const { does, raw, text } of PARSED) {
  test(`parse() of spiderpool refuses ${does}`, async () => {
    await using at = await world({})
    await rejects(async () => at.ipam.parse(raw), text)
  })
}

test('parse() of spiderpool warns of a key that means nothing', async () => {
  await using at = await world({})
  const { warnings } = at.ipam.parse({
    ipam: { type: 'spiderpool', Default_IPv4_IPPool: ['v4'], vlan: 5 },
  })
  deepEqual(warnings, ['ipam.vlan is not known and has no effect'])
})
