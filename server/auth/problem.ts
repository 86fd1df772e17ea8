import { AppError, type AppErrorCode, HTTP_STATUS } from '../errors.ts'
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
  if (error instanceof AppError)
    return problem(HTTP_STATUS[error.code], error.code, error.message, error.field)
  log.error('a sign-in broke', faultOf(error))
  return problem(500, 'misconfigured', 'Something broke on our side; it was logged.')
}
