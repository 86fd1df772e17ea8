import type pg from 'pg'
import { env } from '../env.ts'
import { may, router } from '../trpc.ts'
import { NewKey, OneKey, ProveKey, RevokeKey } from './device-keys/schema.ts'
import { challengeKey, enrolKey, listKeys, proveKey, revokeKey } from './device-keys.ts'

const host = () => new URL(env().publicUrl).host

/** Devices' own keys, as operators see them. */
export const keysRouter = router({
  list: may('devices.see').query(({ ctx }) => listKeys(ctx.db, ctx.person.fleetId, ctx.now)),
  enrol: may('keys.manage')
    .input(NewKey)
    .mutation(({ ctx, input }) =>
      enrolKey(ctx.db, ctx.person.fleetId, input, { name: ctx.person.name, now: ctx.now }),
    ),
  challenge: may('keys.manage')
    .input(OneKey)
    .mutation(({ ctx, input }) => challengeKey(ctx.db, ctx.person.fleetId, input.keyId, host(), ctx.now)),
  prove: may('keys.manage')
    .input(ProveKey)
    .mutation(({ ctx, input }) =>
      proveKey(ctx.db as pg.Pool, ctx.person.fleetId, input.keyId, input.signature, host(), ctx.now),
    ),
  revoke: may('keys.manage')
    .input(RevokeKey)
    .mutation(({ ctx, input }) =>
      revokeKey(ctx.db as pg.Pool, ctx.person.fleetId, input.keyId, {
        name: ctx.person.name,
        why: input.why,
        now: ctx.now,
      }),
    ),
})
