/** Counts the letters to add, remove, change or swap with their neighbour (optimal string alignment). */
function computeEditDistance(from: string, to: string): number {
  const rows: number[][] = [Array.from({ length: to.length + 1 }, (_, column) => column)]
  for (let i = 1; i <= from.length; i++) {
    const row = [i]
    for (let j = 1; j <= to.length; j++) {
      const change = rows[i - 1]![j - 1]! + (from[i - 1] === to[j - 1] ? 0 : 1)
      row[j] = Math.min(rows[i - 1]![j]! + 1, row[j - 1]! + 1, change)
      const swapped = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]
      if (swapped) row[j] = Math.min(row[j]!, rows[i - 2]![j - 2]! + 1)
    }
    rows.push(row)
  }
  return rows[from.length]![to.length]!
}

/** Makes `accessKeyId` and `access-key-id` equal to `access_key_id`. */
const foldWord = (word: string) => word.toLowerCase().replace(/[-_ ]/g, '')

/** Returns the known word that was probably meant, and undefined where none is near enough. */
export function findNearest(word: string, known: Iterable<string>): string | undefined {
  if (word.length > 64) return undefined
  let best: { word: string; distance: number } | undefined
  for (const candidate of known) {
    const distance = computeEditDistance(foldWord(word), foldWord(candidate))
    if (distance > Math.max(1, Math.floor(candidate.length / 3))) continue
    if (best === undefined || distance < best.distance) best = { word: candidate, distance }
  }
  return best?.word
}
