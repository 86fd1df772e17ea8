/**
 * A text, or what languages print where a number has none. A text that does not end is taken to the end, so that each character is
 * looked at once.
 */
const TEXT_OR_NO_NUMBER = /"(?:[^"\\]+|\\[\s\S])*(?:"|\\?$)|-?(?:NaN|Infinity)/g

/**
 * JSON in which a program has printed NaN or Infinity for a number: read with a number in its place that no field takes, so that
 * this heartbeat is refused with its index and field, and its neighbours are stored.
 * @returns undefined if that is not what is wrong with it
 */
export function parseWithoutNumbers(text: string): unknown {
  let found = false
  const mended = text.replace(TEXT_OR_NO_NUMBER, (part) => {
    if (part.startsWith('"')) return part
    found = true
    return '1e999'
  })
  if (!found) return undefined
  try {
    return JSON.parse(mended)
  } catch {
    return undefined
  }
}
