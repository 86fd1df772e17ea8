import { z } from 'zod'
import { deedOf, recordAudit } from '../audit/record.ts'
import { type Db, withTransaction } from '../db/pool.ts'
import { type Context, may, mayAcross, router } from '../trpc.ts'
import { disconnect, endSession, enterFleet, listFleets, signOutEverywhere, viewAccount } from './account.ts'
import { countAttempt, succeeded } from './attempts.ts'
import { endSessions } from './enter.ts'
import { invite, listInvitations, withdraw } from './invitations.ts'
import { listMembers, removeMember, setRole } from './members.ts'
import { ByUser, Invite, SetRole } from './members-schema.ts'
import { SaveProvider, TestProvider } from './provider-schema.ts'
import { listProviders, removeProvider, saveProvider, testProvider } from './providers.ts'
import { checkReach } from './sign-in-reach.ts'

const ById = z.strictObject({ id: z.number().int().positive() })

/** Does it and tells the audit log, the person's fleet's unless another is named, in one transaction. */
async function deed<T>(
  ctx: Context,
  action: string,
  work: (tx: Db) => Promise<{
    fleetId?: number
    object: { kind: string; id: string | number }
    before?: unknown
    after?: unknown
    result: T
  }>,
): Promise<T> {
  return await withTransaction(ctx.db, async (tx) => {
    const { result, ...entry } = await work(tx)
    await recordAudit(tx, { ...deedOf(ctx), action, ...entry })
    return result
  })
}

/** One's own account. */
export const accountRouter = router({
  view: mayAcross('account.own').query(({ ctx }) => viewAccount(ctx.db, ctx.person)),
  fleets: mayAcross('account.own').query(({ ctx }) => listFleets(ctx.db, ctx.person)),
  enterFleet: mayAcross('account.own')
    .input(z.strictObject({ fleetId: z.number().int().positive() }))
    .mutation(({ ctx, input: { fleetId } }) =>
      deed(ctx, 'session.entered-fleet', async (tx) => ({
        result: await enterFleet(tx, ctx.person, fleetId),
        fleetId,
        object: { kind: 'person', id: ctx.person.userId },
      })),
    ),
  endSession: mayAcross('account.own')
    .input(z.strictObject({ id: z.string().max(100) }))
    .mutation(({ ctx, input }) =>
      deed(ctx, 'session.ended', async (tx) => ({
        result: await endSession(tx, ctx.person, input.id),
        object: { kind: 'person', id: ctx.person.userId },
      })),
    ),
  endOthers: mayAcross('account.own').mutation(({ ctx }) =>
    deed(ctx, 'session.ended-others', async (tx) => ({
      result: await endSessions(tx, ctx.person.userId, ctx.person.sessionId),
      object: { kind: 'person', id: ctx.person.userId },
    })),
  ),
  signOutEverywhere: mayAcross('account.own').mutation(({ ctx }) =>
    deed(ctx, 'session.ended-all', async (tx) => ({
      result: await signOutEverywhere(tx, ctx.person),
      object: { kind: 'person', id: ctx.person.userId },
    })),
  ),
  disconnect: mayAcross('account.own')
    .input(ById)
    .mutation(({ ctx, input }) =>
      deed(ctx, 'sign-in-provider.disconnected', async (tx) => ({
        result: await disconnect(tx, ctx.person, input.id),
        object: { kind: 'sign-in-provider', id: input.id },
      })),
    ),
})

/** The people of a fleet and what they may do. */
export const peopleRouter = router({
  list: mayAcross('people.see').query(async ({ ctx }) => ({
    members: await listMembers(ctx.db, ctx.person.fleetId),
    invitations: await listInvitations(ctx.db, ctx.person.fleetId, ctx.now),
  })),
  invite: mayAcross('people.manage')
    .input(Invite)
    .mutation(({ ctx, input }) =>
      deed(ctx, 'person.invited', async (tx) => {
        const id = await invite(tx, ctx.person, input, ctx.now)
        return { result: { id }, object: { kind: 'invitation', id }, after: input }
      }),
    ),
  withdraw: mayAcross('people.manage')
    .input(ById)
    .mutation(({ ctx, input }) =>
      deed(ctx, 'invitation.withdrawn', async (tx) => ({
        before: await withdraw(tx, ctx.person.fleetId, input.id),
        result: undefined,
        object: { kind: 'invitation', id: input.id },
      })),
    ),
  setRole: mayAcross('people.manage')
    .input(SetRole)
    .mutation(({ ctx, input }) =>
      deed(ctx, 'person.role-changed', async (tx) => {
        const role = await setRole(tx, ctx.person, input)
        const { userId, ...after } = input
        return { result: undefined, object: { kind: 'person', id: userId }, before: { role }, after }
      }),
    ),
  remove: mayAcross('people.manage')
    .input(ByUser)
    .mutation(({ ctx, input }) =>
      deed(ctx, 'person.removed', async (tx) => {
        const before = await removeMember(tx, ctx.person, input.userId)
        return { result: undefined, object: { kind: 'person', id: input.userId }, before }
      }),
    ),
})

/** How people of a fleet sign in besides with a password. */
export const signInRouter = router({
  providers: may('sign-in.manage').query(({ ctx }) => listProviders(ctx.db, ctx.person.fleetId)),
  save: mayAcross('sign-in.manage')
    .input(SaveProvider)
    .mutation(async ({ ctx, input }) => {
      // A name server lets us wait: not inside the transaction.
      await checkReach(input)
      return await deed(
        ctx,
        input.id === undefined ? 'sign-in-provider.added' : 'sign-in-provider.changed',
        async (tx) => {
          const { id, before } = await saveProvider(tx, ctx.person.fleetId, input)
          const { secret: _, id: __, ...after } = input
          return { result: { id }, object: { kind: 'sign-in-provider', id }, before, after }
        },
      )
    }),
  remove: mayAcross('sign-in.manage')
    .input(ById)
    .mutation(({ ctx, input }) =>
      deed(ctx, 'sign-in-provider.removed', async (tx) => ({
        before: await removeProvider(tx, ctx.person.fleetId, input.id),
        result: undefined,
        object: { kind: 'sign-in-provider', id: input.id },
      })),
    ),
  test: mayAcross('sign-in.manage')
    .input(TestProvider)
    .mutation(async ({ ctx, input: { provider, ...who } }) => {
      const { db, now, source, person } = ctx
      // Passwords are guessed here no faster than at the sign-in, whose count this is.
      const attempt = who.user &&
        who.password && {
          account: `${person.fleetId} ${provider.id ?? 'new'} ${who.user.trim()}`,
          address: source?.address ?? 'unknown',
        }
      if (attempt) await countAttempt(db, attempt, now)
      const steps = await testProvider(db, person.fleetId, provider, who, now)
      if (attempt && steps.every(({ ok }) => ok)) await succeeded(db, attempt)
      return steps
    }),
})
