/** What a caller may be refused for. A refusal is not a violation (a result) and not a broken invariant (a throw). */
export type AppErrorCode =
  | 'malformed'
  | 'unauthenticated'
  | 'forbidden'
  | 'not-found'
  | 'conflict'
  | 'gone'
  | 'too-large'
  | 'unacceptable'
  | 'too-often'
  | 'busy'
  | 'misconfigured'

/** The one map from our codes to HTTP. */
export const HTTP_STATUS = {
  malformed: 400,
  unauthenticated: 401,
  forbidden: 403,
  'not-found': 404,
  conflict: 409,
  gone: 410,
  'too-large': 413,
  unacceptable: 422,
  'too-often': 429,
  busy: 503,
  misconfigured: 500,
} as const satisfies Record<AppErrorCode, number>

/** The same codes as tRPC names them. */
export const TRPC_CODE = {
  malformed: 'BAD_REQUEST',
  unauthenticated: 'UNAUTHORIZED',
  forbidden: 'FORBIDDEN',
  'not-found': 'NOT_FOUND',
  conflict: 'CONFLICT',
  gone: 'NOT_FOUND',
  'too-large': 'PAYLOAD_TOO_LARGE',
  unacceptable: 'UNPROCESSABLE_CONTENT',
  'too-often': 'TOO_MANY_REQUESTS',
  busy: 'SERVICE_UNAVAILABLE',
  misconfigured: 'INTERNAL_SERVER_ERROR',
} as const satisfies Record<AppErrorCode, string>

/**
 * The refusal that an error is; null for what broke. PostgreSQL keeps no NUL character in a text: somebody who sends one is told so.
 */
export function refusalOf(error: unknown): AppError | null {
  if (error instanceof AppError) return error
  // character_not_in_repertoire and untranslatable_character: PostgreSQL, appendix A.
  const { code } = (error ?? {}) as { code?: unknown }
  return code === '22021' || code === '22P05'
    ? new AppError('malformed', 'A text in it has a character that can’t be stored (U+0000). Leave it out.')
    : null
}

/** A refusal: its code, a sentence for the caller, and the field that it is about if there is one. */
export class AppError extends Error {
  constructor(
    readonly code: AppErrorCode,
    message: string,
    readonly field?: string,
  ) {
    super(message)
    this.name = 'AppError'
  }
}
