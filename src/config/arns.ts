/**
 * Patterns of cloud resource names, as a person copies them from the console. They are checked when the file
 * is read, because only the cloud would find a wrong one, long after the login.
 */

/** Partitions of AWS: https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html */
const AWS = 'arn:aws(?:-cn|-us-gov|-iso|-iso-b|-iso-e|-iso-f|-eusc)?'
const NAME = '[\\w+=,.@/-]+'

const compilePattern = (...shapes: string[]) => new RegExp(`^(?:${shapes.join('|')})$`)

const ROLE = compilePattern(`${AWS}:iam::\\d{12}:role/${NAME}`, `acs:ram::\\d+:role/${NAME}`)

/** A hardware device has a serial number instead of an ARN (GetSessionToken, SerialNumber). */
const MFA = compilePattern(
  `${AWS}:iam::\\d{12}:(?:mfa|sms-mfa|u2f)/${NAME}`,
  `acs:ram::\\d+:mfa/${NAME}`,
  '[A-Za-z0-9-]{9,256}',
)

const PRINCIPAL = compilePattern(
  `${AWS}:iam::\\d{12}:(?:root|(?:user|role)/${NAME})`,
  `${AWS}:sts::\\d{12}:(?:assumed-role/${NAME}/${NAME}|federated-user/${NAME})`,
  `acs:ram::\\d+:(?:root|(?:user|role|assumed-role)/${NAME})`,
)

export const isRoleArn = (given: string) => ROLE.test(given)
export const isMfaDevice = (given: string) => MFA.test(given)
export const isPrincipalArn = (given: string) => PRINCIPAL.test(given)
/** AWS account ids have twelve digits, those of Alibaba Cloud sixteen. */
export const isAccountId = (given: string) => /^\d{12,20}$/.test(given)
