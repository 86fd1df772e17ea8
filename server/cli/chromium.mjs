import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import path from 'node:path'
import { Stop } from './setup.mjs'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome', 'microsoft-edge']
const ELSEWHERE = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
]

/** A browser of the Chromium family: CHROMIUM_PATH, an installed one, else Debian's package where this user may install it. */
export async function findChromium() {
  const found = installed()
  if (found) return found
  if (process.getuid?.() === 0 && onPath('apt-get')) {
    console.log('Installing Chromium (Debian package) …')
    const apt = (...args) =>
      execFileSync('apt-get', ['-qq', '-y', ...args], {
        stdio: ['ignore', 'ignore', 'inherit'],
        env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      })
    apt('update')
    apt('install', '--no-install-recommends', 'chromium', 'fonts-liberation')
    const now = installed()
    if (now) return now
  }
  throw new Stop(
    'The browser tests need Chromium: install it (Debian: sudo apt-get install chromium) or set CHROMIUM_PATH to a Chromium or Chrome.',
  )
}

function installed() {
  const given = process.env.CHROMIUM_PATH
  if (given && !fs.existsSync(given)) throw new Stop(`CHROMIUM_PATH names ${given}, which does not exist.`)
  return given || NAMES.map(onPath).find(Boolean) || ELSEWHERE.find((file) => fs.existsSync(file))
}

function onPath(name) {
  for (const directory of (process.env.PATH ?? '').split(path.delimiter)) {
    const file = path.join(directory, name)
    if (fs.existsSync(file)) return file
  }
  return undefined
}
