import { z } from 'zod'
import { line, name } from '../text-schema.ts'
import { ROLES, type Role } from './can.ts'

/** The roles that a directory may give. An owner is made by an owner, never by somebody else's group. */
export const GIVEN_ROLES = ROLES.filter((role): role is Exclude<Role, 'owner'> => role !== 'owner')

const isLoopback = (host: string) => /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(host)
const urlOf = (text: string) => (URL.canParse(text) ? new URL(text) : null)

/** Which group has which role; the first that fits counts. */
const Groups = z
  .array(z.strictObject({ group: line(300, 'Name the group.'), role: z.enum(GIVEN_ROLES) }))
  .max(50)

export const DirectorySettings = z
  .strictObject({
    url: z
      .string()
      .trim()
      .refine((text) => /^ldaps?:$/.test(urlOf(text)?.protocol ?? ''), 'Begins with ldaps:// or ldap://'),
    startTls: z.boolean(),
    /** Certificates (PEM) that the directory's own is signed with; empty: the usual authorities. */
    authorities: z.string().trim().max(20_000).default(''),
    /** The account that looks people up. */
    bindDn: line(500, 'The account that looks people up'),
    baseDn: line(500, 'Where people are'),
    userAttribute: line(500, 'Name the attribute.').default('uid'),
    idAttribute: line(500, 'Name the attribute.').default('entryUUID'),
    nameAttribute: line(500, 'Name the attribute.').default('cn'),
    emailAttribute: line(500, 'Name the attribute.').default('mail'),
    /** Where groups are; empty: below baseDn. */
    groupBaseDn: line(500).default(''),
    memberAttribute: line(500, 'Name the attribute.').default('member'),
    groups: Groups,
    /** The role of somebody in none of the groups; null: they may not come in. */
    otherwise: z.enum(GIVEN_ROLES).nullable(),
  })
  .refine(
    ({ url, startTls }) =>
      startTls || urlOf(url)?.protocol === 'ldaps:' || isLoopback(urlOf(url)?.hostname ?? ''),
    {
      message: 'Passwords would travel in the clear: use ldaps:// or StartTLS',
      path: ['url'],
    },
  )
export type DirectorySettings = z.infer<typeof DirectorySettings>

export const OpenIdSettings = z
  .strictObject({
    issuer: z
      .string()
      .trim()
      .refine((text) => /^https?:$/.test(urlOf(text)?.protocol ?? ''), 'Begins with https://'),
    clientId: line(500, 'The client id that the provider gave'),
    scope: line(500)
      .default('openid profile email')
      .refine((text) => text.split(/\s+/).includes('openid'), 'Must contain openid'),
    groupsClaim: line(500, 'Name the claim.').default('groups'),
    groups: Groups,
    otherwise: z.enum(GIVEN_ROLES).nullable(),
  })
  .refine(({ issuer }) => issuer.startsWith('https:') || isLoopback(urlOf(issuer)?.hostname ?? ''), {
    message: 'Must be https',
    path: ['issuer'],
  })
export type OpenIdSettings = z.infer<typeof OpenIdSettings>

/** Write-only: left out, the stored one stays. */
const Secret = z.string().max(1_000).optional()
const Common = {
  id: z.number().int().positive().optional(),
  name: name(60, 'Give it a name'),
  enabled: z.boolean(),
  secret: Secret,
}
export const SaveProvider = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('ldap'), ...Common, settings: DirectorySettings }),
  z.strictObject({ kind: z.literal('oidc'), ...Common, settings: OpenIdSettings }),
])
export type SaveProvider = z.infer<typeof SaveProvider>

/** A saved or an unsaved one; `user` and `password` are tried on a directory too. */
export const TestProvider = z.strictObject({
  provider: SaveProvider,
  user: z.string().max(200).optional(),
  password: z.string().max(1_000).optional(),
})

/** As settings pages show it: without its secret. */
export type ProviderRow = {
  id: number
  name: string
  enabled: boolean
  hasSecret: boolean
  /** Who has signed in by it. */
  people: number
} & (
  | { kind: 'ldap'; settings: DirectorySettings; callbackUrl: null }
  | { kind: 'oidc'; settings: OpenIdSettings; callbackUrl: string }
)

/** One step of a sign-in or of its test, as it went. */
export interface Step {
  title: string
  ok: boolean
  detail: string
  ms: number
}

/** The first role whose group is among these; groups are compared as directories do, without regard to case. */
export function roleOf(
  { groups, otherwise }: { groups: readonly { group: string; role: Role }[]; otherwise: Role | null },
  belongsTo: readonly string[],
): Role | null {
  const known = new Set(belongsTo.map((group) => group.toLowerCase()))
  return groups.find(({ group }) => known.has(group.toLowerCase()))?.role ?? otherwise
}
