/**
 * Ends this process when the one that started it is gone, however it went: the starter holds the other end of our
 * standard input (RESTLINE_LEASH=1) and the system closes it.
 */
export function leash(stop: () => unknown): void {
  if (process.env.RESTLINE_LEASH !== '1') return
  process.stdin.once('end', stop).once('error', stop).resume()
}
