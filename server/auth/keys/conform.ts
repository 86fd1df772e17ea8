import * as fs from 'node:fs'
import { z } from 'zod'
import type { Verdict } from './conform-case.ts'
import { checkRequests } from './conform-device-signatures.ts'
import { checkVectors } from './conform-rfc9421.ts'
import { checkKeyLines } from './conform-ssh-keys.ts'

export type AuthKind = 'rfc9421' | 'ssh-keys' | 'device-signatures'

const KINDS: Record<AuthKind, (content: unknown) => Promise<Verdict[]> | Verdict[]> = {
  rfc9421: checkVectors,
  'ssh-keys': checkKeyLines,
  'device-signatures': checkRequests,
}

/**
 * Runs the cases of files in the form of /auth of the conformance material (rfc9421-vectors, ssh-keys,
 * device-signature-cases) and prints a block for each that fails.
 * @throws Error naming file and field if one can't be read as its kind
 */
export async function conformAuth(
  kind: AuthKind,
  files: readonly string[],
): Promise<{ passed: number; failed: number }> {
  let [passed, failed] = [0, 0]
  for (const file of files) {
    let verdicts: Verdict[]
    try {
      verdicts = await KINDS[kind](JSON.parse(fs.readFileSync(file, 'utf8')))
    } catch (error) {
      const [issue] = error instanceof z.ZodError ? error.issues : []
      const reason = issue
        ? `${issue.path.join('.') || 'the file'}: ${issue.message}`
        : (error as Error).message
      throw new Error(`${file}: ${reason}`)
    }
    for (const { id, faults } of verdicts) {
      if (faults.length === 0) passed++
      else {
        failed++
        console.log([id, ...faults.map((fault) => `  ${fault}`)].join('\n'))
      }
    }
  }
  return { passed, failed }
}
