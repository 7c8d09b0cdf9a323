import { z } from 'zod';
import type { Auth } from '../config';

/** https://docs.openstack.org/api-ref/identity/v3/#authentication-and-token-management */

export const tokenSchema = z.object({
  token: z.object({
    expires_at: z.iso.datetime({ offset: true }),
    issued_at: z.iso.datetime({ offset: true }).optional(),
    project: z.object({ id: z.string(), name: z.string() }).optional(),
    roles: z.array(z.object({ name: z.string() })).default([]),
    catalog: z
      .array(
        z.object({
          type: z.string(),
          endpoints: z.array(
            z.object({
              interface: z.string(),
              region_id: z.string().nullish(),
              region: z.string().nullish(),
              url: z.string(),
            }),
          ),
        }),
      )
      .default([]),
  }),
});

export type TokenBody = z.infer<typeof tokenSchema>['token'];

export function authRequest(auth: Auth): unknown {
  if (auth.kind === 'applicationCredential') {
    return {
      auth: {
        identity: { methods: ['application_credential'], application_credential: { id: auth.id, secret: auth.secret } },
      },
    };
  }
  return {
    auth: {
      identity: { methods: ['password'], password: { user: { ...auth.user, password: auth.password } } },
      scope: { project: auth.project },
    },
  };
}
