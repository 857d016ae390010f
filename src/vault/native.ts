/**
 * `require` for the two optional native packages. The CommonJS bundle has it, and it is faster than a created
 * one. A module creates it, from a built-in that is loaded anyway.
 */
function loadModule(specifier: string): unknown {
  if (typeof __filename === 'string') return require(specifier)
  return process.getBuiltinModule('node:module').createRequire(import.meta.url)(specifier)
}

/**
 * Returns the first package that loads. Returns undefined where none does: not installed, or built for
 * another system or libc.
 */
export function loadFirst(specifiers: readonly string[]): { loaded: unknown; from: string } | undefined {
  for (const from of specifiers) {
    try {
      return { loaded: loadModule(from), from }
    } catch {
      // The package is optional; the caller that needs it says what to install.
    }
  }
  return undefined
}
