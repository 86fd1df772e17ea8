import { type Db, db, withTransaction } from '../db/pool.ts'
import { name } from '../text-schema.ts'
import { personActor, sourceOf, tellFleetsOf } from './deeds.ts'
import { type Asked, bodyOf, count, type Handler, plain, refusedBy, spend } from './local-door.ts'
import { NewPassword } from './members-schema.ts'
import type { Person } from './principal.ts'
import { problem } from './problem.ts'
import { keepFleet } from './session.ts'

interface Change {
  /** How the audit log calls it. */
  done: string
  refused: string
  /** Why it was refused, for the audit log. */
  reason: string
  /** The same for the person. */
  say: string
  /** What the person may read of better-auth's answer. */
  show?: readonly string[]
}

const WRONG_PASSWORD = { reason: 'wrong password', say: 'That is not your password.' }
const PASSKEY = { refused: 'passkey.refused', reason: 'the passkey’s answer was not right' }

/** What people change of how they sign in. */
const CHANGES: Record<string, Change> = {
  '/change-password': {
    done: 'password.changed',
    refused: 'password.refused',
    ...WRONG_PASSWORD,
    say: 'That is not your current password.',
  },
  '/two-factor/enable': {
    done: 'second-step.begun',
    refused: 'second-step.refused',
    ...WRONG_PASSWORD,
    show: ['totpURI', 'backupCodes'],
  },
  '/two-factor/verify-totp': {
    done: 'second-step.on',
    refused: 'second-step.refused',
    reason: 'wrong code',
    say: 'That code is not right. Look at the app’s clock, and enter the next one.',
  },
  '/two-factor/disable': { done: 'second-step.off', refused: 'second-step.refused', ...WRONG_PASSWORD },
  '/two-factor/generate-backup-codes': {
    done: 'second-step.codes-renewed',
    refused: 'second-step.refused',
    ...WRONG_PASSWORD,
    show: ['backupCodes'],
  },
  '/passkey/verify-registration': {
    done: 'passkey.added',
    ...PASSKEY,
    say: 'This passkey can’t be used here: it must ask for a finger, a face or a PIN.',
  },
  '/passkey/delete-passkey': { done: 'passkey.removed', ...PASSKEY, say: 'This passkey is gone already.' },
}

export const isChange = (path: string) => Object.hasOwn(CHANGES, path)

/**
 * Has better-auth change how a person signs in, and tells their fleets. Whoever sits at somebody's open session guesses a password no
 * faster than at the sign-in.
 * @throws AppError too-often
 */
export async function changeAccount(asked: Asked & { person: Person }, handler: Handler): Promise<Response> {
  const { request, path, person, now } = asked
  const change = CHANGES[path]!
  const body = await bodyOf(request)
  if (path === '/change-password') {
    const checked = NewPassword.safeParse(body.newPassword)
    if (!checked.success) return problem(400, 'malformed', checked.error.issues[0]!.message, 'newPassword')
  }
  if (path === '/passkey/verify-registration') {
    const checked = name(100).safeParse(body.name)
    if (!checked.success) return problem(400, 'malformed', checked.error.issues[0]!.message, 'name')
  }
  const good = await count(asked, `own ${person.userId}`, { userId: person.userId, email: null })
  const before = await isOn(db(), person.userId)
  if (path === '/two-factor/verify-totp') await spend(person.userId, String(body.code), now)
  const answered = await handler(request)
  const said = (await answered
    .clone()
    .json()
    .catch(() => null)) as Record<string, unknown> | null
  if (answered.ok) {
    await keepFleet(answered, person)
    await good()
  }
  // A code that is tried while the second step is on already changes nothing.
  if (!(answered.ok && path === '/two-factor/verify-totp' && before))
    await withTransaction(db(), (tx) =>
      tellFleetsOf(
        tx,
        { userId: person.userId, fleetId: null },
        {
          actor: personActor(person.userId, person.name),
          action: answered.ok ? change.done : change.refused,
          object: objectOf(path, person, answered.ok ? (said?.id ?? body.id) : body.id),
          after: answered.ok ? nameIn(said) : { reason: change.reason },
          source: sourceOf(request.headers),
          at: now,
        },
      ),
    )
  if (!answered.ok) return refusedBy(answered, 400, change.say)
  return plain(answered, Object.fromEntries((change.show ?? []).map((name) => [name, said?.[name]])))
}

async function isOn(at: Db, userId: string): Promise<boolean> {
  const { rows } = await at.query<{ on: boolean }>(
    'select two_factor_enabled as on from users where id = $1',
    [userId],
  )
  return rows[0]?.on ?? false
}

const objectOf = (path: string, { userId }: Person, id: unknown) =>
  path.startsWith('/passkey/') && typeof id === 'string'
    ? { kind: 'passkey', id: id.slice(0, 100) }
    : { kind: 'person', id: userId }

const nameIn = (said: Record<string, unknown> | null) =>
  typeof said?.name === 'string' ? { name: said.name.slice(0, 100) } : undefined
