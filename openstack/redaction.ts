/** Where a body or a message is about to be shown: what must stay secret is taken out of it. */

const hidden = '***';
/** Fields that hold secrets in any service's bodies: Nova answers a create with a password for the guest. */
const secretFields = /"(adminPass|admin_pass|password|secret|original_password)"\s*:\s*"(?:[^"\\]|\\.)*"/g;

/** Up to the last `@` of the authority: a password that is not encoded may have one in it. */
const userinfo = /(https?:\/\/)[^\s/?#"'<>\\]*@/gi;

/** Whether a URL names a user, or gives a password. What is no URL does neither. */
export function hasUserinfo(url: string): boolean {
  try {
    const { username, password } = new URL(url);
    return username !== '' || password !== '';
  } catch {
    return false;
  }
}

/** What a catalog, a redirect or a caller has put there is none of the secrets that we know. */
export function withoutUserinfo(text: string): string {
  return text.replaceAll(userinfo, `$1${hidden}@`);
}

/** A body or a proxy's error page may repeat what was sent: as it was, inside JSON, or inside a URL. */
export function redacted(text: string, secrets: readonly string[]): string {
  const forms = secrets
    .filter((secret) => secret !== '')
    .flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)]);
  const shown = [...new Set(forms)]
    .reduce((left, form) => left.replaceAll(form, hidden), text)
    .replaceAll(secretFields, `"$1":"${hidden}"`);
  return withoutUserinfo(shown);
}
