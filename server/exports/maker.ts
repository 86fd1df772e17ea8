import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type pg from 'pg'
import { withFleetSnapshot } from '../db/pool.ts'
import { AppError } from '../errors.ts'
import { faultOf, log } from '../log.ts'
import { ReportAsked } from '../reports/schema.ts'
import { type Instant, MINUTE, SECOND } from '../time/instant.ts'
import { type Part, partsOf } from './parts.ts'
import { FILE_KEPT_MS } from './schema.ts'

/** So many are made at once by a worker, and of one fleet by all of them: its large ones hold up its own only. */
const AT_ONCE = 3
const OF_FLEET = 2
/** Whoever makes one says so often enough; silent for so long, it is another's. */
const LEASE_MS = MINUTE
const RENEWED_MS = LEASE_MS / 3
/** What breaks is tried again after this, twice that, …; after so many tries it has failed. */
const AGAIN_MS = 5 * SECOND
const MOST_ATTEMPTS = 4
const PIECE_BYTES = 1 << 20
/** A file as it is kept; some twenty times that as it is fetched. */
const MOST_PACKED_BYTES = 64 << 20

const pack = promisify(gzip)

interface Job {
  fleetId: number
  id: number
  report: unknown
  attempts: number
}

/** It was cancelled, or another worker has it now. */
class Lost extends Error {}
/** The worker is stopping. */
class Stopped extends Error {}

/** Makes the files that were asked for, some at a time, beside whatever else the process does. */
export class ExportMaker {
  readonly #pool: pg.Pool
  readonly #underWay = new Set<Promise<void>>()
  readonly #mostPackedBytes: number
  #stopping = false

  /**
   * @param pool the service's: works across fleets
   * @param mostPackedBytes of a file, as it is kept
   */
  constructor(pool: pg.Pool, mostPackedBytes = MOST_PACKED_BYTES) {
    this.#pool = pool
    this.#mostPackedBytes = mostPackedBytes
  }

  /**
   * Takes what is due and begins to make it; doesn't wait until it is made.
   * @returns how many were begun
   */
  async run(now: () => Instant): Promise<number> {
    let begun = 0
    while (!this.#stopping && this.#underWay.size < AT_ONCE) {
      const job = await this.#claim(now())
      if (!job) break
      begun++
      const made = this.#make(job, now)
        // It stays claimed, and is made again when the lease ends.
        .catch((error) => log.error('an export was not settled', faultOf(error)))
        .finally(() => this.#underWay.delete(made))
      this.#underWay.add(made)
    }
    return begun
  }

  /** Until nothing is under way. */
  async idle(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay)
  }

  /** Begins no more and gives back what is under way: another worker makes it from its beginning. */
  async stop(): Promise<void> {
    this.#stopping = true
    await this.idle()
  }

