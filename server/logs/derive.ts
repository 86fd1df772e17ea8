import type { Db } from '../db/pool.ts'
import type { Instant } from '../time/instant.ts'
import { anchorsBefore, type Claim, fixesFrom, setInstants, storedSpans } from './derive-read.ts'
import { deriveSpans, type Span } from './motion.ts'

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

const sameDriving = (a: Span | undefined, b: Span | undefined) =>
  a !== undefined && b !== undefined && a.from === b.from && a.until === b.until

/**
 * Derives the driving of these vehicles anew from where their fixes changed, and writes what differs. The caller holds
 * the vehicles' rows of `vehicle_motion` locked. A fix in order costs no look at the day behind it; a late one is
 * derived again from the span that it touches. The rows are the same whatever the order of arrival was.
 * @returns the vehicles whose driving changed (an open span that goes on has not)
 */
export async function deriveDriving(tx: Db, claims: readonly Claim[]): Promise<Change[]> {
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
    const starts = new Set(derived.map((now) => now.from))
    let since = Number.POSITIVE_INFINITY
    for (const old of before) {
      if (starts.has(old.from)) continue
      gone.push({ claim, from: old.from })
      since = Math.min(since, old.from)
    }
    for (const now of derived) {
      const old = byStart.get(now.from)
      if (old && sameDriving(old, now) && old.lastMotionAt === now.lastMotionAt) continue
      written.push({ claim, span: now })
      if (!sameDriving(old, now)) since = Math.min(since, old ? old.lastMotionAt : now.from)
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
