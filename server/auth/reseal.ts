import { createHash } from 'node:crypto'
import { symmetricDecrypt, symmetricEncrypt } from 'better-auth/crypto'
import type pg from 'pg'
import { withTransaction } from '../db/pool.ts'
import { log } from '../log.ts'
import { HOUR, type Instant, MINUTE } from '../time/instant.ts'
import { MAIL_PURPOSE, PROVIDER_PURPOSE, sealedAnew } from './seal.ts'
import { DeviceSecrets } from './secrets.ts'

/** Rows that are looked at in one step. */
const A_STEP = 200
/** Until it is looked whether all is sealed anew. While some processes have the old settings yet, each seals as it knows. */
const AGAIN_AFTER_MS = MINUTE

/** A table's columns that hold what AUTH_SECRET seals. */
export interface SealedColumns {
  table: string
  /** The table's primary key. */
  key: readonly string[]
  columns: readonly string[]
  /**
   * A value under the current secret; null if it is already.
   * @param key the row's, in the order of `key`
   * @throws if none of the secrets opens it
   */
  anew(
    value: never,
    secrets: readonly string[],
    key: readonly unknown[],
  ): Promise<unknown> | Buffer | string | null
}

/** What the second step has sealed says with which secret: a number that is the same wherever that secret is. */
export const versionOf = (secret: string) =>
  createHash('sha256').update(`version of ${secret}`).digest().readUInt32BE() >>> 1

/** better-auth's own envelope (`$ba$VERSION$…`); what was sealed before there were versions has none. */
async function secondStepAnew(value: string, secrets: readonly string[]): Promise<string | null> {
  const [current] = secrets
  const keys = new Map(secrets.map((secret) => [versionOf(secret), secret]))
  const key = { keys, currentVersion: versionOf(current!) }
  if (value.startsWith(`$ba$${key.currentVersion}$`)) return null
  const data = value.startsWith('$ba$')
    ? await symmetricDecrypt({ key, data: value })
    : await Promise.any(secrets.map((secret) => symmetricDecrypt({ key: secret, data: value })))
  return await symmetricEncrypt({ key, data })
}

/** What stands sealed for people, for mail and for devices. */
export const SEALED_BY_AUTH: readonly SealedColumns[] = [
  { table: 'two_factors', key: ['id'], columns: ['secret', 'backup_codes'], anew: secondStepAnew },
  {
    table: 'sign_in_providers',
    key: ['fleet_id', 'id'],
    columns: ['secret'],
    anew: (value: Buffer, secrets) => sealedAnew(value, PROVIDER_PURPOSE, secrets),
  },
  {
    table: 'mail_outbox',
    key: ['id'],
    columns: ['sealed'],
    anew: (value: Buffer, secrets) => sealedAnew(value, MAIL_PURPOSE, secrets),
  },
  {
    table: 'device_sessions',
    key: ['fleet_id', 'session'],
    columns: ['secret'],
    anew: (value: Buffer, secrets, [, session]) =>
      new DeviceSecrets(secrets).sealedAnew(value, session as string),
  },
]

type Row = Record<string, unknown>

/**
 * Seals anew, under the current secret, what stands sealed under a former one, a few rows a step: so the former one can be left out, and
 * the log says when. Any number of processes may do it, and be killed at it: where they stand is written nowhere, and what is under
 * the current secret already is passed over.
 */
export class Resealing {
  readonly #pool: pg.Pool
  readonly #secrets: readonly string[]
  readonly #kinds: readonly SealedColumns[]
  readonly #aStep: number
  #kind = 0
  #after: readonly unknown[] | null = null
  /** Of the pass that is under way: what was found under a former secret, and what no secret opens. */
  #found = 0
  #unreadable = 0
  /** How many were unreadable when it was said that nothing depends on the former secret. */
  #said: number | undefined
  #dueAt: Instant = Number.NEGATIVE_INFINITY

