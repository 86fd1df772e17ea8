import type pg from 'pg'
import type { DevicePrincipal } from '../auth/principal.ts'
import { AppError } from '../errors.ts'
import type { Instant } from '../time/instant.ts'
import { decodeReport, wordsOf } from './decode.ts'
import { NOT_ITS_OWN, namesOf } from './gateway.ts'
import { type Receiver, receiverOf, storeCounted } from './receive.ts'
import type { Receipt } from './schema.ts'
import { activityOf } from './status.ts'

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

/** What came, written anew: the body itself is gone by now. */
function rawOf(report: unknown): Buffer {
  try {
    return Buffer.from(JSON.stringify(report))
  } catch {
    // Parsing takes any depth, writing a few thousand.
    return Buffer.from('(nested too deep)')
  }
}

/** The same for the procedure: counted, and noted for the installer. @throws AppError as takeReport, and forbidden */
export async function takeProcedure(
  pool: pg.Pool,
  device: DevicePrincipal,
  report: unknown,
  { address, receivedAt }: { address: string; receivedAt: Instant },
): Promise<Receipt> {
  // As at the door of heartbeats: what is signed for another device is refused as a whole (device-signatures section 2).
  if (device.method !== 'token' && !namesOf(report).every((name) => name === device.name))
    throw new AppError('forbidden', NOT_ITS_OWN.detail)
  const from = performance.now()
  const { batch, refused, received } = decodeReport(report, device, receivedAt)
  const [stored = 0] = await storeCounted(receiverOf(pool), 'json', [batch], null)
  activityOf(pool).note(device, {
    protocol: 'json',
    address,
    raw: rawOf(report),
    receivedAt,
    received,
    stored,
    duplicates: batch.size - stored,
    refusals: refused.map(wordsOf),
    batch,
    tookMs: performance.now() - from,
  })
  return { received, stored, duplicates: batch.size - stored, refused }
}
