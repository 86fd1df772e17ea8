import type { EuRestKind } from '../../server/hos/advice.ts'
import { durationText } from '../../server/hos/explain.ts'
import type { EuCost, PairAdvice } from '../../server/hos/pairs.ts'
import type { Instant } from '../../server/time/instant.ts'
import { STATUS_WORDS } from './clocks.ts'

/** A rest as (EC) 561/2006 calls it. */
export const REST_WORDS: Record<EuRestKind, string> = {
  break: 'Break',
  'break-first-part': 'First part of a break (15 + 30 min)',
  'break-second-part': 'Second part of a break (15 + 30 min)',
  daily: 'Daily rest',
  'daily-reduced': 'Reduced daily rest',
  'daily-first-part': 'First part of a daily rest (3 + 9 h)',
  'daily-second-part': 'Second part of a daily rest (3 + 9 h)',
  weekly: 'Weekly rest',
  'weekly-reduced': 'Reduced weekly rest',
}

/** A rest by its name in the law, or the status that it is taken in. */
export const restWords = ({
  kind,
  status,
}: {
  kind: EuRestKind | null
  status: PairAdvice['second']['status']
}) => (kind ? REST_WORDS[kind] : STATUS_WORDS[status])

const count = (n: number, one: string) => `${n} ${one}${n === 1 ? '' : 's'}`

/** What a rest costs later. */
export const costText = ({ reducedRestsLeft, extensionsLeft, owed }: EuCost, time: (at: Instant) => string) =>
  `${[
    `Leaves ${count(reducedRestsLeft, 'reduced rest')} and ${count(extensionsLeft, 'extension')}`,
    ...owed.map(({ owedMs, dueAt }) => `owes ${durationText(owedMs)} by ${time(dueAt)}`),
  ].join(', ')}.`

/** A rest in two parts, without the driving after it: "Split: after 3 h ending 09:00, Sleeper berth 7 h, begun by 18:00". */
export function pairText(
  { kind, first, second, beginBy }: Pick<PairAdvice, 'kind' | 'first' | 'second' | 'beginBy'>,
  time: (at: Instant) => string,
): string {
  const name = { split: 'Split', break: 'Break in two parts', daily: 'Daily rest in two parts' }[kind]
  const part = `${durationText(first.until - first.from)} ending ${time(first.until)}`
  return `${name}: after ${part}, ${STATUS_WORDS[second.status]} ${durationText(second.ms)}, begun by ${time(beginBy)}`
}
