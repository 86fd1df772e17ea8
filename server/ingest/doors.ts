import type { Env } from '../env.ts'
import { log } from '../log.ts'
import { boundedServer } from './bounded.ts'
import { createPhoneDoor } from './http.ts'
import { type MqttDoor, subscribeMqtt } from './mqtt.ts'
import type { Intake } from './take.ts'
import { listenTeltonika } from './teltonika/listener.ts'

export type DoorSettings = Pick<
  Env,
  | 'HOST'
  | 'DEVICE_HOST'
  | 'TELTONIKA_PORT'
  | 'PHONES_PORT'
  | 'MQTT_URL'
  | 'MQTT_CLIENT_ID'
  | 'MQTT_GROUP'
  | 'MQTT_TOPIC'
>

export interface Doors {
  /** Whether the broker is connected; null: there is none. */
  mqtt(): boolean | null
  /** Takes nothing new; resolves when what was taken is answered. */
  close(): Promise<void>
}

/**
 * The doors that the settings ask for, beside the HTTP paths that are always there.
 * @throws the system's error if a port can't be listened on
 */
export async function openDoors(intake: Intake, settings: DoorSettings): Promise<Doors> {
  const host = settings.DEVICE_HOST ?? settings.HOST
  const closing: (() => Promise<void>)[] = []
  let mqtt: MqttDoor | undefined
  const doors: Doors = {
    mqtt: () => mqtt?.connected ?? null,
    close: async () => void (await Promise.all(closing.map((close) => close()))),
  }
  try {
    if (settings.TELTONIKA_PORT !== undefined) {
      const listener = await listenTeltonika(intake, settings.TELTONIKA_PORT, host)
      closing.push(() => listener.close())
      log.info('listening for trackers, TCP and UDP', { protocol: 'teltonika', host, port: listener.port })
    }
    if (settings.PHONES_PORT !== undefined) {
      const close = await listenForPhones(intake, settings.PHONES_PORT, host)
      closing.push(close)
      log.info('listening for phone apps', {
        protocol: 'osmand, owntracks',
        host,
        port: settings.PHONES_PORT,
      })
    }
    if (settings.MQTT_URL !== undefined) {
      mqtt = subscribeMqtt(intake, {
        url: settings.MQTT_URL,
        clientId: settings.MQTT_CLIENT_ID,
        group: settings.MQTT_GROUP,
        topic: settings.MQTT_TOPIC,
      })
      closing.push(mqtt.close)
    }
    return doors
  } catch (error) {
    await doors.close()
    throw error
  }
}

async function listenForPhones(intake: Intake, port: number, host: string): Promise<() => Promise<void>> {
  const door = createPhoneDoor(intake)
  const server = boundedServer((req, res) => void door.handle(req, res))
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port, host, backlog: 4_096 }, () => {
      server.off('error', reject)
      resolve()
    })
  })
  return async () => {
    server.close()
    await door.close()
    server.closeAllConnections()
  }
}
