import { type AuditEntry, deedOf, recordAudit } from '../audit/record.ts'
import type { Db } from '../db/pool.ts'
import { env } from '../env.ts'
import { AppError } from '../errors.ts'
import { type Context, may, mayAcross, router } from '../trpc.ts'
import {
  addIssuer,
  readDeviceSignIn,
  removeIssuer,
  setMethods,
  setTokenSources,
  testIssuer,
} from './device-sign-in.ts'
import { AddIssuer, JwksUrl, OneIssuer, SetMethods, SetTokenSources } from './device-sign-in-schema.ts'
import { signInFetch, signInReach } from './sign-in-reach.ts'

const ANSWER_WITHIN_MS = 5_000

const tell = (
  tx: Db,
  ctx: Omit<Context, 'db'>,
  action: string,
  object: AuditEntry['object'],
  change: { before?: unknown; after?: unknown },
) => recordAudit(tx, { ...deedOf(ctx), action, object, ...change })

/** @throws AppError unacceptable for an address that the server has no business to ask */
async function reachable(jwksUrl: string): Promise<void> {
  try {
    await signInReach().addressesOf(new URL(jwksUrl))
  } catch (error) {
    throw error instanceof AppError ? new AppError(error.code, error.message, 'jwksUrl') : error
  }
}

/** How devices prove who they are: ways, issuers, networks of tokens. */
export const deviceSignInRouter = router({
  get: may('sign-in.manage').query(({ ctx }) =>
    readDeviceSignIn(ctx.db, ctx.person.fleetId, new URL(env().publicUrl).origin),
  ),
  setMethods: may('sign-in.manage')
    .input(SetMethods)
    .mutation(async ({ ctx, input }) => {
      const { fleetId } = ctx.person
      const change = await setMethods(ctx.db, fleetId, input.methods)
      await tell(ctx.db, ctx, 'device-sign-in.methods-changed', { kind: 'fleet', id: fleetId }, change)
    }),
  addIssuer: mayAcross('sign-in.manage')
    .input(AddIssuer)
    .mutation(async ({ ctx, input }) => {
      // A name server lets us wait: not inside a transaction.
      await reachable(input.jwksUrl)
      await ctx.inFleet(async (tx) => {
        await addIssuer(tx, ctx.person.fleetId, input)
        const { jwksUrl } = input
        const object = { kind: 'device-issuer', id: input.issuer }
        await tell(tx, ctx, 'device-issuer.added', object, { after: { jwksUrl } })
      })
    }),
  removeIssuer: may('sign-in.manage')
    .input(OneIssuer)
    .mutation(async ({ ctx, input: { issuer } }) => {
      const before = await removeIssuer(ctx.db, ctx.person.fleetId, issuer)
      await tell(ctx.db, ctx, 'device-issuer.removed', { kind: 'device-issuer', id: issuer }, { before })
    }),
  testIssuer: mayAcross('sign-in.manage')
    .input(JwksUrl)
    .mutation(async ({ input }) => {
      await reachable(input.jwksUrl)
      return await testIssuer(input.jwksUrl, signInFetch(ANSWER_WITHIN_MS))
    }),
  setTokenSources: may('sign-in.manage')
    .input(SetTokenSources)
    .mutation(async ({ ctx, input: { deviceId, sources } }) => {
      const change = await setTokenSources(ctx.db, ctx.person.fleetId, deviceId, sources)
      await tell(ctx.db, ctx, 'device.token-sources-changed', { kind: 'device', id: deviceId }, change)
    }),
})
