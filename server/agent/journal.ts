import * as fs from 'node:fs'
import path from 'node:path'

/** Records of one file; it is deleted when all of them are sent. */
const PER_FILE = 4_096
const MOST_BYTES = 64 << 20

export interface Kept {
  sequence: number
  /** JSON of one heartbeat. */
  text: string
}

/**
 * What a truck has to say and has not been told to be stored: files that are only appended to, flushed to the disk before a record
 * counts as taken. Bounded: when it is full the oldest are kept, and new ones are turned away. What is killed in the middle of a
 * line leaves half a line, which was never taken and is cut off at the next start.
 */
export class Journal {
  readonly #directory: string
  readonly #mostBytes: number
  /** Ascending by sequence, as they came. */
  #pending: Kept[] = []
  #bytes = 0
  #next = 1
  #file: number | undefined
  #inFile = 0
  readonly #sent: Set<number>
  #sentFile: number

  constructor(directory: string, mostBytes = MOST_BYTES) {
    this.#directory = directory
    this.#mostBytes = mostBytes
    fs.mkdirSync(directory, { recursive: true, mode: 0o700 })
    this.#sent = this.#readSent()
    for (const name of this.#files()) {
      for (const kept of readFile(path.join(directory, name))) {
        this.#next = kept.sequence + 1
        if (this.#sent.has(kept.sequence)) continue
        this.#pending.push(kept)
        this.#bytes += kept.text.length
      }
    }
    this.#sentFile = fs.openSync(path.join(directory, 'sent'), 'a', 0o600)
    this.#removeSentFiles()
  }

  get size(): number {
    return this.#pending.length
  }

  /**
   * Takes records: when it returns they are on the disk.
   * @returns how many were taken; the others find no room, here or on the disk
   */
  append(texts: readonly string[]): number {
    const taken: Kept[] = []
    let bytes = this.#bytes
    for (const text of texts) {
      if (bytes + text.length > this.#mostBytes) break
      taken.push({ sequence: this.#next + taken.length, text })
      bytes += text.length
    }
    if (taken.length === 0) return 0
    if (this.#file === undefined || this.#inFile >= PER_FILE) this.#openFile(this.#next)
    if (!appended(this.#file!, taken.map(({ sequence, text }) => `${sequence} ${text}\n`).join(''))) return 0
    fs.fdatasyncSync(this.#file!)
    this.#pending.push(...taken)
    this.#bytes = bytes
    this.#next += taken.length
    this.#inFile += taken.length
    return taken.length
  }

  /** Up to `most` records, the newest first. */
  newest(most: number): Kept[] {
    return this.#pending.slice(-most).reverse()
  }

  /** These need not be sent again. Should a kill forget it, they are sent again, which changes nothing. */
  remove(records: readonly Kept[]): void {
    const gone = new Set(records.map(({ sequence }) => sequence))
    this.#pending = this.#pending.filter(({ sequence, text }) => {
      if (!gone.has(sequence)) return true
      this.#bytes -= text.length
      return false
    })
    for (const sequence of gone) this.#sent.add(sequence)
    // First what makes room. What the list has none for is sent again after the next start.
    this.#removeSentFiles()
    appended(this.#sentFile, `${[...gone].join(' ')}\n`)
  }

  close(): void {
    if (this.#file !== undefined) fs.closeSync(this.#file)
    fs.closeSync(this.#sentFile)
  }

  #files(): string[] {
    return fs
      .readdirSync(this.#directory)
      .filter((name) => /^\d{12}\.log$/.test(name))
      .sort()
  }

  #openFile(first: number): void {
    if (this.#file !== undefined) fs.closeSync(this.#file)
    this.#file = fs.openSync(path.join(this.#directory, `${String(first).padStart(12, '0')}.log`), 'a', 0o600)
    this.#inFile = 0
    // The name of a new file must survive too.
    const directory = fs.openSync(this.#directory, 'r')
    fs.fsyncSync(directory)
    fs.closeSync(directory)
  }

  #readSent(): Set<number> {
    const file = path.join(this.#directory, 'sent')
    const text = fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : ''
    // A number cut short would name another record: what follows the last line end was never written whole.
    const whole = text.slice(0, text.lastIndexOf('\n') + 1)
    if (whole.length < text.length) fs.truncateSync(file, Buffer.byteLength(whole))
    return new Set(whole.split(/\s+/).filter(Boolean).map(Number))
  }

  /** Whole files of which nothing is pending go, and what the list of the sent says of them. */
  #removeSentFiles(): void {
    const files = this.#files()
    const firstPending = this.#pending[0]?.sequence ?? this.#next
    const firstOf = (name: string) => Number(name.slice(0, 12))
    const gone = files.filter((_, at) => at + 1 < files.length && firstOf(files[at + 1]!) <= firstPending)
    if (gone.length === 0) return
    for (const name of gone) fs.rmSync(path.join(this.#directory, name))
    const first = firstOf(files[gone.length]!)
    for (const sequence of this.#sent) if (sequence < first) this.#sent.delete(sequence)
    const list = path.join(this.#directory, 'sent')
    fs.writeFileSync(`${list}.new`, this.#sent.size > 0 ? `${[...this.#sent].join(' ')}\n` : '', {
      mode: 0o600,
    })
    fs.renameSync(`${list}.new`, list)
    fs.closeSync(this.#sentFile)
    this.#sentFile = fs.openSync(list, 'a', 0o600)
  }
}

/** Appends all of a text or, where the disk is full, nothing: a write of half a number would name another record. */
function appended(file: number, text: string): boolean {
  const { size } = fs.fstatSync(file)
  try {
    fs.appendFileSync(file, text)
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOSPC' && code !== 'EDQUOT' && code !== 'EFBIG') throw error
    fs.ftruncateSync(file, size)
    return false
  }
}

/** The records of a file. A last line without its end was never taken: it is cut off. */
function readFile(file: string): Kept[] {
  const text = fs.readFileSync(file, 'utf8')
  const whole = text.slice(0, text.lastIndexOf('\n') + 1)
  if (whole.length < text.length) fs.truncateSync(file, Buffer.byteLength(whole))
  return whole
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const end = line.indexOf(' ')
      return { sequence: Number(line.slice(0, end)), text: line.slice(end + 1) }
    })
}
