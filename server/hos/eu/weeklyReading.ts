import type { Instant } from '../../time/instant.ts'
import { MS } from './limits.ts'
import { type Rest, restBefore, type Timeline } from './timeline.ts'
import type { Weeks } from './weeks.ts'

/** What a fixed week has counted for it. */
export type Counted = 'nothing' | 'reduced' | 'regular'

/** Two consecutive weeks, named by the second, without the weekly rests that art. 8(6) asks for. */
export interface BrokenPair {
  secondWeek: number
  from: Instant
}

/** The reading of art. 8(9) that breaks the fewest pairs of weeks; of equal ones, the one that breaks the earliest. */
export interface Reading {
  broken: BrokenPair[]
  /** Of each reduced weekly rest, the week it is counted in: the later one where both are open. */
  weekOfReduced: Map<Rest, number>
}

/** One way to count a rest: which weeks get what. */
type Way = ReadonlyMap<number, Counted>

/** A reading so far. No two states share what they hold. */
interface State {
  counted: Map<number, Counted>
  broken: BrokenPair[]
  reducedIn: number[]
}

/**
 * Counts weekly rests in fixed weeks (art. 8(9)): each in one week into which it falls, or a long one in every week that
 * holds 24 h of it. A walk over the rests keeps, for each way the latest weeks can look, only the best way there.
 */
export function readWeeklyRests(
  timeline: Timeline,
  weeklyRests: readonly Rest[],
  weeks: Weeks,
  twoReducedAbroad: boolean,
): Reading {
  const { asOf } = timeline
  const now = weeks.of(asOf)
  const before = weeklyRests[0]
  if (!before || before.open) return { broken: [], weekOfReduced: new Map() }

  const firstWeek = weeks.of(before.until - 1)
  const reached = new Set<number>([firstWeek])
  for (const rest of weeklyRests.slice(1)) {
    for (const week of weeksOf(rest, weeks, now + 1)) reached.add(week)
  }
  const across = pairEnds(timeline, weeks)
  const around = twoReducedAbroad ? 1 : 0
  let states: State[] = [
    {
      // The rest before the log satisfies every week before it, and the one it ends in.
      counted: new Map([-2, -1, 0].map((n) => [firstWeek + n, 'regular'])),
      broken: [],
      reducedIn: [],
    },
  ]
  let second = firstWeek + 1

  /** Judges every pair whose weeks no later rest can touch. */
  const walk = {
    settle(untouchedFrom: number): void {
      for (; second + around < untouchedFrom; second++) {
        const from = across(second)
        const judged = reached.has(second - 1) && reached.has(second) && from <= asOf
        if (judged) {
          const abroad = twoReducedAbroad ? { weekAfterOver: across(second + 1) <= asOf } : null
          for (const { counted, broken } of states) {
            if (!isLawful(counted, second, abroad)) broken.push({ secondWeek: second, from })
          }
        }
      }
      states = best(states, second - 2)
    },
  }

  const reduced: Rest[] = []
  for (const rest of weeklyRests.slice(1)) {
    const touched = weeksOf(rest, weeks, now + 1)
    if (touched.length === 0) continue
    walk.settle(touched[0] as number)
    const isReduced = rest.restMs < MS.weeklyRest
    if (isReduced) reduced.push(rest)
    const ways = waysToCount(rest, touched, weeks)
    const others = states.flatMap((state) =>
      ways.slice(1).map((way) => counting(copy(state), way, isReduced)),
    )
    for (const state of states) counting(state, ways[0] as Way, isReduced)
    states.push(...others)
  }
  walk.settle(now + 2 + around)

  const chosen = states.reduce((a, b) => (isBetter(b, a) ? b : a))
  return {
    broken: chosen.broken,
    weekOfReduced: new Map(reduced.map((rest, i) => [rest, chosen.reducedIn[i] as number])),
  }
}

/** The weeks that a rest lies in, none later than `last`. */
function weeksOf(rest: Rest, weeks: Weeks, last: number): number[] {
  const found: number[] = []
  const until = Math.min(last, weeks.of(rest.until - 1))
  for (let week = weeks.of(rest.from); week <= until; week++) found.push(week)
  return found
}

function waysToCount(rest: Rest, touched: readonly number[], weeks: Weeks): Way[] {
  const kind: Counted = rest.restMs >= MS.weeklyRest ? 'regular' : 'reduced'
  const ends = new Set([touched[0] as number, touched.at(-1) as number])
  const ways: Way[] = [...ends].map((week) => new Map([[week, kind]]))
  if (kind === 'regular' && touched.length > 1) {
    const each = new Map<number, Counted>()
    for (const week of touched) {
      const ms = restBefore(rest, weeks.startOf(week + 1)) - restBefore(rest, weeks.startOf(week))
      if (ms >= MS.weeklyRestReduced) each.set(week, ms >= MS.weeklyRest ? 'regular' : 'reduced')
    }
    if (each.size > 0) ways.push(each)
  }
  return ways
}

const copy = ({ counted, broken, reducedIn }: State): State => ({
  counted: new Map(counted),
  broken: [...broken],
  reducedIn: [...reducedIn],
})

/** The same state with one more rest counted. */
function counting(state: State, way: Way, isReduced: boolean): State {
  for (const [week, kind] of way) {
    if (state.counted.get(week) !== 'regular') state.counted.set(week, kind)
    if (isReduced) state.reducedIn.push(week)
  }
  return state
}

function isLawful(
  counted: ReadonlyMap<number, Counted>,
  second: number,
  abroad: { weekAfterOver: boolean } | null,
): boolean {
  const one = counted.get(second - 1)
  const two = counted.get(second)
  if (!one || !two) return false
  if (one === 'regular' || two === 'regular') return true
  if (!abroad || counted.get(second - 2) !== 'regular') return false
  return counted.get(second + 1) === 'regular' || !abroad.weekAfterOver
}

/** When a pair is judged: the end of its second week, or of a rest that runs across it. */
function pairEnds(timeline: Timeline, weeks: Weeks): (secondWeek: number) => Instant {
  let next = 0
  let asked = Number.NEGATIVE_INFINITY
  return (secondWeek) => {
    const end = weeks.startOf(secondWeek + 1)
    if (end < asked) next = 0
    asked = end
    const { joined } = timeline
    while (next < joined.length && (joined[next] as Rest).until <= end) next++
    const rest = joined[next]
    return rest && rest.from < end ? rest.until : end
  }
}

/** Of the states that look alike from a week on, the best; what they hold of earlier weeks is forgotten. */
function best(states: State[], fromWeek: number): State[] {
  for (const { counted } of states) {
    for (const week of counted.keys()) if (week < fromWeek) counted.delete(week)
  }
  if (states.length === 1) return states
  const kept = new Map<string, State>()
  for (const state of states) {
    const key = [...state.counted].sort((a, b) => a[0] - b[0]).join(';')
    const known = kept.get(key)
    if (!known || isBetter(state, known)) kept.set(key, state)
  }
  return [...kept.values()]
}

function isBetter(a: State, b: State): boolean {
  if (a.broken.length !== b.broken.length) return a.broken.length < b.broken.length
  for (let i = 0; i < a.broken.length; i++) {
    const difference = (a.broken[i] as BrokenPair).from - (b.broken[i] as BrokenPair).from
    if (difference !== 0) return difference < 0
  }
  for (let i = 0; i < a.reducedIn.length; i++) {
    const difference = (a.reducedIn[i] as number) - (b.reducedIn[i] as number)
    if (difference !== 0) return difference > 0
  }
  return false
}
