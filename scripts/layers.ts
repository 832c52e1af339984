/**
 * Who may import whom: the table of layers, and the judgement of one import.
 *
 * A layer is the first folder below `src/` (or the first of the path, outside
 * it). What the table does not name is forbidden. Tests may import everything;
 * what they are held to is the form of an import.
 * @module
 */
import type { Import } from './imports.ts'

/** Folders that are features: they never meet, and show only their `index.ts`. */
export const FEATURES = ['ipam', 'sriov', 'device', 'fabric', 'cni', 'network', 'doctor'] as const
const HOMES = ['host', 'store', 'kube', 'sm', 'sim'] as const
const GROUND = ['values', 'needs', 'wire', 'schema'] as const
const BELOW_ATTACH = [...GROUND, ...FEATURES] as const

type Layer = {
  readonly values: readonly string[]
  /** Of these, types only. */
  readonly types: readonly string[]
  readonly node: boolean
}

const feature: Layer = { values: GROUND, types: [], node: false }
const home: Layer = { values: GROUND, types: [...FEATURES, 'attach'], node: true }
const outside: Layer = {
  values: [...BELOW_ATTACH, ...HOMES, 'attach', 'apps', 'test', 'scripts'],
  types: [],
  node: true,
}

/** The table. */
export const LAYERS: Readonly<Record<string, Layer>> = {
  values: { values: [], types: [], node: false },
  needs: { values: [], types: ['values'], node: false },
  wire: { values: ['values'], types: [], node: false },
  schema: { values: ['values'], types: [], node: false },
  ...Object.fromEntries(FEATURES.map((name) => [name, feature])),
  attach: { values: BELOW_ATTACH, types: [], node: false },
  ...Object.fromEntries(HOMES.map((name) => [name, home])),
  apps: { values: [...BELOW_ATTACH, 'attach', ...HOMES], types: [], node: true },
  bin: { values: ['apps'], types: [], node: true },
  scripts: outside,
  test: outside,
  bench: outside,
}

/** Packages and where each may be imported; one that is not here may be imported nowhere. */
export const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  zod: ['schema'],
  yaml: ['schema', 'wire', 'apps'],
  '@grpc/grpc-js': ['kube'],
  '@bufbuild/protobuf': ['kube'],
  '@kubernetes/client-node': ['apps/cli'],
  '@peculiar/x509': ['apps'],
  commander: ['apps/cli', 'scripts'],
  pino: ['apps'],
  'prom-client': ['apps'],
  fastify: ['apps/dashboard'],
  esbuild: ['scripts'],
  typescript: ['scripts'],
  'fast-check': ['tests', 'test'],
  'ipaddr.js': ['tests'],
}

/** Layer of a path: `src/wire/rdma/device.ts` is in `wire`, `test/x.ts` in `test`. */
export function layerOf(path: string): string {
  const [first = '', second = ''] = path.split('/')
  return first === 'src' ? second : first
}

/** What is wrong with one import of the file at `from`; undefined when nothing is. */
export function faultOf(from: { path: string; test: boolean }, what: Import): string | undefined {
  return formFault(from, what) ?? (from.test ? testFault(what) : layerFault(from.path, what))
}

function formFault({ path, test }: { path: string; test: boolean }, what: Import) {
  const { specifier, form } = what
  const layer = layerOf(path)
  if (form === 'reexport-all') return `export * from ${specifier}: name what is exported`
  if (form === 'namespace' && layer !== 'wire' && !test) {
    return `import * of ${specifier}: only the primitives of a codec are imported so`
  }
  if (form === 'reexport' && !test && !path.endsWith('/index.ts')) {
    return `re-export of ${specifier}: only the index.ts of a feature re-exports`
  }
  if (specifier.startsWith('.')) {
    return /^\.\/[^/]+\.ts$/.test(specifier)
      ? undefined
      : `${specifier}: inside a folder ./name.ts, from another #folder/name.ts`
  }
  if (!specifier.startsWith('#')) return undefined
  const target = targetOf(path, specifier)
  if (!specifier.endsWith('.ts')) return `${specifier}: the file is named with its ending`
  return folderOf(target) === folderOf(path) ? `${specifier} is in this folder: ./` : undefined
}

function testFault({ specifier }: Import): string | undefined {
  if (!isPackage(specifier)) return undefined
  return nameOf(specifier) in PACKAGES ? undefined : `package ${specifier} is not in the table`
}

function layerFault(path: string, what: Import): string | undefined {
  const { specifier, typeOnly } = what
  const name = layerOf(path)
  const layer = LAYERS[name]
  if (layer === undefined) return `the layer table does not know ${name}/`
  if (specifier.startsWith('node:')) {
    return layer.node ? undefined : `${name}/ never imports ${specifier}`
  }
  if (isPackage(specifier)) return packageFault(path, specifier)
  const target = targetOf(path, specifier)
  const other = layerOf(target)
  if (other === name) return name === 'apps' ? appFault(path, target) : undefined
  if (!layer.values.includes(other)) {
    if (!layer.types.includes(other)) return `${name}/ may not import ${other}/ (${specifier})`
    if (!typeOnly) return `${name}/ may import only types of ${other}/ (${specifier})`
  }
  const deep = FEATURES.some((f) => f === other) && target !== `src/${other}/index.ts`
  return deep && name !== 'test' && name !== 'scripts'
    ? `${specifier}: a feature is imported by its index.ts`
    : undefined
}

function packageFault(path: string, specifier: string): string | undefined {
  const places = PACKAGES[nameOf(specifier)]
  if (places === undefined) return `package ${specifier} is not in the table`
  const here = path.startsWith('src/') ? path.slice(4) : path
  const allowed = places.some((place) => here.startsWith(`${place}/`))
  return allowed ? undefined : `package ${specifier} is only for ${places.join(', ')}`
}

/** One app never imports another, but `cli` starts `lab`; files of apps/ itself are shared. */
function appFault(path: string, target: string): string | undefined {
  const [app, other] = [path, target].map((p) => (p.split('/').length > 3 ? p.split('/')[2] : ''))
  if (other === '' || app === other || (app === 'cli' && other === 'lab')) return undefined
  return `app ${app === '' ? 'apps' : app} may not import app ${other}`
}

/** Path of the module that `specifier` means in the file at `path`. */
export function targetOf(path: string, specifier: string): string {
  if (specifier.startsWith('./')) return `${folderOf(path)}/${specifier.slice(2)}`
  const inner = specifier.slice(1)
  return /^(test|scripts)\//.test(inner) ? inner : `src/${inner}`
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'))
}

function isPackage(specifier: string): boolean {
  return !/^[.#]|^node:/.test(specifier)
}

function nameOf(specifier: string): string {
  const parts = specifier.split('/')
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? '')
}
