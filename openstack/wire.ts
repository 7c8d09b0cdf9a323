import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import axios, { AxiosHeaders, type AxiosInstance } from 'axios';
import type { CloudConfig } from './config';

/** What carries a request to a cloud and its answer back: sockets, or, for a cloud in the same process, a call. */
export type Wire = (request: WireRequest) => Promise<WireAnswer>;

export interface WireRequest {
  readonly method: string;
  /** With its query. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly signal: AbortSignal;
}

/** Whatever the status. Where none came it throws, with a `code` such as `ECONNREFUSED`. */
export interface WireAnswer {
  readonly status: number;
  /** By its name in lower case. */
  readonly header: (name: string) => string | undefined;
  readonly text: () => string;
  /** Undefined where it is none. */
  readonly json: () => unknown;
}

/** A page of a thousand servers is about 3 MB. */
const answerBytesMax = 64 * 1_024 * 1_024;

/** Which certificates it trusts. */
type Trust = Pick<CloudConfig, 'ca' | 'verify'>;

export function httpClient(config: Trust): AxiosInstance {
  return axios.create({
    // Loopback and private clouds are not behind the proxy that the environment may name.
    proxy: false,
    // A redirect would carry the token to wherever it points.
    maxRedirects: 0,
    maxContentLength: answerBytesMax,
    validateStatus: () => true,
    transformResponse: (data: unknown) => data,
    httpAgent: new HttpAgent({ keepAlive: true, maxSockets: 64 }),
    httpsAgent: new HttpsAgent({
      keepAlive: true,
      maxSockets: 64,
      rejectUnauthorized: config.verify,
      ...(config.ca !== null && { ca: config.ca }),
    }),
  });
}

/** Where nothing is sent axios would still call it a form, and Nova answers 415 to that. */
export const withoutType = { 'Content-Type': false } as const;

export function httpWire(config: Trust): Wire {
  const http = httpClient(config);
  return async ({ body, headers: given, ...request }) => {
    const { status, headers, data } = await http.request<unknown>({
      ...request,
      headers: { ...given, ...(body === undefined && withoutType) },
      ...(body !== undefined && { data: body }),
    });
    const text = textOf(data);
    const known = AxiosHeaders.from(headers as InstanceType<typeof AxiosHeaders>);
    return {
      status,
      header: (name) => {
        const value = known.get(name);
        return typeof value === 'string' ? value : undefined;
      },
      text: () => text,
      json: () => parseJson(text),
    };
  };
}

function textOf(data: unknown): string {
  if (typeof data === 'string') return data;
  return data === undefined || data === null ? '' : JSON.stringify(data);
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
