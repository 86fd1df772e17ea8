import { z } from 'zod'
import { withTransaction } from '../db/pool.ts'
import { may, mayAcross, router } from '../trpc.ts'
import { disconnect, endSession, signOutEverywhere, viewAccount } from './account.ts'
import { endSessions } from './enter.ts'
import { invite, listInvitations, withdraw } from './invitations.ts'
import { listMembers, removeMember, setRole } from './members.ts'
import { ByUser, Invite, SetRole } from './members-schema.ts'
import { SaveProvider, TestProvider } from './provider-schema.ts'
import { listProviders, removeProvider, saveProvider, testProvider } from './providers.ts'

const ById = z.strictObject({ id: z.number().int().positive() })

/** One's own account. */
export const accountRouter = router({
  view: mayAcross('account.own').query(({ ctx }) => viewAccount(ctx.db, ctx.person)),
  endSession: mayAcross('account.own')
    .input(z.strictObject({ id: z.string().max(100) }))
    .mutation(({ ctx, input }) => endSession(ctx.db, ctx.person, input.id)),
  endOthers: mayAcross('account.own').mutation(({ ctx }) =>
    endSessions(ctx.db, ctx.person.userId, ctx.person.sessionId),
  ),
  signOutEverywhere: mayAcross('account.own').mutation(({ ctx }) => signOutEverywhere(ctx.db, ctx.person)),
  disconnect: mayAcross('account.own')
    .input(ById)
    .mutation(({ ctx, input }) => withTransaction(ctx.db, (tx) => disconnect(tx, ctx.person, input.id))),
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
      withTransaction(ctx.db, async (tx) => ({ id: await invite(tx, ctx.person, input, ctx.now) })),
    ),
  withdraw: may('people.manage')
    .input(ById)
    .mutation(({ ctx, input }) => withdraw(ctx.db, ctx.person.fleetId, input.id)),
  setRole: mayAcross('people.manage')
    .input(SetRole)
    .mutation(({ ctx, input }) =>
      withTransaction(ctx.db, async (tx) => {
        await setRole(tx, ctx.person, input)
      }),
    ),
  remove: mayAcross('people.manage')
    .input(ByUser)
    .mutation(({ ctx, input }) =>
      withTransaction(ctx.db, async (tx) => {
        await removeMember(tx, ctx.person, input.userId)
      }),
    ),
})

/** How people of a fleet sign in besides with a password. */
export const signInRouter = router({
  providers: may('sign-in.manage').query(({ ctx }) => listProviders(ctx.db, ctx.person.fleetId)),
  save: may('sign-in.manage')
    .input(SaveProvider)
    .mutation(async ({ ctx, input }) => ({ id: await saveProvider(ctx.db, ctx.person.fleetId, input) })),
  remove: may('sign-in.manage')
    .input(ById)
    .mutation(({ ctx, input }) => removeProvider(ctx.db, ctx.person.fleetId, input.id)),
  test: mayAcross('sign-in.manage')
    .input(TestProvider)
    .mutation(({ ctx, input: { provider, ...who } }) =>
      testProvider(ctx.db, ctx.person.fleetId, provider, who, ctx.now),
    ),
})
