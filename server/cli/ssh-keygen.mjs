import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import path from 'node:path'
import { Stop } from './setup.mjs'

/** OpenSSH's ssh-keygen and ssh-agent, and OpenSSL, for the tests of devices' keys: installed ones, else Debian's packages. */
export function findSshKeygen() {
  if (isInstalled()) return
  if (process.getuid?.() === 0 && fs.existsSync('/usr/bin/apt-get')) {
    console.log('Installing openssh-client, openssl and curl (Debian packages) …')
    const apt = (...args) =>
      execFileSync('apt-get', ['-qq', '-y', ...args], {
        stdio: ['ignore', 'ignore', 'inherit'],
        env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      })
    apt('update')
    apt('install', '--no-install-recommends', 'openssh-client', 'openssl', 'curl', 'ca-certificates')
    if (isInstalled()) return
  }
  throw new Stop(
    'The tests of devices’ keys need OpenSSH, OpenSSL and curl: install them (Debian: sudo apt-get install openssh-client openssl curl).',
  )
}

const isInstalled = () =>
  ['ssh-keygen', 'ssh-agent', 'openssl', 'curl'].every((program) =>
    (process.env.PATH ?? '').split(path.delimiter).some((place) => fs.existsSync(path.join(place, program))),
  )
