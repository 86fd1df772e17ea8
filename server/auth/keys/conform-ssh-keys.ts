import { z } from 'zod'
import { Algorithm, differing, type Verdict } from './conform-case.ts'
import { parseSshKeyLine } from './ssh-key-line.ts'

const KeyLines = z.object({
  cases: z.array(
    z.discriminatedUnion('expect', [
      z.object({
        id: z.string(),
        line: z.string(),
        expect: z.literal('accept'),
        type: z.string().optional(),
        bits: z.number().optional(),
        fingerprint: z.string().optional(),
        comment: z.string().optional(),
        algorithm: Algorithm.optional(),
      }),
      z.object({
        id: z.string(),
        line: z.string(),
        expect: z.literal('reject'),
        reason: z.string().optional(),
      }),
    ]),
  ),
})

/**
 * Cases in the form of ssh-keys.json: accepted or rejected, and all that the case says of the key or of the reason.
 * @throws z.ZodError naming the field
 */
export function checkKeyLines(content: unknown): Verdict[] {
  return KeyLines.parse(content).cases.map((one) => {
    const came = parseSshKeyLine(one.line)
    const faults: string[] = []
    if (one.expect === 'accept') {
      if (came.ok) {
        for (const field of ['type', 'bits', 'fingerprint', 'comment', 'algorithm'] as const) {
          if (one[field] !== undefined) faults.push(...differing(field, one[field], came.key[field]))
        }
      } else faults.push(`expected accept, came ${came.reason}`)
    } else if (came.ok) faults.push(`expected reject (${one.reason ?? 'for any reason'}), came accept`)
    // Several reasons may be true of one line; the expected one has to be among them.
    else if (one.reason !== undefined && !came.reasons.some((reason) => reason === one.reason)) {
      faults.push(`expected ${one.reason}, came ${came.reasons.join(', ')}`)
    }
    return { id: one.id, faults }
  })
}
