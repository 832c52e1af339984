/**
 * Documents: every file opens with what it is for, links between pages lead
 * somewhere, and the examples in pages name files that exist.
 * @module
 */
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { type Fault, ROOT, type TextFile } from './files.ts'
import type { Source } from './tree.ts'

const LINK = /\[[^\]]*\]\(([^)\s]+)\)/g
const OUTSIDE = /^[a-z][a-z0-9+.-]*:/i

/** Files whose head does not say what they are for. Tests say it by their names. */
export function checkHeads(sources: readonly Source[]): Fault[] {
  return sources
    .filter(({ test }) => !test)
    .filter(({ text }) => !hasHead(text))
    .map((source) => ({
      path: source.path,
      line: 1,
      text: 'no module comment (@module) at the top',
    }))
}

function hasHead(text: string): boolean {
  const body = text.replace(/^#!.*\n/, '')
  return body.startsWith('/**') && body.slice(0, body.indexOf('*/')).includes('@module')
}

/** Relative links of pages that lead nowhere, anchors included. */
export function checkLinks(pages: readonly TextFile[], root: string = ROOT): Fault[] {
  return pages
    .filter((page) => page.path.endsWith('.md'))
    .flatMap((page) =>
      withoutCode(page.text)
        .split('\n')
        .flatMap((line, index) =>
          [...line.matchAll(LINK)].flatMap(([, link = '']) => {
            const text = faultOfLink(page.path, link, root)
            return text === undefined ? [] : [{ path: page.path, line: index + 1, text }]
          }),
        ),
    )
}

function faultOfLink(page: string, link: string, root: string): string | undefined {
  if (OUTSIDE.test(link)) return undefined
  const [file = '', anchor] = link.split('#')
  const target = file === '' ? page : path.posix.join(path.posix.dirname(page), file)
  const full = path.join(root, target)
  if (!existsSync(full)) return `link ${link}: there is no ${target}`
  if (anchor === undefined || !target.endsWith('.md')) return undefined
  const known = anchorsOf(readFileSync(full, 'utf8')).includes(anchor)
  return known ? undefined : `link ${link}: ${target} has no heading #${anchor}`
}

/** Anchors as the forges make them: lower case, words with hyphens, no punctuation. */
export function anchorsOf(markdown: string): string[] {
  return withoutBlocks(markdown)
    .split('\n')
    .filter((line) => /^#{1,6} /.test(line))
    .map((line) => line.replace(/^#+ /, '').trim().toLowerCase())
    .map((text) => text.replaceAll(/[^\p{L}\p{N}\s_-]/gu, '').replaceAll(' ', '-'))
}

/** Blanks fenced blocks, line numbers kept. */
function withoutBlocks(markdown: string): string {
  return markdown.replaceAll(/^```[\s\S]*?^```/gm, blank)
}

/** Blanks code spans too. */
function withoutCode(markdown: string): string {
  return withoutBlocks(markdown).replaceAll(/`[^`\n]*`/g, blank)
}

function blank(text: string): string {
  return text.replaceAll(/[^\n]/g, ' ')
}
