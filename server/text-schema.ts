import { z } from 'zod'

/**
 * What nobody sees and everybody may be deceived by: control characters, what turns the order of a text around (Unicode UAX #9), what is
 * drawn as nothing (UAX #44, Default_Ignorable_Code_Point), separators of lines. Source of the list: Unicode TR #36, sections 2 and 3.
 */
const UNSEEN =
  /[\p{Cc}\p{Bidi_Control}\p{Default_Ignorable_Code_Point}\p{Zl}\p{Zp}\p{Co}\p{Noncharacter_Code_Point}\p{Cs}]/u
/** Of these, what writing needs: a joiner within Arabic, Persian or Indic letters, and what an emoji is put together with. */
const NEEDED =
  /[\u200C\u200D](?<=[^\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\P{L}]\p{M}{0,4}.)|\u200D(?<=(?:[\p{Extended_Pictographic}\p{Emoji_Modifier}]|\uFE0F).)|(?:\uFE0E|\uFE0F)(?<=\p{Extended_Pictographic}.)/u
const EITHER = new RegExp(`${NEEDED.source}|(${UNSEEN.source})`, 'gu')
/** Alphabets with letters that look like those of another. */
const ALIKE = {
  Latin: /\p{Script=Latin}/u,
  Greek: /\p{Script=Greek}/u,
  Cyrillic: /\p{Script=Cyrillic}/u,
  Armenian: /\p{Script=Armenian}/u,
  Cherokee: /\p{Script=Cherokee}/u,
}
const WORD = /[\p{L}\p{M}]+/gu

const named = (character: string) =>
  `U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`

const replaceUnseen = (text: string, by: (character: string) => string) =>
  text.replace(EITHER, (found, unseen?: string) => (unseen === undefined ? found : by(unseen)))

/** The first unseen character of a text, as "U+202E"; null where there is none. */
export function unseenIn(text: string): string | null {
  for (const [, unseen] of text.matchAll(EITHER)) if (unseen !== undefined) return named(unseen)
  return null
}

/** The first word whose letters are of alphabets that look alike, and which: no name is written so, and a copied one is. */
export function mixedWordIn(text: string): { word: string; alphabets: string[] } | null {
  for (const [word] of text.matchAll(WORD)) {
    const alphabets = Object.entries(ALIKE).flatMap(([name, letter]) => (letter.test(word) ? [name] : []))
    if (alphabets.length > 1) return { word, alphabets }
  }
  return null
}

/**
 * One line that people wrote and others read: trimmed, composed (NFC), without a character that can't be seen.
 * @param most characters
 * @param least characters, and what to say if there are fewer
 */
export const line = (most: number, least?: string) =>
  z
    .string()
    .trim()
    .normalize('NFC')
    .min(least === undefined ? 0 : 1, least)
    .max(most, `At most ${most} characters.`)
    .superRefine((text, context) => {
      const unseen = unseenIn(text)
      if (unseen)
        context.addIssue({
          code: 'custom',
          message: `It has a character that can’t be seen or turns the text around (${unseen}). Type it anew.`,
        })
    })

/** The name of a person or a thing: a line in which no word passes for another. */
export const name = (most: number, least = 'Give it a name.') =>
  line(most, least).superRefine((text, context) => {
    const mixed = mixedWordIn(text)
    if (mixed)
      context.addIssue({
        code: 'custom',
        message: `“${mixed.word}” has ${mixed.alphabets.join(' and ')} letters in one word, which look alike. Use those of one alphabet.`,
      })
  })

/** A line that somebody else's system says of a person: what can't be seen is left out, so that the rest can be shown. */
export const withoutUnseen = (text: string): string => replaceUnseen(text.normalize('NFC'), () => '').trim()

/** A text of a stranger, a device or a program as it can be shown: what can't be seen stands there as "⟨U+202E⟩". */
export const visible = (text: string): string =>
  replaceUnseen(text, (character) => (/[\n\t]/.test(character) ? character : `⟨${named(character)}⟩`))
