/** The server reads this cookie and writes the theme into the page, so that it never flashes. */
export const THEME_COOKIE = 'restline-theme'
