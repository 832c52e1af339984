/**
 * `verbena render`: what files become, without a store. The first document of
 * a name is a new object, the next one is its update.
 * @module
 */
import type { Document } from '#needs/records.ts'
import type { AdmissionError } from '#values/admission.ts'
import { admissionErrorOf, admitAll, errorsOfTexts } from './admission.ts'
import type { Context, OutputOptions } from './context.ts'
import { errorLine, formatYaml } from './print.ts'
import { readSources } from './sources.ts'
import { documentsAt, stateOf } from './state.ts'

/** What `-o json` prints. */
export type Rendering = {
  /** The documents after defaulting and admission, one of each name, in its last form. */
  readonly objects: readonly Document[]
  /** What follows from them. */
  readonly generated: readonly Document[]
  readonly warnings: readonly string[]
  readonly errors: readonly AdmissionError[]
}

export type RenderOptions = OutputOptions & {
  readonly filename: readonly string[]
  readonly namespace?: string
}

/** Exit status 1 when a document has an error; the others are rendered all the same. */
export async function render(options: RenderOptions, context: Context): Promise<number> {
  const { documents, faults } = await readSources(options.filename, context)
  const namespace = options.namespace ?? 'default'
  const admitted = admitAll(documents, stateOf([]), { namespace, takesStatus: true })
  const { state, warnings } = admitted
  const errors = [...errorsOfTexts(faults), ...admitted.errors]
  const own = admitted.written.filter((key) => !admitted.generated.includes(key))
  const rendering: Rendering = {
    objects: documentsAt(state, own),
    generated: documentsAt(state, admitted.generated),
    warnings,
    errors: errors.map(admissionErrorOf),
  }
  if (options.output === 'json') context.stdout.write(`${JSON.stringify(rendering, null, 2)}\n`)
  else {
    const shown = [...rendering.objects, ...rendering.generated]
    if (shown.length > 0) context.stdout.write(await formatYaml(shown))
    for (const text of warnings) context.stderr.write(`Warning: ${text}\n`)
    for (const error of errors) context.stderr.write(errorLine(error))
  }
  return errors.length === 0 ? 0 : 1
}
