/**
 * The failure tables of all folders, joined.
 * @module
 */
import { deepEqual, ok } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { listFailures } from '#scripts/failure-tables.ts'
import { ROOT, readTexts } from '#scripts/files.ts'

const failures = await listFailures()

/** Messages whose text is a replaced project's, and so keeps its form. */
const UPSTREAM = new Set(['check-sandbox-differs', 'vlan-master-required'])

test('every failure code is in one table only', () => {
  const codes = failures.map(({ code }) => code)
  ok(codes.length > 0)
  deepEqual(
    codes.filter((code, at) => codes.indexOf(code) !== at),
    [],
  )
})

test('every failure code is documented', () => {
  const page = readFileSync(path.join(ROOT, 'docs/reference/errors.md'), 'utf8')
  deepEqual(
    failures.filter(({ code }) => !page.includes(`| \`${code}\` |`)).map(({ code }) => code),
    [],
  )
})

test('every failure code is used outside its table', () => {
  const texts = readTexts(['.ts'])
    .filter(({ path: file }) => file.startsWith('src/') && !file.endsWith('/failures.ts'))
    .filter(({ path: file }) => !file.endsWith('.test.ts'))
    .map(({ text }) => text)
  const unused = failures.filter(({ code }) => !texts.some((text) => text.includes(`'${code}'`)))
  deepEqual(
    unused.map(({ folder, code }) => `${folder}: ${code}`),
    [],
  )
})

test('every message is a sentence without full stop or contraction', () => {
  const bad = failures.filter(
    ({ code, row: { message } }) => !UPSTREAM.has(code) && /\.$|n't\b|^\s|\s$/.test(message),
  )
  deepEqual(
    bad.map(({ code, row }) => `${code}: ${row.message}`),
    [],
  )
})

test('every failure has codes in their ranges', () => {
  const bad = failures.filter(
    ({ row: { cni, exit, http } }) => cni < 1 || exit < 1 || exit > 130 || http < 400 || http > 599,
  )
  deepEqual(
    bad.map(({ code }) => code),
    [],
  )
})
