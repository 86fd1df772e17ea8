import type { z } from 'zod'
import { type Action, whyNot } from '../../../server/auth/can.ts'
import type { Person } from '../../../server/auth/principal.ts'
import { problem, refusal } from '../../../server/auth/problem.ts'
import { personOf } from '../../../server/auth/session.ts'
import type { Db } from '../../../server/db/pool.ts'
import { inFleet } from '../../in-fleet.ts'
import { tellExport } from '../../tell-export.ts'

/** A report as a file. */
export interface ReportFile {
  /** Without the ending. */
  name: string
  csv: string
}

/** Answers a request for a report: who asks and what for are checked here, and a refusal names its field and reason. */
export async function answerReport<T>(
  request: Request,
  schema: z.ZodType<T>,
  make: (input: T, person: Person, tx: Db) => Promise<ReportFile>,
  action: Action = 'reports.export',
): Promise<Response> {
  const person = await personOf(request.headers)
  if (!person) return problem(401, 'unauthenticated', 'Sign in first.')
  const refused = whyNot(person.role, action)
  if (refused) return problem(403, 'forbidden', refused)
  const asked = schema.safeParse(Object.fromEntries(new URL(request.url).searchParams))
  if (!asked.success) {
    const [issue] = asked.error.issues
    return problem(400, 'malformed', issue!.message, issue!.path.join('.'))
  }
  try {
    const { name, csv } = await inFleet(person, async (tx) => {
      const file = await make(asked.data, person, tx)
      await tellExport(tx, person, request.headers, { report: `${file.name}.csv`, asked: asked.data })
      return file
    })
    return new Response(csv, {
      headers: {
        'content-type': 'text/csv; charset=utf-8; header=present',
        'content-disposition': `attachment; filename="${asciiName(name)}.csv"; filename*=UTF-8''${encodeURIComponent(name)}.csv`,
        'cache-control': 'private, no-store',
      },
    })
  } catch (error) {
    return refusal(error)
  }
}

const asciiName = (name: string) => name.replace(/[^\w.-]+/g, '-')
