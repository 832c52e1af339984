/**
 * Pods of these tests (network namespaces), and what is in one, as `ip` prints it.
 * @module
 */
import { waitFor } from './guest.ts'
import { demand, ip, ipBatch, run, within } from './program.ts'

/** A pod's namespace; gone when disposed, with what the kernel gave back of it. */
export class Pod implements AsyncDisposable {
  readonly name: string
  readonly path: string

  private constructor(name: string) {
    this.name = name
    this.path = `/run/netns/${name}`
  }

  static async make(name: string): Promise<Pod> {
    const pod = new Pod(name)
    await ip('netns', 'add', name)
    return pod
  }

  /** Several at the price of one. */
  static async makeAll(names: readonly string[]): Promise<readonly Pod[]> {
    await ipBatch(names.map((name) => `netns add ${name}`))
    return names.map((name) => new Pod(name))
  }

  state(): Promise<string> {
    return stateOf(this.name)
  }

  /** Names of the links but `lo`. */
  async links(): Promise<string[]> {
    return linksOf(this.name)
  }

  async carrier(ifName: string): Promise<boolean> {
    const shown = await run(['ip', '-n', this.name, 'link', 'show', 'dev', ifName])
    return /LOWER_UP/.test(shown.stdout)
  }

  async awaitCarrier(ifName: string): Promise<void> {
    await waitFor(`carrier of ${ifName} in ${this.name}`, () => this.carrier(ifName))
  }

  /** Two echoes of `bytes`; the first may wait for the path. @returns what ping says of losses */
  async ping(address: string, ifName: string, bytes = 56): Promise<string> {
    const counts = ['-c', '2', '-i', '0.2', '-W', '5', '-s', String(bytes)]
    const words = ['ping', '-q', ...counts, '-I', ifName, address]
    const { stdout, stderr } = await run([...within(this.name), ...words])
    return /[\d.]+% packet loss/.exec(stdout)?.[0] ?? stderr
  }

  async remove(): Promise<void> {
    await run(['ip', 'netns', 'del', this.name])
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.remove()
  }
}

/** Links of a namespace but `lo`; of the initial one without a name. */
export async function linksOf(netns: string | undefined): Promise<string[]> {
  const where = netns === undefined ? [] : ['-n', netns]
  const shown = await ip(...where, '-br', 'link')
  return shown
    .split('\n')
    .map((line) => line.split(/[\s@]/)[0] ?? '')
    .filter((name) => name !== '' && name !== 'lo')
}

/**
 * Everything of a namespace that `ip` shows: links with their details, addresses,
 * routes of all tables, rules. What differs by chance is masked (indexes, queue
 * pair numbers, random link-local addresses), what differs by kernel left out.
 */
export async function stateOf(netns: string): Promise<string> {
  const shown = ['-d addr', '-4 route show table all', '-6 route show table all', 'rule']
  const script = shown.map((words) => `ip ${words}`).join('; ')
  const text = await demand([...within(netns), 'sh', '-c', script])
  return text
    .replaceAll(/^\d+: (?=\S+: <)/gm, '_: ')
    .replaceAll(/@if\d+/g, '@if_')
    .replaceAll(/(link\/infiniband) 80(:\w\w){3}/g, '$1 80:QQ:QQ:QQ')
    .replaceAll(/\bfe80::[0-9a-f:]+/g, (all) => (all.length > 6 ? 'fe80::_' : all))
    .replaceAll(/ qdisc \S+| qlen \d+| (promiscuity|numtxqueues) .*| tentative/g, '')
    .replaceAll(/^ +valid_lft .*\n/gm, '')
    .replaceAll(/ +$/gm, '')
}