  /** One at a time, so that the next is of the fleet that has the fewest under way. What another try left is deleted. */
  async #claim(now: Instant): Promise<Job | null> {
    const { rows } = await this.#pool.query<Job>(
      `with busy as (
         select fleet_id, count(*) as count from exports where state = 'running' and due_at > $1 group by fleet_id
       ), due as (
         select e.fleet_id, e.id from exports e left join busy b on b.fleet_id = e.fleet_id
         where e.state in ('queued', 'running') and e.due_at <= $1 and coalesce(b.count, 0) < $2
         order by coalesce(b.count, 0), e.due_at, e.id limit 1 for update of e skip locked
       ), cleared as (
         delete from export_pieces p using due d where p.fleet_id = d.fleet_id and p.export_id = d.id
       )
       update exports e set state = 'running', attempts = e.attempts + 1, due_at = $3, rows = 0, bytes = 0, packed_bytes = 0,
         started_at = $1
       from due d where e.fleet_id = d.fleet_id and e.id = d.id
       returning e.fleet_id as "fleetId", e.id, e.report, e.attempts`,
      [new Date(now), OF_FLEET, new Date(now + LEASE_MS)],
    )
    return rows[0] ?? null
  }

  async #make(job: Job, now: () => Instant): Promise<void> {
    const { fleetId, attempts } = job
    // A process that died of it says nothing: the tries are counted when they begin.
    if (attempts > MOST_ATTEMPTS) return await this.#fail(job, BROKE)
    let lost = false
    const renewing = setInterval(
      () =>
        void this.#settle(job, 'due_at = $4', [new Date(now() + LEASE_MS)])
          .then((is) => (lost ||= !is))
          .catch((error) => log.warn('an export was not renewed', faultOf(error))),
      RENEWED_MS,
    )
    try {
      const report = ReportAsked.parse(job.report)
      const hash = createHash('sha256')
      let pieces = 0
      let packedBytes = 0
      await withFleetSnapshot(this.#pool, fleetId, async (tx) => {
        for await (const part of partsOf(tx, this.#pool, fleetId, report, now())) {
          if (this.#stopping) throw new Stopped()
          if (lost) throw new Lost()
          const content = Buffer.from(part.csv, 'utf8')
          hash.update(content)
          const packed: Buffer[] = []
          for (let at = 0; at < content.length; at += PIECE_BYTES)
            packed.push(await pack(content.subarray(at, at + PIECE_BYTES)))
          packedBytes += packed.reduce((sum, { length }) => sum + length, 0)
          if (packedBytes > this.#mostPackedBytes) throw TOO_LARGE()
          await this.#keep(job, part, content.length, packed, pieces, now())
          pieces += packed.length
        }
      })
      await this.#settle(job, `state = 'ready', ready_at = $4, expires_at = $5, sha256 = $6`, [
        new Date(now()),
        new Date(now() + FILE_KEPT_MS),
        hash.digest('hex'),
      ])
    } catch (error) {
      await this.#giveUp(job, error, now())
    } finally {
      clearInterval(renewing)
    }
  }

  /** The pieces and what they count for, in one statement: both are kept, or neither where the job is no longer this one's. */
  async #keep(
    job: Job,
    { rows }: Part,
    bytes: number,
    packed: readonly Buffer[],
    first: number,
    now: Instant,
  ): Promise<void> {
    const { rowCount } = await this.#pool.query(
      `with kept as (
         update exports set due_at = $4, rows = rows + $5, bytes = bytes + $6, packed_bytes = packed_bytes + $7
         where fleet_id = $1 and id = $2 and state = 'running' and attempts = $3 returning fleet_id, id
       ), written as (
         insert into export_pieces (fleet_id, export_id, number, content)
         select k.fleet_id, k.id, p.number, p.content
         from kept k, unnest($8::int[], $9::bytea[]) as p(number, content)
       )
       select from kept`,
      [
        job.fleetId,
        job.id,
        job.attempts,
        new Date(now + LEASE_MS),
        rows,
        bytes,
        packed.reduce((sum, { length }) => sum + length, 0),
        packed.map((_, i) => first + i),
        packed,
      ],
    )
    if (rowCount !== 1) throw new Lost()
  }

  async #giveUp(job: Job, error: unknown, now: Instant): Promise<void> {
    if (error instanceof Lost) return
    if (error instanceof Stopped) {
      // It is no try that failed.
      await this.#settle(job, `state = 'queued', attempts = attempts - 1, due_at = $4`, [new Date(now)])
      return
    }
    if (error instanceof AppError) return await this.#fail(job, error.message)
    log.error('an export broke', { fleet: job.fleetId, export: job.id, ...faultOf(error) })
    if (job.attempts >= MOST_ATTEMPTS) return await this.#fail(job, BROKE)
    const again = new Date(now + AGAIN_MS * 2 ** (job.attempts - 1))
    await this.#settle(job, `state = 'queued', due_at = $4`, [again])
  }

  async #fail(job: Job, problem: string): Promise<void> {
    if (await this.#settle(job, `state = 'failed', packed_bytes = 0, problem = $4`, [problem]))
      await this.#pool.query('delete from export_pieces where fleet_id = $1 and export_id = $2', [
        job.fleetId,
        job.id,
      ])
  }

  /** @returns whether the job was still this one's */
  async #settle(job: Job, set: string, values: readonly unknown[]): Promise<boolean> {
    const { rowCount } = await this.#pool.query(
      `update exports set ${set} where fleet_id = $1 and id = $2 and state = 'running' and attempts = $3`,
      [job.fleetId, job.id, job.attempts, ...values],
    )
    return rowCount === 1
  }
}

const BROKE = 'It could not be made; the reason was logged.'
const TOO_LARGE = () =>
  new AppError('too-large', 'The file would become too large. Ask for fewer days or a narrower search.')
