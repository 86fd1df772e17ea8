import { z } from 'zod'
import type { Instant } from '../time/instant.ts'
import { ROLES, type Role } from './can.ts'

const DriverId = z.number().int().positive().nullable().default(null)
const needsDriver = <T extends { role: Role; driverId: number | null }>({ role, driverId }: T) =>
  role !== 'driver' || driverId !== null
const NO_DRIVER = { message: 'Choose whose log it is', path: ['driverId'] }

export const Invite = z
  .strictObject({
    email: z.email('That is no e-mail address').trim().toLowerCase().max(200),
    role: z.enum(ROLES),
    driverId: DriverId,
  })
  .refine(needsDriver, NO_DRIVER)
export const SetRole = z
  .strictObject({ userId: z.string().max(100), role: z.enum(ROLES), driverId: DriverId })
  .refine(needsDriver, NO_DRIVER)
export const ByUser = z.strictObject({ userId: z.string().max(100) })

/** A password that is new here: its length is what counts. */
export const NewPassword = z.string().min(10, 'At least 10 characters').max(128, 'At most 128 characters')

export interface MemberRow {
  userId: string
  name: string
  email: string
  role: Role
  driverId: number | null
  driverName: string | null
  joinedAt: Instant
  /** How they sign in: 'password', and the names of providers. */
  ways: string[]
  /** A passkey or a second step. */
  strong: boolean
  lastSeenAt: Instant | null
}

export interface InvitationRow {
  id: number
  email: string
  role: Role
  invitedBy: string
  createdAt: Instant
  expiresAt: Instant
}

export interface SessionRow {
  id: string
  createdAt: Instant
  usedAt: Instant
  address: string | null
  userAgent: string | null
  /** The one that asks. */
  current: boolean
  /** The fleet's provider opened it. */
  byProvider: boolean
}

/** A fleet in which a session may be. */
export interface OwnFleet {
  id: number
  name: string
  role: Role
  /** The one in which it is. */
  current: boolean
}

/** What "My account" shows. */
export interface AccountView {
  name: string
  email: string
  /** Signed in with an account of ours: password, passkeys and the second step can be changed. */
  local: boolean
  hasPassword: boolean
  twoFactor: boolean
  passkeys: { id: string; name: string; createdAt: Instant | null }[]
  providers: { id: number; kind: 'ldap' | 'oidc'; name: string; connected: boolean }[]
  sessions: SessionRow[]
}
