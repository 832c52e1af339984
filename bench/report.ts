/**
 * What benches print: medians, ratios, and each budget with what was measured.
 * @module
 */
import { appendFileSync } from 'node:fs'

/** One budget of the design. Met is a judgement for people: no bench fails by it. */
export type Budget = {
  readonly work: string
  readonly budget: string
  readonly measured: string
  readonly met: boolean
}

/** The value in the middle; `at` another place between 0 and 1. */
export function median(values: readonly number[], at = 0.5): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * at))] ?? Number.NaN
}

export function say(line = ''): void {
  process.stdout.write(`${line}\n`)
}

/** Rows with columns of equal width; the first is the head. */
export function table(rows: readonly (readonly string[])[]): void {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  )
  for (const row of rows) {
    const cells = row.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
    )
    say(`  ${cells.join('  ')}`)
  }
}

/** Microseconds as milliseconds with two decimals. */
export function ms(micros: number): string {
  return (micros / 1000).toFixed(2)
}

/** Prints budgets, and leaves them in the file `VERBENA_BENCH_BUDGETS` for the table at the end. */
export function reportBudgets(budgets: readonly Budget[]): void {
  say()
  for (const { work, budget, measured, met } of budgets) {
    say(`  ${met ? 'met   ' : 'MISSED'}  ${work}: ${measured} (budget ${budget})`)
  }
  const file = process.env['VERBENA_BENCH_BUDGETS']
  if (file === undefined) return
  for (const budget of budgets) appendFileSync(file, `${JSON.stringify(budget)}\n`)
}
