import type { Role } from './can.ts'

/** A person signed in, working in one fleet. */
export interface Person {
  kind: 'person'
  userId: string
  name: string
  email: string
  fleetId: number
  role: Role
  /** Whose log is theirs, for the role driver. */
  driverId: number | null
  sessionId: string
  /** Signed in with an account of ours; else the fleet's own directory or provider said who this is. */
  local: boolean
}

/** How a device has proved who it is, in the order in which a fleet asks unless it says otherwise. */
export const AUTH_METHODS = ['http-signature', 'session', 'mtls', 'oauth', 'token', 'identity'] as const
export type AuthMethod = (typeof AUTH_METHODS)[number]

/** With a key of its own, which nobody else has; what others prove is weaker evidence, and no record of duty comes of it. */
export const isSigned = (method: AuthMethod) =>
  method === 'http-signature' || method === 'session' || method === 'mtls'

/** A device that proved itself. */
export interface DevicePrincipal {
  kind: 'device'
  method: AuthMethod
  fleetId: number
  deviceId: number
  vehicleId: number
  /** The four bytes that name both in `positions`. */
  fleetNumber: number
  deviceNumber: number
  /** What it must call itself in its heartbeats. */
  name: string
}

export type Principal = Person | DevicePrincipal
