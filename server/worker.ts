import { forgetOldAttempts } from './auth/attempts.ts'
import { deliverMail } from './auth/mail.ts'
import { Resealing, SEALED_BY_AUTH } from './auth/reseal.ts'
import { secretsOfProduct } from './auth/seal.ts'
import { endExpired } from './auth/session.ts'
import { closeDb, db, ownerDb } from './db/pool.ts'
import { Upkeep } from './db/upkeep.ts'
import { env } from './env.ts'
import { expireExports } from './exports/exports.ts'
import { ExportMaker } from './exports/maker.ts'
import { listenForChanges } from './fleet/changes.ts'
import { leash } from './leash.ts'
import { faultOf, log } from './log.ts'
import { Reach } from './reach.ts'
import { HOUR } from './time/instant.ts'
import { Courier, forgetOldDeliveries, SEALED_BY_WEBHOOKS } from './webhooks/courier.ts'
import { work } from './work.ts'

/** A round at least so often: clocks run out though no truck says anything. */
const POLL_MS = 1_000
/** Rounds follow each other no closer than this, so that a busy fleet's changes share one. */
const APART_MS = 100
const AWAY_MS = 2_000

const pool = db()
let stopping = false
let wake = () => {}
let said = false
const listener = listenForChanges(
  pool,
  () => {
    said = true
    wake()
  },
  () => wake(),
)

async function stop(): Promise<void> {
  stopping = true
  wake()
}
process.once('SIGTERM', stop)
process.once('SIGINT', stop)
leash(stop)

const upkeep = new Upkeep(ownerDb())
const courier = new Courier(pool, new Reach(env().WEBHOOK_NETWORKS))
const resealing = new Resealing(pool, secretsOfProduct(), [...SEALED_BY_AUTH, SEALED_BY_WEBHOOKS])
const maker = new ExportMaker(pool)
let away = false
let forgotAt = 0
log.info('the worker has started')
while (!stopping) {
  let restMs = APART_MS
  try {
    // Beside the rounds: dropping what has expired takes its time.
    void upkeep.run(Date.now())
    said = false
    const { more } = await work(pool, Date.now)
    if (more) said = true
    await deliverMail(pool, Date.now())
    // Their answers come beside the rounds.
    if ((await courier.run(Date.now)) > 0) said = true
    if (await resealing.run(Date.now())) said = true
    if ((await maker.run(Date.now)) > 0) said = true
    if (Date.now() - forgotAt > HOUR) {
      forgotAt = Date.now()
      await forgetOldAttempts(pool, forgotAt)
      await forgetOldDeliveries(pool, forgotAt)
      await expireExports(pool, forgotAt)
      await endExpired(forgotAt)
    }
    if (away) log.info('rounds succeed again')
    away = false
  } catch (error) {
    // Nothing is lost: what was not committed is still noted, and done again.
    if (!away) log.error('a round failed', faultOf(error))
    away = true
    restMs = AWAY_MS
  }
  await pause(restMs)
  if (!said && !stopping) await pause(POLL_MS)
}
await listener.close()
await Promise.all([courier.idle(), maker.stop()])
await upkeep.stop()
await closeDb()
log.info('the worker has stopped')
process.exit(0)

/** Waits, or less if woken. */
function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    wake = () => {
      if (ms === POLL_MS || stopping) {
        clearTimeout(timer)
        resolve()
      }
    }
  })
}
