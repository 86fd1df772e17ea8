import { type AuditEntry, deedOf, recordAudit } from '../audit/record.ts'
import { env } from '../env.ts'
import { may, mayAcross, type PersonContext, router } from '../trpc.ts'
import { type EnrolledKey, KeyChoice, NewKey, OneKey, ProveKey, RevokeKey } from './device-keys/schema.ts'
import { challengeKey, enrolKey, listKeys, proveKey, revokeKey } from './device-keys.ts'

const host = () => new URL(env().publicUrl).host

/** What was done to a key, with its fingerprint (device-signatures section 2). */
async function recorded(
  tx: Parameters<typeof recordAudit>[0],
  ctx: Omit<PersonContext, 'db'>,
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
  list: may('devices.see')
    .input(KeyChoice.default({}))
    .query(({ ctx, input }) => listKeys(ctx.db, ctx.person.fleetId, ctx.now, undefined, input)),
  enrol: may('keys.manage')
    .input(NewKey)
    .mutation(async ({ ctx, input }) => {
      const { person, now } = ctx
      const key = await enrolKey(ctx.db, person.fleetId, input, { name: person.name, now })
      const { scopes, reach, expiresAt } = key
      return await recorded(ctx.db, ctx, 'device-key.enrolled', key, { after: { scopes, reach, expiresAt } })
    }),
  challenge: may('keys.manage')
    .input(OneKey)
    .mutation(({ ctx, input }) => challengeKey(ctx.db, ctx.person.fleetId, input.keyId, host(), ctx.now)),
  prove: mayAcross('keys.manage')
    .input(ProveKey)
    .mutation(async ({ ctx, input }) => {
      const { person, now } = ctx
      // A challenge is used up also when it was not met: that must not be undone with the refusal.
      return await proveKey(ctx.db, person.fleetId, input.keyId, input.signature, host(), now, (activate) =>
        ctx.inFleet(async (tx) => recorded(tx, ctx, 'device-key.proved', await activate(tx))),
      )
    }),
  revoke: may('keys.manage')
    .input(RevokeKey)
    .mutation(async ({ ctx, input }) => {
      const { person, now } = ctx
      const by = { name: person.name, why: input.why, now }
      const key = await revokeKey(ctx.db, person.fleetId, input.keyId, by)
      return await recorded(ctx.db, ctx, 'device-key.revoked', key, { after: { why: input.why } })
    }),
})
