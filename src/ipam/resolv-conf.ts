/**
 * DNS settings from a resolver configuration file.
 *
 * Spec: resolv.conf(5).
 * @module
 */
import type { CniDns } from '#wire/cni/result.ts'

/** Lines that mean nothing here are left out; never throws. */
export function dnsOfResolvConf(text: string): CniDns {
  const lines = text.split('\n').map((line) =>
    line
      .replace(/[#;].*/, '')
      .trim()
      .split(/\s+/),
  )
  const all = (key: string): string[] => {
    return lines.flatMap(([first, ...rest]) => (first === key ? rest : []))
  }
  return {
    nameservers: all('nameserver'),
    domain: all('domain')[0],
    search: all('search'),
    options: all('options'),
  }
}
