/**
 * A refusal of the simulated kernel: an errno with the words that the real one
 * would answer. Effects return it; `take` makes it a failure that names the step.
 * @module
 */

/** Words of strerror(3) for each errno that the simulated kernel answers. */
const WORDS = {
  EPERM: 'Operation not permitted',
  ENOENT: 'No such file or directory',
  EIO: 'Input/output error',
  ENOMEM: 'Cannot allocate memory',
  EACCES: 'Permission denied',
  EBUSY: 'Device or resource busy',
  EEXIST: 'File exists',
  ENODEV: 'No such device',
  EINVAL: 'Invalid argument',
  ERANGE: 'Numerical result out of range',
  ENOSPC: 'No space left on device',
  EOPNOTSUPP: 'Operation not supported',
  EADDRINUSE: 'Address already in use',
  EADDRNOTAVAIL: 'Cannot assign requested address',
  ENETDOWN: 'Network is down',
  ENETUNREACH: 'Network is unreachable',
  ENOBUFS: 'No buffer space available',
  EHOSTUNREACH: 'No route to host',
} as const

export type Errno = keyof typeof WORDS
/** `text` is the extended acknowledgement where the kernel has one, else strerror's words. */
export type Refusal = { readonly errno: Errno; readonly text: string }

/** A refusal with the kernel's own words, or else those of the errno. */
export function refusal(errno: Errno, text?: string): Refusal {
  return { errno, text: text ?? WORDS[errno] }
}
