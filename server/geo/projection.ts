/** The latitude where Web Mercator's square world ends. */
export const MERCATOR_LIMIT = 85.05112878

/** Longitude in degrees to Web Mercator x, 0 at 180 W to 1 at 180 E. */
export function mercatorX(longitude: number): number {
  return longitude / 360 + 0.5
}

/** Latitude in degrees to Web Mercator y, 0 in the north to 1 in the south; poles are clamped to the square. */
export function mercatorY(latitude: number): number {
  const clamped = Math.max(-MERCATOR_LIMIT, Math.min(MERCATOR_LIMIT, latitude))
  const sine = Math.sin((clamped * Math.PI) / 180)
  return 0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI)
}

/** Web Mercator x back to degrees of longitude. */
export function longitudeOf(x: number): number {
  return (x - 0.5) * 360
}

/** Web Mercator y back to degrees of latitude. */
export function latitudeOf(y: number): number {
  return (Math.atan(Math.sinh(Math.PI * (1 - 2 * y))) * 180) / Math.PI
}
