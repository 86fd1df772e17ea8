import { DEFAULT_SETTINGS, type TripSettings } from './types.ts'

/** The columns of `fleets f` that hold a fleet's thresholds. */
export const SETTINGS_COLUMNS = `f.trip_standstill_minutes as "standstillMinutes",
  f.trip_minimum_meters as "minimumTripMeters", f.trip_gap_minutes as "gapMinutes"`
export type SettingsRow = Pick<TripSettings, 'standstillMinutes' | 'minimumTripMeters' | 'gapMinutes'>

/** A fleet's thresholds; what no fleet sets is the same for all. */
export const settingsOf = ({
  standstillMinutes,
  minimumTripMeters,
  gapMinutes,
}: SettingsRow): TripSettings => ({
  ...DEFAULT_SETTINGS,
  standstillMinutes,
  minimumTripMeters,
  gapMinutes,
})
