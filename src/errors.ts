export {
  type Advice,
  DaypassError,
  type ErrorCode,
  EXIT,
  type FormatCommand,
  formatCommand,
  getExitCode as exitCode,
  isDaypassError,
} from './core/errors.ts'
