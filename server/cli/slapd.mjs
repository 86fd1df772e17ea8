import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import path from 'node:path'
import { Stop } from './setup.mjs'

const PLACES = [
  '/usr/sbin',
  '/usr/local/sbin',
  '/usr/local/libexec',
  '/usr/libexec',
  '/opt/homebrew/opt/openldap/libexec',
]

/** OpenLDAP's slapd for the tests of sign-in by directory: an installed one, else Debian's package where this user may install it. */
export async function findSlapd() {
  const found = installed()
  if (found) return found
  if (process.getuid?.() === 0 && fs.existsSync('/usr/bin/apt-get')) {
    console.log('Installing slapd (Debian package) …')
    // The package would start a directory of its own; only the program is wanted.
    const policy = '/usr/sbin/policy-rc.d'
    const had = fs.existsSync(policy)
    if (!had) fs.writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
    const apt = (...args) =>
      execFileSync('apt-get', ['-qq', '-y', ...args], {
        stdio: ['ignore', 'ignore', 'inherit'],
        env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      })
    try {
      apt('update')
      apt('install', '--no-install-recommends', 'slapd', 'ldap-utils')
    } finally {
      if (!had) fs.rmSync(policy)
    }
    const now = installed()
    if (now) return now
  }
  throw new Stop(
    'The tests of sign-in by directory need OpenLDAP: install it (Debian: sudo apt-get install slapd ldap-utils).',
  )
}

/** Its full path; undefined where it is not installed. */
export function installed() {
  const places = [...PLACES, ...(process.env.PATH ?? '').split(path.delimiter)]
  return places.map((place) => path.join(place, 'slapd')).find((file) => fs.existsSync(file))
}
