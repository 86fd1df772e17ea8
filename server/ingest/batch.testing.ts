import type { DevicePrincipal } from '../auth/principal.ts'
import type { Instant } from '../time/instant.ts'
import { Batch } from './batch.ts'

/** One position of a truck that stands, as it comes from a door. */
export function standing(device: DevicePrincipal, fixAt: Instant, receivedAt: Instant): Batch {
  const batch = new Batch(device, receivedAt, 1)
  batch.add({
    ...{ fixAt, sentAt: null, flags: 0, latitudeE7: 415_000_000, longitudeE7: -936_000_000, odometerM: null },
    ...{ engineSeconds: null, speedCkph: 0, headingDeg: null, altitudeM: null, accuracyDm: null },
    ...{ ignition: null, sequence: null, attributes: null },
  })
  return batch
}
