/** docker finds a helper by its name: `"credHelpers": {"ghcr.io": "daypass"}` runs this file. */
process.argv.splice(2, 0, 'docker-credential')
void import('./fast.ts')
