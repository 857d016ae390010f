/** An example that uses everything, letter by letter as a person writes it. */
export const EXAMPLE = `auth:
  identities:
    my-user:
      kind: aws/user
      principal_arn: arn:aws:iam::123456789012:user/me  # optional
      credentials:
        region: us-east-1
        access_key_id: !env MY_AWS_ACCESS_KEY_ID      # optional
        secret_access_key: !env MY_AWS_SECRET_ACCESS_KEY
        mfa_arn: arn:aws:iam::123456789012:mfa/me     # optional
        webflow_enabled: true                         # default
      session:
        duration: 12h
    prod-admin:
      kind: aws/assume-role
      via: { identity: my-user }
      principal: { role_arn: arn:aws:iam::123456789012:role/AdminRole }  # session_name, external_id, source_identity, tags
    ali:
      kind: alibaba/user
      site: intl
    shop:
      kind: passport/user
      api_url: https://api.example.com/api/v1
      tenant: acme
      client_id: 0b5c…
  providers:
    acme-id:                        # a provider of one's own
      issuer: https://id.acme.com   # or endpoints
      client_id: acme-cli           # client_secret where a server insists
      scopes: [openid, offline_access]
      redirect: { host: 127.0.0.1, ports: [8765, 8766], path: /callback }
      hosts: [api.acme.com]
      env: ACME_TOKEN
  keyring:
    type: auto                      # auto | keychain (also: system) | file | memory
default: my-user
`
