import type pg from 'pg';

/** A day at Alipay with `payments` payments. Every ninth is refunded in part. The database and the bill agree. */
export type BusyDay = {
  readonly date: string;
  readonly payments: number;
  readonly refunds: number;
  readonly account: string;
};

const refundEvery = 9;
/** One in this many payments has another amount on the bill than in the database, as on a real day. */
const differingEvery = 100_000;
const rowsAtOnce = 100_000;
const secondsOfDay = 86_400;

export function busyDayOf(date: string, lines: number, account: string): BusyDay {
  const refunds = Math.floor(lines / (refundEvery + 1));
  return { date, payments: lines - refunds, refunds, account };
}

/** Fills an empty database. */
export async function fillDatabase(pool: pg.Pool, { date, payments, refunds, account }: BusyDay): Promise<void> {
  await pool.query(
    `insert into merchants (id, name, return_origins, created_at) values ('mch_bench', 'Tea', '{}', now()) on conflict do nothing`,
  );
  const at = `timestamptz '${date}T00:00:00+08:00' + (n::float8 / ${payments} * ${secondsOfDay}) * interval '1 second'`;
  const id = (prefix: string) => `'${prefix}_' || lpad(n::text, 26, '0')`;
  const amount = '1 + (n * 7919) % 1000000';
  for (let from = 0; from < payments; from += rowsAtOnce) {
    const rows = `generate_series(${from}::bigint, ${Math.min(from + rowsAtOnce, payments) - 1}) n`;
    await pool.query(`insert into orders (id, merchant_id, number, status, payment_status, capture_mode, currency, total_minor,
        authorized_minor, captured_minor, refunded_minor, reserved_minor, metadata, review_reasons, created_at, updated_at, expires_at,
        version, epoch, xid)
      select ${id('ord')}, 'mch_bench', 'A-' || n, 'CONFIRMED', 'PAID', 'AUTOMATIC', 'CNY', ${amount}, ${amount}, ${amount}, 0, 0,
        '{}', '{}', ${at}, ${at}, ${at} + interval '30 minutes', 1, 1, 1 from ${rows}`);
    await pool.query(`insert into payments (id, order_id, merchant_id, method, flow, provider, provider_account, status, capture_mode,
        currency, amount_minor, authorized_minor, captured_minor, refunded_minor, reserved_minor, applied_minor, surplus_minor,
        quarantined_minor, late, provider_payment_id, evidence_source, evidence_provider_time, evidence_received_at, created_at,
        updated_at, succeeded_at, expires_at, check_attempts)
      select ${id('pay')}, ${id('ord')}, 'mch_bench', 'ALIPAY', 'QR_CODE', 'ALIPAY', '${account}', 'SUCCEEDED', 'AUTOMATIC',
        'CNY', ${amount}, ${amount}, ${amount}, 0, 0, ${amount}, 0, 0, false, ${tradeNumberSql}, 'CALLBACK', ${at}, ${at}, ${at},
        ${at}, ${at}, ${at} + interval '30 minutes', 0 from ${rows}`);
  }
  await pool.query(`insert into refunds (id, order_id, payment_id, merchant_id, status, origin, currency, amount_minor,
      provider_refund_id, evidence_source, evidence_received_at, created_at, updated_at, succeeded_at, check_attempts)
    select ${id('rfd')}, ${id('ord')}, ${id('pay')}, 'mch_bench', 'SUCCEEDED', 'REQUESTED', 'CNY', 1, ${id('rfd')}, 'RESPONSE', ${at}, ${at},
      ${at}, ${at}, 0 from generate_series(0, ${(refunds - 1) * refundEvery}, ${refundEvery}) n`);
  await pool.query('analyze');
}

const tradeNumberSql = `'20261121220014' || lpad(n::text, 14, '0')`;

/** The lines of the bill in Alipay's format, including comments. */
export function* billTextOf({ date, payments, refunds }: BusyDay): Generator<string> {
  yield '#支付宝业务明细查询\r\n#-----------------------------------------业务明细列表----------------------------------------\r\n';
  yield '支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,订单金额（元）,商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,券名称,商家红包消费金额（元）,卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注\r\n';
  for (let n = 0; n < payments; n += 1) {
    const amount = 1 + ((n * 7919) % 1_000_000) + (n % differingEvery === differingEvery - 1 ? 1 : 0);
    yield lineOf(date, payments, n, '交易', yuan(amount), '');
    if (n % refundEvery === 0 && n / refundEvery < refunds) {
      yield lineOf(date, payments, n, '退款', '-0.01', `rfd_${String(n).padStart(26, '0')}`);
    }
  }
  yield '#-----------------------------------------业务明细列表结束------------------------------------\r\n';
  yield `#交易合计：${payments}笔，商家实收共0.00元，商家优惠共0.00元\r\n#退款合计：${refunds}笔，商家实收退款共0.00元，商家优惠退款共0.00元\r\n`;
}

function lineOf(date: string, payments: number, n: number, kind: string, amount: string, refund: string): string {
  const second = Math.floor((n / payments) * secondsOfDay);
  const at = `${date} ${new Date(second * 1000).toISOString().slice(11, 19)}`;
  const number = String(n);
  const cells = [
    ...[
      `20261121220014${number.padStart(14, '0')}`,
      `pay_${number.padStart(26, '0')}`,
      kind,
      `茶叶 ${n % 1000}`,
      at,
      at,
    ],
    ...[
      '',
      '',
      '',
      '',
      '张三(138****0000)',
      amount,
      amount,
      '0.00',
      '0.00',
      '0.00',
      '0.00',
      '0.00',
      '',
      '0.00',
      '0.00',
    ],
    ...[refund, '0.00', '0.00', ''],
  ];
  return `${cells.map((cell) => `${cell}\t`).join(',')}\r\n`;
}

function yuan(fen: number): string {
  const digits = String(fen).padStart(3, '0');
  return `${digits.slice(0, -2)}.${digits.slice(-2)}`;
}
