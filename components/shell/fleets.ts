const NAME = 'restline-fleet'

/** Tells the other tabs of this session, which may show another fleet still, and goes to the first page of the one that was entered. */
export function goToFleet(fleetId: number): void {
  if (typeof BroadcastChannel !== 'undefined') {
    const channel = new BroadcastChannel(NAME)
    channel.postMessage(fleetId)
    channel.close()
  }
  // From the beginning: whatever this page holds, the live store above all, is of the fleet before.
  window.location.assign('/')
}

/** Leaves this tab's fleet when another tab enters another: what it asks for from now on is answered for that one. */
export function followFleet(fleetId: number): () => void {
  if (typeof BroadcastChannel === 'undefined') return () => undefined
  const channel = new BroadcastChannel(NAME)
  channel.onmessage = ({ data }) => data !== fleetId && window.location.assign('/')
  return () => channel.close()
}
