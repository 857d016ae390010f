/** Renders a URL as a QR code of half blocks, for a phone to scan from the screen. */
export async function renderQrCode(url: string): Promise<string> {
  const { renderUnicodeCompact } = await import('uqr')
  return renderUnicodeCompact(url)
}
