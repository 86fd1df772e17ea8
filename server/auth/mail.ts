import { createTransport } from 'nodemailer'
import type pg from 'pg'
import { newId } from '../db/id.ts'
import { type Db, withTransaction } from '../db/pool.ts'
import { env } from '../env.ts'
import { log } from '../log.ts'
import type { Instant } from '../time/instant.ts'
import { MAIL_PURPOSE, seal, unseal } from './seal.ts'

const LIMIT_MS = 10_000
const AT_ONCE = 20
/** A mail server that was away is asked again after this, twice that, … up to an hour; after so many times the mail is given up. */
const AGAIN_MS = 30_000
const MOST_ATTEMPTS = 20

export interface Mail {
  to: string
  subject: string
  text: string
}

/** Puts a mail where the worker takes it from, in the transaction of what it tells of. What it says is sealed: it holds a secret. */
export async function postMail(tx: Db, { to, subject, text }: Mail): Promise<void> {
  await tx.query('insert into mail_outbox (id, recipient, sealed) values ($1, $2, $3)', [
    newId(),
    to,
    seal(JSON.stringify({ subject, text }), MAIL_PURPOSE),
  ])
}

/**
 * Sends what is due; several workers share the work. A mail may go twice when a worker dies between sending and forgetting it, and
 * never not at all.
 * @returns how many went
 */
export async function deliverMail(pool: pg.Pool, now: Instant): Promise<number> {
  const { SMTP_URL, MAIL_FROM } = env()
  if (!SMTP_URL) return 0
  return await withTransaction(pool, async (tx) => {
    const { rows } = await tx.query<{ id: number; recipient: string; sealed: Buffer; attempts: number }>(
      `select id, recipient, sealed, attempts from mail_outbox where due_at <= $1 and attempts < $2
       order by due_at limit $3 for update skip locked`,
      [new Date(now), MOST_ATTEMPTS, AT_ONCE],
    )
    if (rows.length === 0) return 0
    const transport = createTransport({
      url: SMTP_URL,
      connectionTimeout: LIMIT_MS,
      greetingTimeout: LIMIT_MS,
      socketTimeout: LIMIT_MS,
    })
    let gone = 0
    for (const { id, recipient, sealed, attempts } of rows) {
      try {
        await transport.sendMail({
          from: MAIL_FROM,
          to: recipient,
          ...JSON.parse(unseal(sealed, MAIL_PURPOSE)),
        })
        await tx.query('delete from mail_outbox where id = $1', [id])
        gone++
      } catch (error) {
        const wait = Math.min(AGAIN_MS * 2 ** attempts, 3_600_000)
        log.warn('a mail did not go', { mail: id, error: (error as Error).message })
        await tx.query(
          'update mail_outbox set attempts = attempts + 1, due_at = $2, problem = $3 where id = $1',
          [id, new Date(now + wait), (error as Error).message.slice(0, 300)],
        )
      }
    }
    transport.close()
    return gone
  })
}
