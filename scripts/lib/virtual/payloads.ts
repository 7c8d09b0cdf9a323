import { defaultFailureConverter, type Payload, type PayloadConverter } from '@temporalio/common';
import type { temporal } from '@temporalio/proto';

/** What a server carries between runs and activities: JSON, as on a real one, without the bytes. */

interface Carried extends Payload {
  readonly json: string | undefined;
}

export const converter: PayloadConverter = {
  toPayload: <T>(value: T): Payload => {
    const carried: Carried = { json: JSON.stringify(value) };
    return carried;
  },
  fromPayload: <T>(payload: Payload): T => {
    const { json } = payload as Carried;
    return (json === undefined ? undefined : JSON.parse(json)) as T;
  },
};

export function payloadOf(value: unknown): Payload {
  return converter.toPayload(value);
}

export function valueOf(payload: Payload | null | undefined): unknown {
  return payload ? converter.fromPayload(payload) : undefined;
}

export type ProtoFailure = temporal.api.failure.v1.IFailure;

export function failureOf(error: unknown): ProtoFailure {
  return defaultFailureConverter.errorToFailure(error, converter);
}

export function errorOf(failure: ProtoFailure): Error {
  return defaultFailureConverter.failureToError(failure, converter);
}
