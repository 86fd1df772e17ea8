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

/** A device that proved itself with its token. */
export interface DevicePrincipal {
  kind: 'device'
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
