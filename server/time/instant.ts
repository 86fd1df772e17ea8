/** Milliseconds since 1970-01-01T00:00:00Z. Every instant in the product is one of these; a zone is named apart. */
export type Instant = number

export const SECOND = 1_000
export const MINUTE = 60 * SECOND
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR
