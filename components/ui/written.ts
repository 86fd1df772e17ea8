/** What is written into the address now. */
let writing: Promise<unknown> | undefined

/**
 * Lets links wait until the address is written. The router throws a way that has begun away when the address changes under it, so
 * whoever types, and takes the first row at once, would stay where they are.
 */
export function linksAfter(written: Promise<unknown>): void {
  if (written === writing) return
  writing = written
  const hold = (event: MouseEvent) => {
    const link = event.target instanceof Element && event.target.closest<HTMLElement>('a[href]')
    // Another tab begins anew, and loses nothing.
    if (!link || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey) return
    event.preventDefault()
    event.stopImmediatePropagation()
    const go = () => link.click()
    written.then(go, go)
  }
  const release = () => {
    document.removeEventListener('click', hold, true)
    if (writing === written) writing = undefined
  }
  document.addEventListener('click', hold, true)
  // Before any link that waits: it would be held again.
  written.then(release, release)
}
