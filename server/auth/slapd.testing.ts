import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import * as fs from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { freePort } from '../db/embedded.ts'

const SUFFIX = 'dc=fleet,dc=test'
export const SERVICE_PASSWORD = 'of-the-service-account'

/** Somebody in the directory. */
export interface Entry {
  uid: string
  name: string
  email: string
  password: string
  /** Where a name has a comma in it. */
  cn?: string
}

/** A private slapd, unprivileged and on loopback, with people and groups of the test. */
export class Slapd {
  readonly url: string
  readonly ldapsUrl: string
  /** The authority of its certificate, PEM. */
  readonly authorities: string
  readonly baseDn = SUFFIX
  readonly bindDn = `cn=service,${SUFFIX}`
  readonly #directory: string
  readonly #program: string
  #child: ChildProcess | undefined

  private constructor(program: string, directory: string, ports: { ldap: number; ldaps: number }) {
    this.#program = program
    this.#directory = directory
    this.url = `ldap://127.0.0.1:${ports.ldap}`
    this.ldapsUrl = `ldaps://localhost:${ports.ldaps}`
    this.authorities = fs.readFileSync(path.join(directory, 'certificate.pem'), 'utf8')
  }

  static async start(people: readonly Entry[], groups: Record<string, readonly string[]>): Promise<Slapd> {
    const { findSlapd } = await import('../cli/slapd.mjs')
    const program = await findSlapd()
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'restline-slapd-'))
    fs.mkdirSync(path.join(directory, 'db'))
    execFileSync(
      'openssl',
      [
        ...[
          'req',
          '-x509',
          '-newkey',
          'ec',
          '-pkeyopt',
          'ec_paramgen_curve:prime256v1',
          '-nodes',
          '-days',
          '2',
        ],
        ...['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'],
        ...['-keyout', path.join(directory, 'key.pem'), '-out', path.join(directory, 'certificate.pem')],
      ],
      { stdio: 'ignore' },
    )
    fs.writeFileSync(path.join(directory, 'slapd.conf'), configuration(directory))
    fs.writeFileSync(path.join(directory, 'seed.ldif'), seed(people, groups))
    execFileSync('chmod', ['-R', 'a+rwX', directory])
    const slapd = new Slapd(program, directory, { ldap: await freePort(), ldaps: await freePort() })
    slapd.#run([
      '-T',
      'add',
      '-f',
      path.join(directory, 'slapd.conf'),
      '-l',
      path.join(directory, 'seed.ldif'),
    ])
    await slapd.up()
    return slapd
  }

  #run(args: string[]): void {
    const [program, rest] = this.#unprivileged(args)
    execFileSync(program, rest, { stdio: 'pipe' })
  }

  /** As nobody where the tests run as root. */
  #unprivileged(args: string[]): [string, string[]] {
    return process.getuid?.() === 0
      ? ['setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups', this.#program, ...args]]
      : [this.#program, args]
  }

  /** Starts it, or starts it again after `down`. */
  async up(): Promise<void> {
    const conf = path.join(this.#directory, 'slapd.conf')
    const listen = `${this.url}/ ${this.ldapsUrl}/`
    const [program, args] = this.#unprivileged(['-f', conf, '-h', listen, '-d', '0'])
    this.#child = spawn(program, args, { stdio: 'ignore' })
    for (let tries = 0; ; tries++) {
      if (await accepts(Number(new URL(this.url).port))) return
      if (tries > 2_400 || this.#child.exitCode !== null) throw new Error('slapd does not listen')
      await new Promise((resolve) => setTimeout(resolve, 25))
    }
  }

  /** The directory is away. */
  async down(): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (!child || child.exitCode !== null) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGTERM')
    await ended
  }

  async stop(): Promise<void> {
    await this.down()
    fs.rmSync(this.#directory, { recursive: true, force: true })
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

const SCHEMAS = ['core', 'cosine', 'inetorgperson']
const MODULES = ['/usr/lib/ldap', '/usr/local/libexec/openldap', '/usr/lib64/openldap'].find((one) =>
  fs.existsSync(one),
)

const configuration = (directory: string) => `
${SCHEMAS.map((name) => `include /etc/ldap/schema/${name}.schema`).join('\n')}
modulepath ${MODULES}
moduleload back_mdb
pidfile ${directory}/slapd.pid
TLSCertificateFile ${directory}/certificate.pem
TLSCertificateKeyFile ${directory}/key.pem
database mdb
suffix "${SUFFIX}"
rootdn "cn=admin,${SUFFIX}"
directory ${directory}/db
maxsize 16777216
index uid eq
access to attrs=userPassword by self write by anonymous auth by * none
access to * by * read
`

const escaped = (text: string) => text.replace(/([,+"\\<>;=])/g, '\\$1')
const dnOf = (person: Entry) =>
  person.cn ? `cn=${escaped(person.cn)},ou=people,${SUFFIX}` : `uid=${person.uid},ou=people,${SUFFIX}`

/** Whether an anonymous bind succeeds is the directory's choice; this one allows it, as many do. */
function seed(people: readonly Entry[], groups: Record<string, readonly string[]>): string {
  const entries = [
    `dn: ${SUFFIX}\nobjectClass: dcObject\nobjectClass: organization\ndc: fleet\no: Fleet`,
    `dn: cn=service,${SUFFIX}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: service\nuserPassword: ${SERVICE_PASSWORD}`,
    ...['people', 'groups'].map((ou) => `dn: ou=${ou},${SUFFIX}\nobjectClass: organizationalUnit\nou: ${ou}`),
    ...people.map(
      (person) => `dn: ${dnOf(person)}
objectClass: inetOrgPerson
uid: ${person.uid}
cn: ${person.cn ?? person.name}
displayName: ${person.name}
sn: ${person.name.split(' ').at(-1)}
mail: ${person.email}
userPassword: ${person.password}`,
    ),
    ...Object.entries(groups).map(([name, members]) => {
      const dns = members.map((uid) => dnOf(people.find((person) => person.uid === uid)!))
      return `dn: cn=${name},ou=groups,${SUFFIX}\nobjectClass: groupOfNames\ncn: ${name}\n${dns.map((dn) => `member: ${dn}`).join('\n')}`
    }),
  ]
  return `${entries.join('\n\n')}\n`
}
