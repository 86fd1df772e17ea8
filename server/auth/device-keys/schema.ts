import { z } from 'zod'
import { line } from '../../text-schema.ts'

/** What a key may do (device-signatures section 2). */
export const KEY_SCOPES = ['ingest', 'commands:read', 'commands:ack', 'config:read', 'eld:transfer'] as const
export type KeyScope = (typeof KEY_SCOPES)[number]

const Id = z.number().int().positive()

/** For whom it may do it. */
export const KeyReach = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('fleet') }),
  z.strictObject({ kind: z.literal('vehicles'), vehicleIds: z.array(Id).min(1).max(1_000) }),
  z.strictObject({ kind: z.literal('device'), deviceId: Id }),
])
export type KeyReach = z.infer<typeof KeyReach>

export const NewKey = z.strictObject({
  /** The line of the .pub file. */
  publicKey: z.string().max(20_000),
  /** For RSA: rsa-pss-sha512 instead of what an ssh-agent signs. */
  algorithm: z.string().max(40).optional(),
  scopes: z.array(z.enum(KEY_SCOPES)).min(1).max(KEY_SCOPES.length),
  reach: KeyReach,
  /** Epoch milliseconds; two years if left out. */
  expiresAt: z.number().int().optional(),
})
export type NewKey = z.infer<typeof NewKey>

/** So many a list has; what is sought is sought among all. */
export const MOST_KEYS = 1_000

export const KeyChoice = z.strictObject({
  /** Of one device alone. */
  deviceId: Id.optional(),
  /** In the fingerprint, the comment or the device's name. */
  search: z.string().trim().max(100).optional(),
})
export type KeyChoice = z.infer<typeof KeyChoice>

export const OneKey = z.strictObject({ keyId: Id })
export const ProveKey = z.strictObject({ keyId: Id, signature: z.string().max(20_000) })
export const RevokeKey = z.strictObject({ keyId: Id, why: line(200, 'Say why.') })

/** A key as people see it; times are epoch milliseconds. */
export interface EnrolledKey {
  id: number
  /** What a request gives as keyid: `<fleet>/SHA256:…` */
  keyId: string
  /** As `ssh-keygen -lf` prints it. */
  fingerprint: string
  /** As pasted: escape it. */
  comment: string
  type: string
  bits: number
  algorithm: string
  state: 'pending' | 'active' | 'revoked' | 'expired'
  scopes: KeyScope[]
  reach: KeyReach
  /** Of the one device, if it is for one. */
  deviceName: string | null
  enrolledAt: number
  enrolledBy: string | null
  activatedAt: number | null
  expiresAt: number | null
  rotatedFrom: number | null
  revokedAt: number | null
  revokedBy: string | null
  revokedFor: string | null
  lastUsedAt: number | null
  lastAddress: string | null
  /** Milliseconds by which its clock is ahead of ours. */
  clockOffsetMs: number | null
  /** It ends within 30 days. */
  expiresSoon: boolean
  /** Nothing of it was heard for 180 days. */
  isUnused: boolean
}
