/** Where a body or a message is about to be shown: what must stay secret is taken out of it. */

const hidden = '***';
/** Fields that hold secrets in any service's bodies: Nova answers a create with a password for the guest. */
const secretFields = /"(adminPass|admin_pass|password|secret|original_password)"\s*:\s*"(?:[^"\\]|\\.)*"/g;

/** A body or a proxy's error page may repeat what was sent: as it was, inside JSON, or inside a URL. */
export function redacted(text: string, secrets: readonly string[]): string {
  const forms = secrets
    .filter((secret) => secret !== '')
    .flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)]);
  return [...new Set(forms)]
    .reduce((shown, form) => shown.replaceAll(form, hidden), text)
    .replaceAll(secretFields, `"$1":"${hidden}"`);
}
