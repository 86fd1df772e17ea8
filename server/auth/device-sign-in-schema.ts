import { z } from 'zod'
import { line } from '../text-schema.ts'
import { AUTH_METHODS, type AuthMethod } from './principal.ts'

/** What a fleet's devices may prove themselves with. Signed ways come first; what follows is weaker evidence. */
export const METHOD_NAME: Record<AuthMethod, string> = {
  'http-signature': 'Signature of its own key',
  session: 'Session agreed with its own key',
  mtls: 'Certificate at a proxy (mutual TLS)',
  oauth: 'OAuth 2 token of an issuer',
  token: 'Device token',
  identity: 'Identity alone (trackers, open phones)',
}

export const SetMethods = z.strictObject({
  methods: z
    .array(z.enum(AUTH_METHODS))
    .min(1, 'Leave at least one.')
    .refine((all) => new Set(all).size === all.length, 'names one twice'),
})

const issuer = line(500, 'Give the issuer as it stands in “iss”.')

export const JwksUrl = z.strictObject({
  jwksUrl: z
    .url({ protocol: /^https?$/, error: 'This is no address like https://login.example/jwks' })
    .max(500),
})
export const AddIssuer = JwksUrl.extend({ issuer })
export type AddIssuer = z.infer<typeof AddIssuer>
export const OneIssuer = z.strictObject({ issuer: z.string().max(500) })

export const SetTokenSources = z.strictObject({
  deviceId: z.number().int().positive(),
  /** CIDR ranges with commas; empty: from anywhere. */
  sources: z.string().max(2_000),
})

export interface DeviceSignIn {
  /** In the order in which a request is asked for them. */
  methods: AuthMethod[]
  issuers: { issuer: string; jwksUrl: string }[]
  /** What a JWT of theirs must have as `aud`. */
  audience: string
  /** Devices whose token and identity are taken from some networks only. */
  restricted: { deviceId: number; name: string; sources: string[] }[]
}
