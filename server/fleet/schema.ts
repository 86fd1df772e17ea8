import { z } from 'zod'
import type { Role } from '../auth/can.ts'
import type { Instant } from '../time/instant.ts'

export const Id = z.number().int().positive().max(Number.MAX_SAFE_INTEGER)
export const ById = z.strictObject({ id: Id })

export type DistanceUnit = 'mi' | 'km'

/** What the console's shell needs to know about who is looking. */
export interface Me {
  user: { id: string; name: string; email: string; role: Role; driverId: number | null }
  fleet: {
    id: number
    name: string
    /** In addresses: `/login?fleet=northern` */
    slug: string
    usdotNumber: string | null
    mainOffice: string
    timeZone: string
    distanceUnit: DistanceUnit
  }
}

/** A vehicle as lists show it; everything that moves comes by the stream. */
export interface VehicleRow {
  id: number
  unitNumber: string
  makeModel: string
  plate: string
  driverId: number | null
  driverName: string | null
  deviceName: string | null
}

/** Where a vehicle was last, in the fleet's own words. */
export interface LastReport {
  fixAt: Instant
  receivedAt: Instant
  latitude: number
  longitude: number
  /** null: the device did not say */
  speedKph: number | null
  headingDegrees: number | null
  odometerMeters: number | null
  /** "12 mi NE of Gary, IN"; null where no town is near */
  place: string | null
}

export interface VehicleCard extends VehicleRow {
  vin: string
  homeTerminal: { name: string; timeZone: string } | null
  lastReport: LastReport | null
}
