import type pg from 'pg'
import type { Instant } from '../time/instant.ts'
import { type Listener, listenForChanges } from './changes.ts'
import { Channel, type Delivery, type SubscribeOptions } from './channel.ts'

export interface HubOptions {
  pool: pg.Pool
  now: () => Instant
  /** The shortest time between two frames of a fleet; 250 ms if left out. */
  frameMs?: number
  /** How often to look though nothing was said; 2 s if left out. */
  pollMs?: number
  /** How often a subscriber's right to watch is asked again; 2 s if left out: within 5 s of its end the stream ends. */
  recheckMs?: number
}

export interface Hub {
  subscribe(fleetId: number, options: SubscribeOptions): AsyncGenerator<Delivery, void, undefined>
  /** How many fleets are being read now. */
  readonly channels: number
  close(): Promise<void>
}

/**
 * The live stream's heart in a listening process: for each fleet that somebody watches one reader, whose frames all its
 * watchers share. With no watchers it reads and listens to nothing.
 */
export function createHub(options: HubOptions): Hub {
  const { pool } = options
  const channels = new Map<number, Channel>()
  let listener: Listener | undefined

  const wakeAll = () => {
    for (const channel of channels.values()) channel.wake()
  }
  const channelOf = (fleetId: number): Channel => {
    listener ??= listenForChanges(pool, (changed) => channels.get(changed)?.wake(), wakeAll)
    let channel = channels.get(fleetId)
    if (!channel) {
      channel = new Channel(fleetId, {
        frameMs: 250,
        pollMs: 2_000,
        recheckMs: 2_000,
        ...options,
        onEmpty: () => {
          channels.delete(fleetId)
          if (channels.size > 0) return
          const idle = listener
          listener = undefined
          void idle?.close()
        },
      })
      channels.set(fleetId, channel)
    }
    return channel
  }

  return {
    subscribe: (fleetId, subscriber) => channelOf(fleetId).subscribe(subscriber),
    get channels() {
      return channels.size
    },
    async close() {
      for (const channel of channels.values()) channel.close()
      channels.clear()
      await listener?.close()
      listener = undefined
    },
  }
}
