/**
 * What the lab prints, and what it reads from what programs print.
 * @module
 */
import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { leftOut } from './choice.ts'
import { headerText } from './header.ts'
import { insideOf, insideVariable } from './inside.ts'
import { endCommand, sayKept } from './kept.ts'
import { differences } from './observed.ts'
import { lossIn } from './ping.ts'
import { addressesIn, cniArgs, reasonIn } from './runtime.ts'
import { formatDifference, standInsFor } from './stand-in.ts'
import { outcomeTable } from './table.ts'
import { COLUMNS, fold, formatWords, makeVoice } from './voice.ts'
import { podOfDaemonSet } from './workload.ts'

const stored = { uid: 'u-1', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' }
const containers = [{ name: 'c', image: 'i' }]
const daemonSet = {
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  metadata: { name: 'ipoib', namespace: 'default', ...stored },
  spec: {
    selector: { matchLabels: { app: 'ipoib' } },
    template: { metadata: { labels: { app: 'ipoib' } }, spec: { containers } },
  },
}

test('fold() breaks between words and hangs what follows a label under its text', () => {
  const text = `real:      ${'word '.repeat(40).trim()}`
  const rows = fold(text).split('\n')
  ok(rows.every((row) => row.length <= COLUMNS))
  ok(rows.slice(1).every((row) => row.startsWith('           word')))
})

test('formatWords() quotes what a shell would not read as one word', () => {
  equal(formatWords(['ip', '-d', 'link', 'show', 'a b']), "ip -d link show 'a b'")
})

test('makeVoice() shows a command under the prompt of its place', () => {
  let text = ''
  const voice = makeVoice({ write: (more) => (text += more) }, { write: () => undefined })
  const printed = { status: 0, text: 'InfiniBand\n' }
  voice.command({ at: 'pod', name: 'ipoib-x' }, ['cat', 'link_layer'], printed)
  voice.command({ at: 'machine' }, ['true'], { status: 0, text: '' })
  equal(text, '    root@ipoib-x:/# cat link_layer\n    InfiniBand\n\n    ~# true\n\n')
})

test('headerText() names the ground, what is real, and why no better one', () => {
  const run = { id: 'abc234', folder: '/run/verbena-lab-abc234' }
  const header = { run, ground: 'host', notTaken: leftOut('host'), files: [], nodes: [] } as const
  const text = headerText(header)
  ok(text.startsWith('Verbena lab, run abc234, on ground host\n'))
  ok(text.includes('\nnot vm:     ground host was asked for\n'))
})

test('sayKept() names five commands, and last the one that ends the run', () => {
  let text = ''
  const voice = makeVoice({ write: (more) => (text += more) }, { write: () => undefined })
  const run = { id: 'abc234', folder: '/run/verbena-lab-abc234' }
  const metadata = { name: 'ipoib-x', namespace: 'default', ...stored }
  const bound = {
    pod: { apiVersion: 'v1', kind: 'Pod', metadata },
    node: 'node-a',
    containerId: 'c',
  }
  const added = { added: true, ips: ['172.91.0.100/16'], ms: 1 } as const
  sayKept(voice, { run, groundName: 'vm', pods: [{ bound, added }] })
  equal(text.match(/^ {4}bin\/verbena lab exec abc234 /gm)?.length, 5)
  ok(text.includes('exec abc234 ipoib-x -- ping -c 3 172.91.0.100\n'))
  ok(text.includes('after 8 hours'))
  ok(text.endsWith(`    ${endCommand(run)}\n`))
})

test('insideOf() reads what insideVariable() wrote', () => {
  const notTaken = [{ ground: 'vm', reason: 'it is "away"' }] as const
  const inside = { run: 'abc234', groundName: 'host', notTaken } as const
  const [name = '', ...value] = insideVariable(inside).split('=')
  deepEqual(insideOf({ [name]: value.join('=') }), inside)
})

test('differences() names what is left and what is gone', () => {
  const found = differences({ link: ['lo', 'eth0'] }, { link: ['lo', 'vb0'] })
  deepEqual(found, ['link vb0 is left', 'link eth0 is gone'])
})

test('lossIn() reads the summary of ping', () => {
  equal(lossIn('3 packets transmitted, 2 received, 33.3333% packet loss, time 2ms'), 33.3333)
  equal(lossIn('3 packets transmitted, 3 received, 0% packet loss, time 2ms'), 0)
  equal(lossIn('ping: x: Name or service not known'), undefined)
})

test('reasonIn() gives message and details of a CNI error, else what was printed', () => {
  const stdout = '{"cniVersion":"1.0.0","code":11,"msg":"no address","details":"pool p is used up"}'
  equal(reasonIn({ stdout, all: stdout, status: 1 }), 'no address: pool p is used up')
  equal(reasonIn({ stdout: '', all: 'killed\n', status: 137 }), 'killed')
})

test('addressesIn() gives the addresses of a CNI result in its order', () => {
  const result = { ips: [{ address: '172.91.0.100/16' }, { address: 'fd00::1/64' }] }
  deepEqual(addressesIn(JSON.stringify(result)), ['172.91.0.100/16', 'fd00::1/64'])
})

test('cniArgs() names the pod as a Kubernetes runtime does', () => {
  const metadata = { name: 'ipoib-x', namespace: 'default', ...stored }
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata }
  equal(
    cniArgs({ pod, node: 'node-a', containerId: 'c0ffee' }),
    'IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=ipoib-x;' +
      'K8S_POD_INFRA_CONTAINER_ID=c0ffee;K8S_POD_UID=u-1',
  )
})

