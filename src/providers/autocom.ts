import { apiUrl, describeRegistration, passport, tenant } from './passport.ts'
import { defineProvider } from './provider.ts'

/** An API of Laravel Passport, with the names that its users know. */
export const autocom = defineProvider({
  ...passport,
  id: 'autocom',
  title: 'AutoCom',
  kind: 'autocom/user',
  params: {
    api_url: { ...apiUrl, default: 'https://api.autocom.wexron.io/api/v1', env: ['AUTOCOM_API_URL'] },
    tenant: { ...tenant, env: ['AUTOCOM_TENANT'] },
  },
  client: { env: ['AUTOCOM_CLIENT_ID'], register: describeRegistration('AUTOCOM_CLIENT_ID') },
  environment: {
    token: ['AUTOCOM_TOKEN'],
    export: { params: { tenant: ['AUTOCOM_TENANT'], api_url: ['AUTOCOM_API_URL'] } },
  },
})
