/**
 * Who may do what: the one table. The tRPC middleware, the pages and the buttons read it, in the browser too, so it knows nothing
 * but words. A procedure names its action (`may('alerts.settle')` in server/trpc.ts), a page its route.
 */

export const ROLES = [
  'owner',
  'fleet-admin',
  'dispatcher',
  'compliance-officer',
  'mechanic',
  'viewer',
  'driver',
] as const
export type Role = (typeof ROLES)[number]

/** As it stands in a sentence. */
export const ROLE_NAME: Record<Role, string> = {
  owner: 'owner',
  'fleet-admin': 'fleet admin',
  dispatcher: 'dispatcher',
  'compliance-officer': 'compliance officer',
  mechanic: 'mechanic',
  viewer: 'viewer',
  driver: 'driver',
}

export const ROLE_MEANS: Record<Role, string> = {
  owner: 'Everything, owners included. A directory can’t make one.',
  'fleet-admin': 'Everything except owners.',
  dispatcher: 'The map, drivers’ hours, setting duty statuses, alerts, exports.',
  'compliance-officer': 'Drivers’ hours and their correction, alerts, exports, the audit log.',
  mechanic: 'The map, vehicles and their devices.',
  viewer: 'Looks at the map, hours and alerts; changes nothing.',
  driver: 'Their own log and nothing else.',
}

const ADMINS: readonly Role[] = ['owner', 'fleet-admin']
const OFFICE: readonly Role[] = [...ADMINS, 'dispatcher', 'compliance-officer']
const EVERYONE_BUT_DRIVERS: readonly Role[] = [...OFFICE, 'mechanic', 'viewer']

const MAY = {
  /** One's own name, password, passkeys and sessions. */
  'account.own': ROLES,
  'fleet.see': EVERYONE_BUT_DRIVERS,
  /** What changes the fleet and has no action of its own. */
  'fleet.change': [...ADMINS, 'dispatcher'],
  'hours.see': EVERYONE_BUT_DRIVERS,
  /** One driver's log: a driver sees their own, and the procedure looks whose it is. */
  'hours.see-one': ROLES,
  'duty.set': OFFICE,
  'alerts.see': EVERYONE_BUT_DRIVERS,
  'alerts.settle': OFFICE,
  'reports.export': OFFICE,
  'devices.see': EVERYONE_BUT_DRIVERS,
  'devices.manage': [...ADMINS, 'mechanic'],
  /** Enrolling, proving and revoking devices' own keys. */
  'keys.manage': ADMINS,
  'people.see': ADMINS,
  'people.manage': ADMINS,
  'sign-in.manage': ADMINS,
  /** Where the fleet's own systems are told of alerts. */
  'webhooks.manage': ADMINS,
  'audit.see': [...ADMINS, 'compliance-officer'],
} as const satisfies Record<string, readonly Role[]>

export type Action = keyof typeof MAY

export const ACTIONS = Object.keys(MAY) as Action[]

export function can(role: Role, action: Action): boolean {
  return (MAY[action] as readonly Role[]).includes(role)
}

/** Who may, in words: "an owner, a fleet admin or a dispatcher". */
function whoMay(action: Action): string {
  const names = MAY[action].map(article)
  return names.length === 1 ? names[0]! : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`
}

/** Why a person of this role may not, for a refusal and for a disabled button; null if they may. */
export function whyNot(role: Role, action: Action): string | null {
  return can(role, action) ? null : `This is for ${whoMay(action)}; you are ${article(role)}.`
}

const article = (role: Role) => `${/^[aeiou]/.test(role) ? 'an' : 'a'} ${ROLE_NAME[role]}`

/** May somebody of the role `by` give, change or take away the role `of`? Only an owner touches owners. */
export function mayAssign(by: Role, of: Role): boolean {
  return can(by, 'people.manage') && (of !== 'owner' || by === 'owner')
}

/**
 * Every page and every door below app/ and what it asks of a person: an action, `anyone` signed in or not, or `signed-in`.
 * `[x]` stands for a part of the path. server/access.test.ts fails for a page without a row.
 */
export const ROUTES = {
  '/': 'anyone',
  '/login': 'anyone',
  '/reset': 'anyone',
  '/join': 'anyone',
  '/account': 'account.own',
  '/settings/people': 'people.see',
  '/settings/sign-in': 'sign-in.manage',
  '/settings/device-sign-in': 'sign-in.manage',
  '/settings/webhooks': 'webhooks.manage',
  '/map': 'fleet.see',
  '/vehicles': 'fleet.see',
  '/vehicles/[id]': 'fleet.see',
  '/drivers': 'hours.see',
  '/drivers/[id]': 'hours.see-one',
  '/drivers/[id]/logs/[day]': 'hours.see-one',
  '/alerts': 'alerts.see',
  '/devices': 'devices.see',
  '/devices/keys': 'devices.see',
  '/devices/[id]': 'devices.see',
  '/export': 'reports.export',
  '/audit': 'audit.see',
  '/lab': 'account.own',
  '/print/driver-days': 'reports.export',
  '/print/violations': 'reports.export',
  '/api/auth/[...all]': 'anyone',
  '/api/sign-in/[...step]': 'anyone',
  '/api/exports/[id]': 'reports.export',
} as const satisfies Record<string, Action | 'anyone'>

export type Route = keyof typeof ROUTES

/** The first page that a person of this role may see. */
export const homeOf = (role: Role): '/map' | '/lab' => (can(role, 'fleet.see') ? '/map' : '/lab')
