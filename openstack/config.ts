import { homedir } from 'node:os';
import { z } from 'zod';
import { CloudConfigError } from './errors';
import { hasUserinfo } from './redaction';
import { cloudFromFile, textOf, type Env } from './files';

/**
 * Where the cloud is and who we are there, found as every OpenStack program finds it: `OS_CLOUD` and clouds.yaml, or `OS_*`
 * variables. https://docs.openstack.org/openstacksdk/latest/user/config/configuration.html
 */

const interfaces = ['public', 'internal', 'admin'] as const;

const authSchema = z.object({
  auth_url: z
    .url({ protocol: /^https?$/, error: 'give auth_url (OS_AUTH_URL), e.g. https://keystone.example.com:5000/v3' })
    .refine((url) => !/\/v2\.0\/*$/.test(url), { error: 'Keystone v2.0 is not spoken: give the address of v3' })
    // An address is shown in logs, errors and histories. Zod's message does not repeat it.
    .refine((url) => !hasUserinfo(url), {
      error:
        'a user name or a password does not belong in the address: put them into username and password of clouds.yaml, or OS_USERNAME and OS_PASSWORD',
    }),
  username: z.string().optional(),
  user_id: z.string().optional(),
  password: z.string().optional(),
  project_name: z.string().optional(),
  project_id: z.string().optional(),
  user_domain_name: z.string().optional(),
  user_domain_id: z.string().optional(),
  project_domain_name: z.string().optional(),
  project_domain_id: z.string().optional(),
  application_credential_id: z.string().optional(),
  application_credential_name: z.string().optional(),
  application_credential_secret: z.string().optional(),
});

const cloudSchema = z.object({
  auth: authSchema,
  auth_type: z
    .enum(['password', 'v3password', 'v3applicationcredential'], {
      error: 'auth_type is password, v3password or v3applicationcredential',
    })
    .optional(),
  region_name: z.string().optional(),
  interface: z.enum(interfaces, { error: 'interface is public, internal or admin' }).optional(),
  cacert: z.string().optional(),
  verify: z.boolean().optional(),
});

export type Auth =
  | {
      readonly kind: 'password';
      readonly user: { readonly id: string } | { readonly name: string; readonly domain: Domain };
      readonly password: string;
      readonly project: { readonly id: string } | { readonly name: string; readonly domain: Domain };
    }
  | { readonly kind: 'applicationCredential'; readonly id: string; readonly secret: string };

export type Domain = { readonly id: string } | { readonly name: string };

export interface CloudConfig {
  readonly name: string;
  readonly authUrl: string;
  readonly auth: Auth;
  readonly region: string | null;
  readonly interface: (typeof interfaces)[number];
  /** PEM text of the CA bundle. */
  readonly ca: string | null;
  readonly verify: boolean;
}

/** Throws CloudConfigError. `cloud`: an entry of clouds.yaml, before what OS_CLOUD says. */
export function loadCloudConfig(given: Env, options: { readonly cloud?: string } = {}): CloudConfig {
  // openrc files export variables that are set and empty.
  const env: Env = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== ''));
  const name = options.cloud ?? env['OS_CLOUD'];
  const raw = name === undefined ? fromVariables(env) : cloudFromFile(env, name);
  const parsed = cloudSchema.safeParse(raw);
  if (!parsed.success) {
    const said = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
    throw new CloudConfigError(`the configuration of cloud ${name ?? '(OS_* variables)'} is not complete: ${said}`);
  }
  return toConfig(name ?? 'environment', parsed.data);
}

function fromVariables(env: Env): unknown {
  if (env['OS_AUTH_URL'] === undefined) {
    throw new CloudConfigError(
      'no cloud is configured: set OS_CLOUD to an entry of clouds.yaml, or OS_AUTH_URL and the other OS_* variables',
    );
  }
  const auth = Object.fromEntries(
    Object.keys(authSchema.shape).flatMap((key) => {
      const value = env[`OS_${key.toUpperCase()}`];
      return value === undefined ? [] : [[key, value]];
    }),
  );
  const optional = {
    auth_type: env['OS_AUTH_TYPE'],
    region_name: env['OS_REGION_NAME'],
    interface: env['OS_INTERFACE'],
    cacert: env['OS_CACERT'],
  };
  return { auth, ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)) };
}

function toConfig(name: string, cloud: z.infer<typeof cloudSchema>): CloudConfig {
  return {
    name,
    authUrl: cloud.auth.auth_url.replace(/\/+$/, '').replace(/\/v3$/, ''),
    auth: toAuth(name, cloud),
    region: cloud.region_name ?? null,
    interface: cloud.interface ?? 'public',
    ca: cloud.cacert === undefined ? null : textOf(cloud.cacert.replace(/^~(?=\/)/, homedir()), 'the CA bundle'),
    verify: cloud.verify ?? true,
  };
}

function toAuth(name: string, { auth, auth_type: type }: z.infer<typeof cloudSchema>): Auth {
  if (type === 'v3applicationcredential' || auth.application_credential_secret !== undefined) {
    const { application_credential_id: id, application_credential_secret: secret } = auth;
    if (id === undefined || secret === undefined) {
      throw new CloudConfigError(
        `cloud ${name}: an application credential needs application_credential_id and application_credential_secret`,
      );
    }
    return { kind: 'applicationCredential', id, secret };
  }
  const { password } = auth;
  const user =
    auth.user_id !== undefined
      ? { id: auth.user_id }
      : named(auth.username, domainOf(auth.user_domain_id, auth.user_domain_name));
  const project =
    auth.project_id !== undefined
      ? { id: auth.project_id }
      : named(auth.project_name, domainOf(auth.project_domain_id, auth.project_domain_name));
  if (password === undefined || user === null || project === null) {
    throw new CloudConfigError(
      `cloud ${name}: a password login needs username, password and project_name (or their ids)`,
    );
  }
  return { kind: 'password', user, password, project };
}

function named(name: string | undefined, domain: Domain): { name: string; domain: Domain } | null {
  return name === undefined ? null : { name, domain };
}

function domainOf(id: string | undefined, name: string | undefined): Domain {
  return id !== undefined ? { id } : { name: name ?? 'Default' };
}