test('standInsFor() puts a macvlan over the same master with the same pools', () => {
  const ippools = { ipv4: ['v4-91'] }
  const network = {
    apiVersion: 'spiderpool.spidernet.io/v2beta1',
    kind: 'SpiderMultusConfig',
    metadata: { name: 'ipoib', namespace: 'kube-system', ...stored },
    spec: { cniType: 'ipoib', ipoib: { master: 'ibs5f0', ippools }, disableIPAM: false },
  }
  const [standIn] = standInsFor([network, daemonSet])
  deepEqual(standIn?.metadata, { name: 'ipoib', namespace: 'kube-system' })
  deepEqual(standIn?.['spec'], {
    cniType: 'macvlan',
    macvlan: { master: ['ibs5f0'], ippools },
    disableIPAM: false,
  })
})

test('formatDifference() marks lines of one text alone', () => {
  equal(formatDifference('a\nb\nc\n', 'a\nx\nc\nd\n'), ' a\n-b\n+x\n c\n+d\n')
})

test('outcomeTable() prints a dash for what the ground has not', () => {
  const absent = { guid: undefined, pkey: undefined }
  const interfaces = [{ name: 'eth0', addresses: ['172.91.0.100/16'], ...absent }]
  const added = { added: true, ips: [], ms: 12.34 } as const
  equal(
    outcomeTable([{ pod: 'ipoib-x', node: 'node-a', interfaces, added }]),
    'POD      NODE    INTERFACE  ADDRESS          GUID  P_KEY  ADD (ms)\n' +
      'ipoib-x  node-a  eth0       172.91.0.100/16  -     -      12.3\n',
  )
})

test('podOfDaemonSet() makes the pod of a node, owned by the set', () => {
  const pod = podOfDaemonSet(daemonSet, { node: 'node-a', suffix: 'psf4q' })
  deepEqual(pod?.metadata, {
    name: 'ipoib-psf4q',
    namespace: 'default',
    labels: { app: 'ipoib' },
    ownerReferences: [
      {
        apiVersion: 'apps/v1',
        kind: 'DaemonSet',
        name: 'ipoib',
        uid: 'u-1',
        controller: true,
        blockOwnerDeletion: true,
      },
    ],
  })
  deepEqual(pod?.['spec'], { containers, nodeName: 'node-a' })
})

test('podOfDaemonSet() leaves out a node that its selector does not choose', () => {
  const nodeSelector = { 'kubernetes.io/hostname': 'node-b' }
  const template = { ...daemonSet.spec.template, spec: { containers, nodeSelector } }
  const set = { ...daemonSet, spec: { ...daemonSet.spec, template } }
  equal(podOfDaemonSet(set, { node: 'node-a', suffix: 'psf4q' }), undefined)
})
