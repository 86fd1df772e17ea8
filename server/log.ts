type Level = 'info' | 'warn' | 'error'
/** What a line says besides its message; never a token, a key or a person's words. */
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>

/**
 * The log of a process that serves: one line of JSON an event, with time, level and message first, so that a collector needs no
 * pattern. Text of devices ends up in quotes, whatever it holds.
 */
function write(level: Level, message: string, fields: LogFields = {}): void {
  const line = `${JSON.stringify({ time: new Date().toISOString(), level, message, ...fields })}\n`
  ;(level === 'info' ? process.stdout : process.stderr).write(line)
}

export const log = {
  info: (message: string, fields?: LogFields) => write('info', message, fields),
  warn: (message: string, fields?: LogFields) => write('warn', message, fields),
  error: (message: string, fields?: LogFields) => write('error', message, fields),
}

/** Fields of an exception: its message and where it came from. */
export const faultOf = (error: unknown): LogFields =>
  error instanceof Error ? { error: error.message, stack: error.stack } : { error: String(error) }
