import type { HosOptions, RulesetId } from '../../server/hos/types.ts'
import { DAY, type Instant } from '../../server/time/instant.ts'
import type { Zone } from '../../server/time/zone.ts'
import { parseLocal } from './log-text.ts'
import { type OptionId, RULESETS } from './rulesets.ts'

/** The circumstances as they stand in the form: switches, and lists as they were typed. */
export interface LabOptions {
  shortHaul: boolean
  shortHaul16: string
  driverSalesperson: boolean
  adverse: string
  carried: string
  team: boolean
  deferral: string
  multiManning: boolean
  crewReducedRestCounts: boolean
  internationalTwoReduced: boolean
  nightStart: string
  averageOver26Weeks: boolean
}

/** What holds if nothing is said. */
export const NO_OPTIONS: LabOptions = {
  shortHaul: false,
  shortHaul16: '',
  driverSalesperson: false,
  adverse: '',
  carried: '',
  team: false,
  deferral: '',
  multiManning: false,
  crewReducedRestCounts: true,
  internationalTwoReduced: false,
  nightStart: '',
  averageOver26Weeks: false,
}

type FlagId = { [Id in OptionId]: LabOptions[Id] extends boolean ? Id : never }[OptionId]
type ListId = Exclude<OptionId, FlagId>

export const FLAG_WORDS: Record<FlagId, string> = {
  shortHaul: 'Short haul: no break asked for',
  driverSalesperson: 'Driver-salesperson: 40 h of driving in 7 days instead (395.1(c))',
  team: 'Team of two drivers',
  multiManning: 'Multi-manning',
  crewReducedRestCounts: 'A crew’s rest of 9 to 11 h counts as a reduced one',
  internationalTwoReduced: 'International: two reduced weekly rests in a row',
  averageOver26Weeks: 'By agreement: 48 h on average over 26 weeks, not 17',
}
export const LIST_WORDS: Record<ListId, { label: string; hint: string; placeholder: string }> = {
  shortHaul16: {
    label: '16-hour day claimed at',
    hint: 'A local time within each such tour (395.1(o)).',
    placeholder: '2026-03-02 12:00',
  },
  adverse: {
    label: 'Adverse conditions met at',
    hint: 'Local times, with commas between them.',
    placeholder: '2026-03-02 14:30',
  },
  carried: {
    label: 'On duty on the days before the log',
    hint: 'A day each, oldest first: h:mm or minutes.',
    placeholder: '9:30, 0:00, 11:15',
  },
  nightStart: {
    label: 'Night time begins at',
    hint: 'Four hours from there, as the country has set them; midnight if not said.',
    placeholder: '0:00',
  },
  deferral: {
    label: 'First day of a deferral',
    hint: 'Dates, with commas between them.',
    placeholder: '2026-03-02',
  },
}

/** Is it a switch and no list? */
export const isFlag = (id: OptionId): id is FlagId => Object.hasOwn(FLAG_WORDS, id)

export interface ReadOptions {
  circumstances: Omit<HosOptions, 'timeZone' | 'dayStartMinutes'>
  faults: Partial<Record<OptionId, string>>
}

/** The circumstances as the engine takes them; those that the ruleset does not ask about are left out. */
export function readOptions(ruleset: RulesetId, options: LabOptions, zone: Zone): ReadOptions {
  const asked = new Set(RULESETS[ruleset].options)
  const faults: ReadOptions['faults'] = {}
  const listOf = <T>(id: ListId, read: (part: string) => T | { reason: string }): T[] | undefined => {
    const parts = asked.has(id) ? options[id].split(/[,;\n]/).filter((part) => part.trim() !== '') : []
    const found: T[] = []
    for (const part of parts) {
      const one = read(part.trim())
      if (typeof one === 'object' && one !== null && 'reason' in one) faults[id] = one.reason
      else found.push(one)
    }
    return found.length > 0 ? found : undefined
  }
  const instant = (part: string): Instant | { reason: string } => {
    const time = parseLocal(part, zone)
    return 'at' in time ? time.at : time
  }
  const onlyOf = <T>(id: ListId, found: T[] | undefined): T | undefined => {
    if (found && found.length > 1) faults[id] = 'one time, not several'
    return found?.[0]
  }
  const flag = (id: FlagId) => (asked.has(id) && options[id] ? true : undefined)
  const circumstances = {
    shortHaul: flag('shortHaul'),
    shortHaul16: listOf('shortHaul16', instant),
    adverseConditions: listOf('adverse', instant),
    carriedMinutes: listOf('carried', minutesOf),
    driverSalesperson: flag('driverSalesperson'),
    team: flag('team'),
    deferral: listOf('deferral', deferralOf),
    multiManning: flag('multiManning'),
    crewReducedRestCounts: asked.has('crewReducedRestCounts') ? options.crewReducedRestCounts : undefined,
    internationalTwoReduced: flag('internationalTwoReduced'),
    nightStartMinutes: onlyOf('nightStart', listOf('nightStart', nightStartOf)),
    averageOver26Weeks: flag('averageOver26Weeks'),
  }
  return { circumstances, faults }
}

function minutesOf(text: string): number | { reason: string } {
  const [, hours, rest] = /^(\d{1,2}):([0-5]\d)$/.exec(text) ?? []
  const minutes = hours === undefined ? Number(text) : Number(hours) * 60 + Number(rest)
  const whole = Number.isInteger(minutes) && minutes >= 0 && minutes <= 1440
  return whole ? minutes : { reason: `“${text}” is no time of one day, such as 9:30` }
}

/** Art. 3(h): a period of 4 h between 00:00 and 07:00. */
function nightStartOf(text: string): number | { reason: string } {
  const [, hours, minutes] = /^(\d{1,2}):([0-5]\d)$/.exec(text) ?? []
  const start = hours === undefined ? Number.NaN : Number(hours) * 60 + Number(minutes)
  return start <= 180 ? start : { reason: `“${text}” is no time from 0:00 to 3:00` }
}

function deferralOf(text: string): { day1: string } | { reason: string } {
  const day = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN
  const isDate = Number.isFinite(day) && new Date(Math.floor(day / DAY) * DAY).toISOString().startsWith(text)
  return isDate ? { day1: text } : { reason: `“${text}” is no date such as 2026-03-02` }
}
