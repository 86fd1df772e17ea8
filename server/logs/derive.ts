import type { Db } from '../db/pool.ts'
import { type Instant, MINUTE } from '../time/instant.ts'
import { anchorsBefore, type Claim, fixesFrom, setInstants, storedSpans } from './derive-read.ts'
import { deriveSpans, endOf, type Span } from './motion.ts'

/** A vehicle whose driving is not what it was, and since when. */
export interface Change {
  fleetId: number
  vehicleId: number
  since: Instant
}

interface Plan {
  /** The last fix before whatever changed: the machine goes on from there. */
  after: Instant | null
  span: Span | null
}

/** Where to go on: from the last fix if the new one follows it, else from before the span that the late one touches. */
function planOf(claim: Claim, spans: readonly Span[]): Plan | { before: Instant; span: Span | null } {
  if (claim.derivedThrough !== null && claim.fromAt > claim.derivedThrough) {
    return { after: claim.derivedThrough, span: spans.at(-1) ?? null }
  }
  const index = spans.findLastIndex((span) => span.from <= claim.fromAt)
  const touched = spans[index]
  if (!touched || (touched.until !== null && touched.until < claim.fromAt)) {
    return { before: claim.fromAt, span: touched ?? null }
  }
  return { before: touched.from, span: spans[index - 1] ?? null }
}

/** Of two processes one may have evaluated with a clock that is this much ahead. */
const SKEW_MS = MINUTE

/**
 * Since when the log reads otherwise; Infinity if it does not. An open span that goes on reads the same until the driving
 * that it presumes is over, so a truck on its way costs no evaluation; one that comes back after that does.
 */
function changedSince(old: Span | undefined, span: Span, now: Instant): Instant {
  if (!old) return span.from
  if (old.until !== span.until) return old.lastMotionAt
  if (span.until !== null || old.lastMotionAt === span.lastMotionAt) return Number.POSITIVE_INFINITY
  const end = Math.min(endOf(old), endOf(span))
  return end <= now + SKEW_MS ? end : Number.POSITIVE_INFINITY
}

/**
 * Derives the driving of these vehicles anew from where their fixes changed, and writes what differs. The caller holds
 * the vehicles' rows of `vehicle_motion` locked. A fix in order costs no look at the day behind it; a late one is
 * derived again from the span that it touches. The rows are the same whatever the order of arrival was.
 * @param now says which presumptions may have been seen to end; what is written does not depend on it
 * @returns the vehicles whose drivers' logs read otherwise now
 */
export async function deriveDriving(tx: Db, claims: readonly Claim[], now: Instant): Promise<Change[]> {
  const spans = await storedSpans(tx, claims)
  const plans = claims.map((claim, i) => planOf(claim, spans[i]!))
  const anchors = await anchorsBefore(
    tx,
    claims.flatMap((claim, i) => {
      const plan = plans[i]!
      return 'before' in plan ? [{ ...claim, before: plan.before, index: i }] : []
    }),
  )
  const resumed = plans.map(
    (plan, i): Plan => ('before' in plan ? { after: anchors.get(i) ?? null, span: plan.span } : plan),
  )
  const fixes = await fixesFrom(
    tx,
    claims.map((claim, i) => ({
      ...claim,
      from: resumed[i]!.after ?? Math.min(claim.fromAt, spans[i]![0]?.from ?? claim.fromAt),
    })),
  )
  const setAt = await setInstants(
    tx,
    claims.map((claim, i) => ({
      ...claim,
      from: resumed[i]!.span?.lastMotionAt ?? fixes[i]![0]?.at ?? claim.fromAt,
    })),
  )

  const changes: Change[] = []
  const gone: { claim: Claim; from: Instant }[] = []
  const written: { claim: Claim; span: Span }[] = []
  const through: (Instant | null)[] = []
  claims.forEach((claim, i) => {
    const { after, span } = resumed[i]!
    const derived = deriveSpans({
      fixes: fixes[i]!,
      thresholdKph: claim.thresholdKph,
      setAt: setAt[i]!,
      resume: after === null ? undefined : { after, span },
    })
    const before = spans[i]!.filter((old) => span === null || old.from >= span.from)
    const byStart = new Map(before.map((old) => [old.from, old]))
    const starts = new Set(derived.map((found) => found.from))
    let since = Number.POSITIVE_INFINITY
    for (const old of before) {
      if (starts.has(old.from)) continue
      gone.push({ claim, from: old.from })
      since = Math.min(since, old.from)
    }
    for (const found of derived) {
      const old = byStart.get(found.from)
      if (old && old.until === found.until && old.lastMotionAt === found.lastMotionAt) continue
      written.push({ claim, span: found })
      since = Math.min(since, changedSince(old, found, now))
    }
    if (Number.isFinite(since)) changes.push({ fleetId: claim.fleetId, vehicleId: claim.vehicleId, since })
    through.push(fixes[i]!.at(-1)?.at ?? claim.derivedThrough)
  })
  await write(tx, gone, written)
  await tx.query(
    `update vehicle_motion m set derived_through = k.derived_through
     from unnest($1::bigint[], $2::bigint[], $3::timestamptz[]) as k(fleet_id, vehicle_id, derived_through)
     where m.fleet_id = k.fleet_id and m.vehicle_id = k.vehicle_id and k.derived_through is not null
       and m.derived_through is distinct from k.derived_through`,
    [
      claims.map((claim) => claim.fleetId),
      claims.map((claim) => claim.vehicleId),
      through.map((at) => at && new Date(at)),
    ],
  )
  return changes
}

async function write(
  tx: Db,
  gone: readonly { claim: Claim; from: Instant }[],
  written: readonly { claim: Claim; span: Span }[],
): Promise<void> {
  if (gone.length > 0) {
    await tx.query(
      `delete from driving_spans s
       using unnest($1::bigint[], $2::bigint[], $3::timestamptz[]) as k(fleet_id, vehicle_id, from_at)
       where s.fleet_id = k.fleet_id and s.vehicle_id = k.vehicle_id and s.from_at = k.from_at`,
      [
        gone.map(({ claim }) => claim.fleetId),
        gone.map(({ claim }) => claim.vehicleId),
        gone.map(({ from }) => new Date(from)),
      ],
    )
  }
  if (written.length === 0) return
  await tx.query(
    `insert into driving_spans (fleet_id, vehicle_id, from_at, last_motion_at, until_at)
     select * from unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::timestamptz[], $5::timestamptz[])
     on conflict (fleet_id, vehicle_id, from_at)
       do update set last_motion_at = excluded.last_motion_at, until_at = excluded.until_at`,
    [
      written.map(({ claim }) => claim.fleetId),
      written.map(({ claim }) => claim.vehicleId),
      written.map(({ span }) => new Date(span.from)),
      written.map(({ span }) => new Date(span.lastMotionAt)),
      written.map(({ span }) => span.until && new Date(span.until)),
    ],
  )
}
