import type { Doors } from '../../../components/devices/settings.ts'
import { env } from '../../../server/env.ts'

/** Where devices reach this server, for the settings that an installer copies. */
export function doorsOf(): Doors {
  const { publicUrl } = env()
  const broker = process.env.MQTT_URL
  return {
    url: publicUrl,
    teltonikaPort: Number(process.env.TELTONIKA_PORT) || null,
    broker: broker ? { host: new URL(broker).hostname, isSecure: /^(mqtts|wss):/.test(broker) } : null,
  }
}
