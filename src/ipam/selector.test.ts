import { equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import { selectorFault, selects } from './selector.ts'

for (const { does, selector, labels, is } of [
  { does: 'everything when empty', selector: {}, labels: {}, is: true },
  {
    does: 'equal labels',
    selector: { matchLabels: { a: '1', b: '2' } },
    labels: { a: '1', b: '2' },
    is: true,
  },
  { does: 'not a missing label', selector: { matchLabels: { a: '1' } }, labels: {}, is: false },
  { does: 'In', selector: one('In', ['1', '2']), labels: { a: '2' }, is: true },
  { does: 'not In without the label', selector: one('In', ['1']), labels: {}, is: false },
  { does: 'NotIn without the label', selector: one('NotIn', ['1']), labels: {}, is: true },
  { does: 'not NotIn with it', selector: one('NotIn', ['1']), labels: { a: '1' }, is: false },
  { does: 'Exists', selector: one('Exists'), labels: { a: '' }, is: true },
  { does: 'DoesNotExist', selector: one('DoesNotExist'), labels: {}, is: true },
  { does: 'not DoesNotExist with it', selector: one('DoesNotExist'), labels: { a: '' }, is: false },
]) {
  test(`selects() ${does}`, () => equal(selects(selector, labels), is))
}

for (const { of, selector, fault } of [
  { of: 'a key with a blank', selector: { matchLabels: { 'a b': '1' } }, fault: /"a b"/ },
  { of: 'a value with a blank', selector: { matchLabels: { a: '1 2' } }, fault: /"1 2"/ },
  { of: 'a value of an expression', selector: one('In', ['1', '-']), fault: /"-"/ },
  { of: 'an unknown operator', selector: one('Like', ['1']), fault: /"Like"/ },
  { of: 'In without values', selector: one('In'), fault: /needs values/ },
  { of: 'Exists with values', selector: one('Exists', ['1']), fault: /takes no values/ },
]) {
  test(`selectorFault() tells of ${of}`, () => match(selectorFault(selector) ?? '', fault))
}

function one(operator: string, values?: string[]) {
  return { matchExpressions: [{ key: 'a', operator, ...(values && { values }) }] }
}
