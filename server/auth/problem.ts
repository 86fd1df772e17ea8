import { type AppErrorCode, HTTP_STATUS, refusalOf } from '../errors.ts'
import { faultOf, log } from '../log.ts'

/** A refusal as RFC 9457 has it: a code for programs, a sentence for people. */
export function problem(status: number, code: AppErrorCode, detail: string, field?: string): Response {
  return new Response(JSON.stringify({ type: 'about:blank', status, code, detail, field }), {
    status,
    headers: {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      ...(status === 429 || status === 503 ? { 'retry-after': '30' } : {}),
    },
  })
}

/** The answer to what was thrown: ours says why, anything else is for the operator's log. */
export function refusal(error: unknown): Response {
  const said = refusalOf(error)
  if (said) return problem(HTTP_STATUS[said.code], said.code, said.message, said.field)
  log.error('a request broke', faultOf(error))
  return problem(500, 'misconfigured', 'Something broke on our side; it was logged.')
}
