import { createParser } from 'nuqs'
import { LogDate } from '../../server/logs/schema.ts'

/** A date in the address, "2026-11-23"; anything else there is as if it were not. */
export const parseAsDate = createParser({
  parse: (text) => LogDate.safeParse(text).data ?? null,
  serialize: (date: string) => date,
})
