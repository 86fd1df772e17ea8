import { initTRPC, TRPCError } from '@trpc/server'
import type pg from 'pg'
import { z } from 'zod'
import type { RequestSource } from './audit/record.ts'
import { type Action, can, whyNot } from './auth/can.ts'
import { isSigned, type Person, type Principal } from './auth/principal.ts'
import { type Db, withFleet } from './db/pool.ts'
import { AppError, refusalOf, TRPC_CODE } from './errors.ts'
import type { Instant } from './time/instant.ts'

export interface Context {
  principal: Principal | null
  /** The service's pool. */
  db: pg.Pool
  now: Instant
  /** Where the request came from, for the audit log. */
  source?: RequestSource
}

interface Meta {
  /** What a person must be allowed to do, see server/auth/can.ts. */
  may?: Action
}

const t = initTRPC
  .context<Context>()
  .meta<Meta>()
  .create({
    sse: { ping: { enabled: true, intervalMs: 5_000 }, client: { reconnectAfterInactivityMs: 12_000 } },
    errorFormatter: ({ shape, error }) => {
      const { cause } = error
      const refusal = cause instanceof AppError ? cause : undefined
      const issue = cause instanceof z.ZodError ? cause.issues[0] : undefined
      // What broke inside is for the operator's log, never for the caller.
      const message =
        error.code === 'INTERNAL_SERVER_ERROR' && !refusal
          ? 'Something broke on our side; it was logged.'
          : (issue?.message ?? shape.message)
      const { stack: _, ...data } = shape.data
      return { ...shape, message, data: { ...data, field: refusal?.field ?? issue?.path.join('.') ?? null } }
    },
  })

export const router = t.router
export const mergeRouters = t.mergeRouters
export const createCaller = t.createCallerFactory

export const trpcErrorOf = (cause: AppError) =>
  new TRPCError({ code: TRPC_CODE[cause.code], message: cause.message, cause })

/** An AppError becomes the tRPC error of the same meaning. */
const procedure = t.procedure.use(async ({ next }) => {
  const result = await next()
  const refusal = result.ok ? null : refusalOf(result.error.cause)
  if (refusal) throw trpcErrorOf(refusal)
  return result
})

/** For anyone, signed in or not. */
export const openProcedure = procedure

/** What a procedure for a person is given; `db` is behind the walls of the person's fleet. */
export interface PersonContext extends Omit<Context, 'db'> {
  db: Db
  person: Person
}

const signedIn = procedure.use(({ ctx, meta, type, next }) => {
  if (ctx.principal?.kind !== 'person') {
    throw ctx.principal
      ? new AppError('forbidden', 'This is for people, not for devices.')
      : new AppError('unauthenticated', 'Sign in first.')
  }
  const action = meta?.may ?? (type === 'mutation' ? 'fleet.change' : 'fleet.see')
  const { role } = ctx.principal
  if (!can(role, action)) throw new AppError('forbidden', whyNot(role, action)!)
  return next({ ctx: { ...ctx, person: ctx.principal } })
})

/**
 * For a person signed in to a fleet. The whole procedure is one transaction behind the walls of that fleet, and `ctx.db` is it;
 * still `ctx.person.fleetId` goes into every query. A refusal undoes what was written. One that names no action is for those who may
 * see the fleet or, when it changes something, change it.
 */
export const personProcedure = signedIn.use(({ ctx, next }) =>
  withFleet(ctx.db, ctx.person.fleetId, async (db) => {
    const result = await next({ ctx: { ...ctx, db } })
    if (!result.ok) throw result.error
    return result
  }),
)

/** For a person whose role may do this. */
export const may = (action: Action) => personProcedure.meta({ may: action })

/**
 * For a person whose role may do this, where one transaction behind the walls does not fit: people's accounts belong to no fleet, a
 * stream lives on for hours, a directory lets us wait. `ctx.db` is the pool and works across fleets: every query names its own;
 * `ctx.inFleet` does a part of the work behind the walls.
 */
export const mayAcross = (action: Action) =>
  signedIn
    .use(({ ctx, next }) =>
      next({
        ctx: {
          ...ctx,
          inFleet: <T>(work: (tx: Db) => Promise<T>) => withFleet(ctx.db, ctx.person.fleetId, work),
        },
      }),
    )
    .meta({ may: action })

/** For a device with its own token. */
export const deviceProcedure = procedure.use(({ ctx, next }) => {
  if (ctx.principal?.kind !== 'device') {
    throw ctx.principal
      ? new AppError('forbidden', 'This is for devices, not for people.')
      : new AppError('unauthenticated', 'Send the device token as "Authorization: Bearer …".')
  }
  return next({ ctx: { ...ctx, device: ctx.principal } })
})

/** For a device that signed with a key of its own: a token or an identity changes no record of duty (they are weaker evidence). */
export const signedDeviceProcedure = deviceProcedure.use(({ ctx, next }) => {
  if (isSigned(ctx.device.method)) return next({ ctx })
  throw new AppError('forbidden', "This changes a record of duty: sign it with the device's own key.")
})