  /** @param secrets the current one first; with one alone there is nothing to do */
  constructor(
    pool: pg.Pool,
    secrets: readonly string[],
    kinds: readonly SealedColumns[] = SEALED_BY_AUTH,
    aStep = A_STEP,
  ) {
    this.#pool = pool
    this.#secrets = secrets
    this.#kinds = kinds
    this.#aStep = aStep
  }

  /**
   * One step, if one is due. The next pass begins a minute later, and after one that has found nothing an hour: an instance that makes
   * with the former secret yet may have sealed something meanwhile.
   * @returns whether there is more to do at once
   * @throws a database error as it is; the step is done again
   */
  async run(now: Instant): Promise<boolean> {
    if (this.#secrets.length < 2 || now < this.#dueAt) return false
    const kind = this.#kinds[this.#kind]
    if (!kind) return this.#end(now)
    const rows = await this.#read(kind)
    const keys: (readonly unknown[])[] = []
    for (const row of rows) if (await this.#isFormer(kind, row)) keys.push(keyOf(kind, row))
    if (keys.length > 0) await this.#reseal(kind, keys)
    this.#found += keys.length
    const last = rows.length < this.#aStep ? undefined : rows.at(-1)
    this.#after = last ? keyOf(kind, last) : null
    if (!last) this.#kind++
    return true
  }

  #end(now: Instant): boolean {
    const [found, unreadable] = [this.#found, this.#unreadable]
    this.#kind = this.#found = this.#unreadable = 0
    this.#dueAt = now + (found > 0 ? AGAIN_AFTER_MS : HOUR)
    if (found > 0) this.#said = undefined
    else if (this.#said !== unreadable) {
      this.#said = unreadable
      if (unreadable > 0)
        log.warn('some stored secrets open with neither AUTH_SECRET nor AUTH_SECRET_PREVIOUS', { unreadable })
      log.info(
        'nothing that is stored is sealed under AUTH_SECRET_PREVIOUS: it can be left out once every instance has this AUTH_SECRET',
      )
    }
    return false
  }

  async #isFormer(kind: SealedColumns, row: Row): Promise<boolean> {
    try {
      return (await this.#changesOf(kind, row)).size > 0
    } catch {
      this.#unreadable++
      return false
    }
  }

  async #changesOf(kind: SealedColumns, row: Row): Promise<Map<string, unknown>> {
    const changes = new Map<string, unknown>()
    for (const column of kind.columns) {
      if (row[column] === null) continue
      const anew = await kind.anew(row[column] as never, this.#secrets, keyOf(kind, row))
      if (anew !== null) changes.set(column, anew)
    }
    return changes
  }

  /** The next rows, not locked: most of them stay as they are. */
  async #read({ table, key, columns }: SealedColumns): Promise<Row[]> {
    const after = this.#after
    const where = after ? `where (${key}) > (${key.map((_, at) => `$${at + 2}`)})` : ''
    const { rows } = await this.#pool.query<Row>(
      `select ${[...key, ...columns]} from ${table} ${where} order by ${key} limit $1`,
      [this.#aStep, ...(after ?? [])],
    )
    return rows
  }

  /** Reads them again and changes them under a lock. One that is locked, a mail on its way say, waits for the next pass. */
  async #reseal(kind: SealedColumns, keys: readonly (readonly unknown[])[]): Promise<void> {
    const { table, key, columns } = kind
    const one = key.map((name, at) => `${name} = $${at + 1}`).join(' and ')
    for (const values of keys)
      await withTransaction(this.#pool, async (tx) => {
        const { rows } = await tx.query<Row>(
          `select ${[...key, ...columns]} from ${table} where ${one} for update skip locked`,
          [...values],
        )
        if (!rows[0]) return
        const changes = await this.#changesOf(kind, rows[0])
        if (changes.size === 0) return
        const set = [...changes.keys()].map((name, at) => `${name} = $${key.length + at + 1}`)
        await tx.query(`update ${table} set ${set} where ${one}`, [...values, ...changes.values()])
      })
  }
}

const keyOf = ({ key }: SealedColumns, row: Row): unknown[] => key.map((name) => row[name])
