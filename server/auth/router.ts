import type pg from 'pg'
import { type AuditEntry, deedOf, recordAudit } from '../audit/record.ts'
import { withTransaction } from '../db/pool.ts'
import { env } from '../env.ts'
import { type Context, may, router } from '../trpc.ts'
import { type EnrolledKey, NewKey, OneKey, ProveKey, RevokeKey } from './device-keys/schema.ts'
import { challengeKey, enrolKey, listKeys, proveKey, revokeKey } from './device-keys.ts'

const host = () => new URL(env().publicUrl).host

/** What was done to a key, with its fingerprint (device-signatures section 2). */
async function recorded(
  tx: Parameters<typeof recordAudit>[0],
  ctx: Context,
  action: string,
  key: EnrolledKey,
  more: Pick<AuditEntry, 'after'> = {},
): Promise<EnrolledKey> {
  const after = { fingerprint: key.fingerprint, ...(more.after as object | undefined) }
  await recordAudit(tx, { ...deedOf(ctx), action, object: { kind: 'device-key', id: key.id }, after })
  return key
}

/** Devices' own keys, as operators see them. */
export const keysRouter = router({
  list: may('devices.see').query(({ ctx }) => listKeys(ctx.db, ctx.person.fleetId, ctx.now)),
  enrol: may('keys.manage')
    .input(NewKey)
    .mutation(({ ctx, input }) =>
      withTransaction(ctx.db as pg.Pool, async (tx) => {
        const { person, now } = ctx
        const key = await enrolKey(tx, person.fleetId, input, { name: person.name, now })
        const { scopes, reach, expiresAt } = key
        return await recorded(tx, ctx, 'device-key.enrolled', key, { after: { scopes, reach, expiresAt } })
      }),
    ),
  challenge: may('keys.manage')
    .input(OneKey)
    .mutation(({ ctx, input }) => challengeKey(ctx.db, ctx.person.fleetId, input.keyId, host(), ctx.now)),
  prove: may('keys.manage')
    .input(ProveKey)
    .mutation(async ({ ctx, input }) => {
      const pool = ctx.db as pg.Pool
      const key = await proveKey(pool, ctx.person.fleetId, input.keyId, input.signature, host(), ctx.now)
      return await withTransaction(pool, (tx) => recorded(tx, ctx, 'device-key.proved', key))
    }),
  revoke: may('keys.manage')
    .input(RevokeKey)
    .mutation(({ ctx, input }) => {
      const { person, now } = ctx
      return withTransaction(ctx.db as pg.Pool, async (tx) => {
        const by = { name: person.name, why: input.why, now }
        const key = await revokeKey(tx, person.fleetId, input.keyId, by)
        return await recorded(tx, ctx, 'device-key.revoked', key, { after: { why: input.why } })
      })
    }),
})
