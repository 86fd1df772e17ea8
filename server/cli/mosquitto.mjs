import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import path from 'node:path'
import { Stop } from './setup.mjs'

/** The broker that the tests of MQTT run against: MOSQUITTO_PATH, an installed one, else Debian's package where this user may install it. */
export function findMosquitto() {
  const found = installed()
  if (found) return found
  if (process.getuid?.() === 0 && fs.existsSync('/usr/bin/apt-get')) {
    console.log('Installing mosquitto (Debian package) …')
    const apt = (...args) =>
      execFileSync('apt-get', ['-qq', '-y', ...args], {
        stdio: ['ignore', 'ignore', 'inherit'],
        env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      })
    // The tests start their own; the package's must not.
    const policy = '/usr/sbin/policy-rc.d'
    const mine = !fs.existsSync(policy)
    if (mine) fs.writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
    try {
      apt('update')
      apt('install', '--no-install-recommends', 'mosquitto')
    } finally {
      if (mine) fs.rmSync(policy)
    }
    const now = installed()
    if (now) return now
  }
  throw new Stop(
    'The tests of MQTT need mosquitto: install it (Debian: sudo apt-get install mosquitto) or set MOSQUITTO_PATH to it.',
  )
}

function installed() {
  const given = process.env.MOSQUITTO_PATH
  if (given && !fs.existsSync(given)) throw new Stop(`MOSQUITTO_PATH names ${given}, which does not exist.`)
  if (given) return given
  // An administrator's program: it is often not on a user's path.
  const places = [...(process.env.PATH ?? '').split(path.delimiter), '/usr/sbin', '/usr/local/sbin']
  return places.map((place) => path.join(place, 'mosquitto')).find((file) => fs.existsSync(file))
}
