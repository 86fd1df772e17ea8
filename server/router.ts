import { alertsRouter } from './alerts/router.ts'
import { auditRouter } from './audit/router.ts'
import { deviceSignInRouter } from './auth/device-sign-in-router.ts'
import { accountRouter, peopleRouter, signInRouter } from './auth/people-router.ts'
import { keysRouter } from './auth/router.ts'
import { exportsRouter } from './exports/router.ts'
import { devicesRouter } from './fleet/devices-router.ts'
import { liveRouter } from './fleet/live.ts'
import { fleetRouter } from './fleet/router.ts'
import { heartbeatRouter } from './ingest/router.ts'
import { logsRouter } from './logs/router.ts'
import { tripsRouter } from './trips/router.ts'
import { router } from './trpc.ts'
import { webhooksRouter } from './webhooks/router.ts'

/** The one list of procedures; who may call which is the table in server/access.test.ts. */
export const appRouter = router({
  heartbeat: heartbeatRouter,
  fleet: fleetRouter,
  devices: devicesRouter,
  live: liveRouter,
  logs: logsRouter,
  trips: tripsRouter,
  alerts: alertsRouter,
  audit: auditRouter,
  exports: exportsRouter,
  keys: keysRouter,
  account: accountRouter,
  people: peopleRouter,
  signIn: signInRouter,
  deviceSignIn: deviceSignInRouter,
  webhooks: webhooksRouter,
})

export type AppRouter = typeof appRouter
