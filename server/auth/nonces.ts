import type pg from 'pg'
import type { Db } from '../db/pool.ts'
import { faultOf, log } from '../log.ts'
import type { NonceSpend } from './keys/profile.ts'

/** Seconds of freshness time in a bucket (device-signatures section 5). */
const BUCKET_MS = 600_000
/** So many are made ahead: an hour, should nobody come to it for a while. Without its partition a request is refused, never taken. */
const AHEAD = 6
/** A bucket is dropped when no fresh request can fall into it any more: 20 minutes after its beginning, and some. */
const BEHIND = 3
const LOCK = 727278
const LOCK_WAIT_MS = 200
const EVERY_MS = 60_000

/** One use of a nonce, as the table has it. */
export interface Spend {
  fleetId: number
  /** The number of the key or session. */
  keyRef: number
  bucket: number
  nonce: string
}

export const spendOf = (fleetId: number, keyRef: number, { bucket, nonce }: NonceSpend): Spend => ({
  fleetId,
  keyRef,
  bucket,
  nonce,
})

/** The nonce as the table has it: bytes, which compare fastest. */
export const nonceBytes = (nonce: string) => Buffer.from(nonce, 'latin1')

/**
 * Uses a nonce inside the transaction that does what the request asks for.
 * @returns false if the request has been here before: nothing of it may be done
 */
export async function spendNonce(tx: Db, { fleetId, keyRef, bucket, nonce }: Spend): Promise<boolean> {
  const { rowCount } = await tx.query({
    name: 'spend-nonce',
    text: 'insert into device_nonces (fleet_id, key_ref, bucket, nonce) values ($1, $2, $3, $4) on conflict do nothing',
    values: [fleetId, keyRef, bucket, nonceBytes(nonce)],
  })
  return rowCount === 1
}

/**
 * Makes the partitions of `device_nonces` from the bucket before `now` on, and drops those that no fresh request can meet. Any
 * instance may do it at any time; one at a time does.
 */
export async function keepNonceBuckets(pool: pg.Pool, now: number): Promise<void> {
  const current = Math.floor(now / BUCKET_MS)
  const client = await pool.connect()
  let broken: Error | undefined
  try {
    const { rows } = await client.query<{ name: string }>(
      `select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
       where i.inhparent = 'device_nonces'::regclass`,
    )
    const there = new Set(rows.map(({ name }) => Number(name.slice('device_nonces_'.length))))
    const missing: number[] = []
    for (let bucket = current - 1; bucket <= current + AHEAD; bucket++)
      if (!there.has(bucket)) missing.push(bucket)
    const old = [...there].filter((bucket) => bucket <= current - BEHIND)
    if (missing.length === 0 && old.length === 0) return
    await client.query('begin')
    // Both need the whole table for a moment; nobody's heartbeat waits for it longer than this.
    await client.query(`set local lock_timeout = ${LOCK_WAIT_MS}`)
    const { rows: locks } = await client.query<{ mine: boolean }>(
      'select pg_try_advisory_xact_lock($1) as mine',
      [LOCK],
    )
    if (locks[0]!.mine) {
      for (const bucket of missing) {
        await client.query(
          `create table if not exists device_nonces_${bucket} partition of device_nonces for values from (${bucket}) to (${bucket + 1})`,
        )
      }
      for (const bucket of old) await client.query(`drop table if exists device_nonces_${bucket}`)
    }
    await client.query('commit')
  } catch (error) {
    await client.query('rollback').catch((failure: Error) => {
      broken = failure
    })
    // Somebody else used the table: the next round has an hour's time.
    if ((error as { code?: unknown }).code !== '55P03') throw error
  } finally {
    client.release(broken)
  }
}

/** Keeps the buckets of a pool as long as the process has requests: asked with each of them, and cheap. */
export class NonceBuckets {
  readonly #pool: pg.Pool
  readonly #now: () => number
  #keptAt = Number.NEGATIVE_INFINITY
  #keeping: Promise<void> | undefined

  constructor(pool: pg.Pool, now: () => number) {
    this.#pool = pool
    this.#now = now
  }

  /** Undefined when there is nothing to wait for: only the first request of all waits. */
  kept(): Promise<void> | undefined {
    const age = Math.abs(this.#now() - this.#keptAt)
    if (age < EVERY_MS) return undefined
    const isFirst = age > EVERY_MS * 30
    this.#keeping ??= keepNonceBuckets(this.#pool, this.#now())
      .then(() => {
        this.#keptAt = this.#now()
      })
      .finally(() => {
        this.#keeping = undefined
      })
    if (isFirst) return this.#keeping
    this.#keeping.catch((error: unknown) => log.error('the buckets of nonces were not kept', faultOf(error)))
    return undefined
  }
}
