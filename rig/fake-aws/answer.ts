// An HTTP answer of the fake AWS before it is sent: what sts and ecr make and fake-aws writes. A shape only.

/** Status, type and text of an answer. */
export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}
