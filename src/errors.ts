export { DaypassError, type ErrorCode, EXIT, exitCode, isDaypassError } from './core/errors.ts'
