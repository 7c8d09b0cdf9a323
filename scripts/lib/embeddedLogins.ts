/** The logins of the embedded cloud: a role that may do all, and an ordinary member of a project. */
export const credentials = {
  operator: { kind: 'applicationCredential', id: 'embedded-credential', secret: 'embedded-credential-secret' },
  tenant: {
    kind: 'password',
    user: { name: 'tenant', domain: { name: 'Default' } },
    password: 'tenant-secret',
    project: { name: 'tenant', domain: { name: 'Default' } },
  },
} as const;
