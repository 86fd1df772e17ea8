import type { DevicePrincipal } from '../auth/principal.ts'
import type { Instant } from '../time/instant.ts'
import { decodeReport } from './decode.ts'
import type { Receiver } from './receive.ts'
import type { Receipt } from './schema.ts'

/**
 * Takes a report of a device, one heartbeat or an array as JSON.parse gave it. The receipt means that everything in it
 * that could be stored is durable.
 * @throws AppError malformed, too-large, or busy (send it again)
 */
export async function takeReport(
  receiver: Receiver,
  device: DevicePrincipal,
  report: unknown,
  receivedAt: Instant,
): Promise<Receipt> {
  const { batch, refused, received } = decodeReport(report, device, receivedAt)
  const stored = await receiver.store(batch)
  return { received, stored, duplicates: batch.size - stored, refused }
}
