import { MINUTE } from './instant.ts'

/** A duration in hours and minutes, "9:05"; what is left of a minute is dropped. Negative ones read as zero. */
export function hoursMinutes(ms: number): string {
  const minutes = Math.floor(Math.max(0, ms) / MINUTE)
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}`
}

/**
 * Durations in whole minutes that add up to the whole minutes of their sum: each is rounded down, and the minutes that
 * are missing go to those that lost most.
 */
export function minutesThatAddUp(durationsMs: readonly number[]): number[] {
  const whole = durationsMs.map((ms) => Math.floor(ms / MINUTE))
  const sum = Math.floor(durationsMs.reduce((total, ms) => total + ms, 0) / MINUTE)
  const missing = sum - whole.reduce((total, minutes) => total + minutes, 0)
  const byLoss = durationsMs
    .map((ms, index) => ({ index, loss: ms % MINUTE }))
    .sort((a, b) => b.loss - a.loss || a.index - b.index)
  for (const { index } of byLoss.slice(0, missing)) whole[index]! += 1
  return whole
}
