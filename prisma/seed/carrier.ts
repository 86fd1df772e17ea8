import { oneOf, randomOf, whole } from './random.ts'

/** A yard that drivers call home. */
export interface Terminal {
  name: string
  timeZone: string
  latitude: number
  longitude: number
  /** Of its drivers' licences and its trucks' plates. */
  state: string
  /** Where its trucks run, by towns of the road net. */
  routes: readonly (readonly [string, string])[]
}

/** Prairie & Lakes Freight: five yards in five zones, one of them without summer time. */
export const TERMINALS: readonly Terminal[] = [
  {
    name: 'Joliet, IL',
    timeZone: 'America/Chicago',
    latitude: 41.5067,
    longitude: -88.1304,
    state: 'IL',
    routes: [
      ['Chicago, IL', 'Denver, CO'],
      ['Joliet, IL', 'New Orleans, LA'],
      ['Omaha, NE', 'Cleveland, OH'],
      ['Green Bay, WI', 'Memphis, TN'],
      ['Chicago, IL', 'Billings, MT'],
      ['Minneapolis, MN', 'Dallas, TX'],
    ],
  },
  {
    name: 'Indianapolis, IN',
    timeZone: 'America/Indiana/Indianapolis',
    latitude: 39.7306,
    longitude: -86.2745,
    state: 'IN',
    routes: [
      ['Indianapolis, IN', 'New York City, NY'],
      ['Fargo, ND', 'Indianapolis, IN'],
      ['Indianapolis, IN', 'Jacksonville, FL'],
      ['Kansas City, MO', 'Harrisburg, PA'],
    ],
  },
  {
    name: 'Denver, CO',
    timeZone: 'America/Denver',
    latitude: 39.7817,
    longitude: -104.8886,
    state: 'CO',
    routes: [
      ['Denver, CO', 'Portland, OR'],
      ['Denver, CO', 'St. Louis, MO'],
      ['Los Angeles, CA', 'Denver, CO'],
      ['Seattle, WA', 'Salt Lake City, UT'],
      ['Denver, CO', 'El Paso, TX'],
    ],
  },
  {
    name: 'Phoenix, AZ',
    timeZone: 'America/Phoenix',
    latitude: 33.4329,
    longitude: -112.1507,
    state: 'AZ',
    routes: [
      ['Phoenix, AZ', 'Dallas, TX'],
      ['Phoenix, AZ', 'Sacramento, CA'],
      ['Phoenix, AZ', 'San Antonio, TX'],
      ['Los Angeles, CA', 'Oklahoma City, OK'],
    ],
  },
  {
    name: 'Harrisburg, PA',
    timeZone: 'America/New_York',
    latitude: 40.2412,
    longitude: -76.8017,
    state: 'PA',
    routes: [
      ['Harrisburg, PA', 'Nashville, TN'],
      ['Harrisburg, PA', 'Chicago, IL'],
      ['Harrisburg, PA', 'Jacksonville, FL'],
      ['Boston, MA', 'Columbus, OH'],
    ],
  },
]

const FIRST_NAMES =
  'Marcus Elena Darnell Rosa Wyatt Priya Tomasz Leticia Calvin Mei Raymond Aisha Hank Gurpreet Denise Luis Ingrid Terrell Joanne Bogdan Carla Amir Shelby Otis Yolanda Pete Hana Vernon Marisol Dale Simone Jorge Kristin Abdi Lorraine Ricky Nadia Earl Beatriz Cody Harjit Monica Stefan Tanya Clyde Imani Glenn Rafael Dawn Viktor Roberta Emeka Wanda Travis Ana Leroy Katrin Manuel Peggy Dmitri'.split(
    ' ',
  )
const LAST_NAMES =
  "Whitfield Navarro Okafor Lindqvist Boone Sandhu Kowalski Vega Thornton Zhang Castellano Rahman Buckley Dhillon Freeman Ortega Halvorsen Gaines McKenna Petrov Estrada Haddad Crowley Jefferson Salazar Novak Tanaka Pruitt Fuentes Hargrove Baptiste Medina Olson Warsame Delacroix Stamper Farouk Maddox Pineda Riggs Gill Schaefer Brandt Ivanova Tuttle Coleman Sorensen Quintero Abbott Marchenko Kessler Nwosu Hendricks Barlow Carvalho Poole Weiss Aguilar O'Dell Volkov".split(
    ' ',
  )
const MODELS = [
  { name: 'Freightliner Cascadia', maker: '3AKJHHDR', least: 2020 },
  { name: 'Kenworth T680', maker: '1XKYDP9X', least: 2019 },
  { name: 'Peterbilt 579', maker: '1XPBDP9X', least: 2019 },
  { name: 'Volvo VNL 760', maker: '4V4NC9EH', least: 2020 },
  { name: 'International LT625', maker: '3HSDZAPR', least: 2021 },
  { name: 'Mack Anthem', maker: '1M1AN4GY', least: 2020 },
]
const VIN_LETTERS = '0123456789ABCDEFGHJKLMNPRSTUVWXYZ'
const VIN_YEARS = 'KLMNPRST' // 2019 to 2026
const VIN_VALUES = '0123456789.ABCDEFGH..JKLMN.P.R..STUVWXYZ'
const VIN_WEIGHTS = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2]

/** The ninth digit of a North American VIN: what the other sixteen add up to, by weight, modulo 11 (49 CFR 565.15(c)). */
export function checkDigitOf(vin: string): string {
  const sum = [...vin].reduce((total, letter, i) => {
    return total + (VIN_VALUES.indexOf(letter) % 10) * VIN_WEIGHTS[i]!
  }, 0)
  return sum % 11 === 10 ? 'X' : String(sum % 11)
}

/** `maker` is the first eight letters: maker, model, engine. */
export function vinOf(maker: string, year: number, serial: number): string {
  const plant = VIN_LETTERS[10 + (serial % 20)]!
  const draft = `${maker}0${VIN_YEARS[year - 2019]!}${plant}${String(100_000 + (serial % 900_000))}`
  return `${maker}${checkDigitOf(draft)}${draft.slice(9)}`
}

export interface Person {
  name: string
  employeeNumber: string
  licenceNumber: string
}

export interface Truck {
  unitNumber: string
  makeModel: string
  plate: string
  vin: string
}

/** Driver number `index` of a fleet: up to 60 have names of their own, later ones a middle initial besides. */
export function personOf(seed: number, index: number): Person {
  const random = randomOf(seed, 'person', index)
  const round = Math.floor(index / FIRST_NAMES.length)
  const first = FIRST_NAMES[index % FIRST_NAMES.length]!
  const last = LAST_NAMES[(index * (round === 0 ? 1 : 7) + round * 11) % LAST_NAMES.length]!
  const initial = round === 0 ? '' : ` ${'ABCDEFGHJKLMNPRSTW'[round % 18]!}.`
  const digits = String(whole(random, 1_000_000, 9_999_999))
  return {
    name: `${first}${initial} ${last}`,
    employeeNumber: String(40_100 + index * 7),
    licenceNumber: `${last[0]!}${digits.slice(0, 3)}-${digits.slice(3)}`,
  }
}

export function truckOf(seed: number, index: number): Truck {
  const random = randomOf(seed, 'truck', index)
  const model = oneOf(random, MODELS)
  const year = whole(random, model.least, 2026)
  return {
    unitNumber: String(1_200 + index * 3 + Math.floor(index / 12) * 64),
    makeModel: `${model.name} ${year}`,
    plate: `P${String(whole(random, 100_000, 999_999))}`,
    vin: vinOf(model.maker, year, whole(random, 1, 899_999)),
  }
}
