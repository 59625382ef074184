import { Dialog } from '@base-ui/react/dialog';
import { type FormEvent, type ReactNode, useEffect, useRef, useState } from 'react';
import { useTexts } from '../shared/preferences.tsx';
import { defineTexts } from '../shared/text.ts';
import { type Attempt, forgetAttempt, keepAttempt, keptAttempt, newKey } from './attempts.ts';
import { type FieldProblem, FieldProblems, focusProblem, useServerProblems } from './form-fields.tsx';
import type { Ending } from './mutation.ts';

const texts = defineTexts(
  {
    cancel: 'Back',
    working: 'Working…',
    repeat: 'Send again',
    unknown:
      'The server did not answer, so the outcome is not known. Send it again: it takes effect once, however often it is sent.',
    FORBIDDEN: 'You may not do this.',
    IDEMPOTENCY_KEY_REUSED: 'This was sent before with other values. Close the dialog, and look at the order.',
    INVALID_INPUT: 'The server does not accept the input.',
    METHOD_NOT_AVAILABLE: 'The method is not available.',
    NOT_FOUND: 'It does not exist any more.',
    ORDER_NOT_CANCELABLE:
      'The order cannot be canceled any more: it is paid, has expired, or a capture is in progress.',
    ORDER_NOT_PAYABLE: 'The order cannot be paid any more.',
    PAYMENT_IN_PROGRESS: 'Another payment of the order is in progress.',
    PAYMENT_NOT_CANCELABLE: 'The payment cannot be canceled any more.',
    PAYMENT_NOT_CAPTURABLE: 'The payment cannot be captured: it is not authorized, or was captured before.',
    PROVIDER_REJECTED: 'The provider refuses this.',
    PROVIDER_UNAVAILABLE: 'The provider cannot be reached. Send it again in a moment: it takes effect once.',
    RATE_LIMITED: 'Too many requests. Send it again in a moment.',
    REFUND_EXCEEDS_PAYMENT: 'The amount is larger than what is left of the payment.',
    REFUND_NOT_APPROVABLE: 'The refund does not wait for approval any more.',
  },
  {
    cancel: '返回',
    working: '处理中…',
    repeat: '重新发送',
    unknown: '服务器没有响应，结果未知。请重新发送：无论发送多少次，只会生效一次。',
    FORBIDDEN: '您无权执行此操作。',
    IDEMPOTENCY_KEY_REUSED: '之前已用其他内容提交过。请关闭对话框并查看订单。',
    INVALID_INPUT: '服务器不接受输入内容。',
    METHOD_NOT_AVAILABLE: '该支付方式不可用。',
    NOT_FOUND: '对象已不存在。',
    ORDER_NOT_CANCELABLE: '订单已无法取消：已付款、已过期或正在请款。',
    ORDER_NOT_PAYABLE: '订单已无法付款。',
    PAYMENT_IN_PROGRESS: '该订单有另一笔支付正在进行。',
    PAYMENT_NOT_CANCELABLE: '支付已无法取消。',
    PAYMENT_NOT_CAPTURABLE: '无法请款：支付未授权或已请款。',
    PROVIDER_REJECTED: '支付渠道拒绝了此操作。',
    PROVIDER_UNAVAILABLE: '无法连接支付渠道。请稍后重新发送：只会生效一次。',
    RATE_LIMITED: '请求过多，请稍后重新发送。',
    REFUND_EXCEEDS_PAYMENT: '金额超过该支付的可退余额。',
    REFUND_NOT_APPROVABLE: '该退款已不再等待审批。',
  },
);

/** Problems with which the same call, under the same key, can succeed later. */
const open: readonly string[] = ['PROVIDER_UNAVAILABLE', 'RATE_LIMITED'];

/** Why the action was not done, as a whole, and field by field. */
type Problem = { readonly text: string | null; readonly parts: readonly FieldProblem[] };

type ActionDialogProps<Input> = {
  /** Names the intent: the kind of action, and the object. */
  readonly name: string;
  /** The text of the button that opens the dialog. */
  readonly label: string;
  readonly kind?: 'danger' | 'primary';
  readonly title: string;
  readonly children?: ReactNode;
  /** The fields, with what was sent before. While the outcome of that is open, they cannot be changed. */
  readonly fields?: (sent: Input | null) => ReactNode;
  /** Reads the form. Returns the input, or what is wrong with it. */
  readonly read: (form: FormData) => { readonly input: Input } | { readonly problems: readonly FieldProblem[] };
  readonly confirm: string;
  readonly run: (attempt: Attempt<Input>) => Promise<Ending<unknown>>;
  readonly onDone: () => void;
};

/** A button that opens a dialog in which an action is confirmed. It takes effect once, even if the answer is lost and it is sent again. */
export function ActionDialog<Input>(props: ActionDialogProps<Input>) {
  const { name, label, kind, title, children, fields, read, confirm, run, onDone } = props;
  const t = useTexts(texts);
  const [isOpen, setOpen] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [kept, setKept] = useState<Attempt<Input> | null>(null);
  const [typed, setTyped] = useState<Input | null>(null);
  const form = useRef<HTMLFormElement>(null);
  const serverProblems = useServerProblems();
  useEffect(() => {
    if (problem !== null) focusProblem(form.current);
  }, [problem]);

  const change = (opens: boolean) => {
    if (isBusy) return;
    setOpen(opens);
    setProblem(null);
    if (!opens) return;
    setKept(keptAttempt<Input>(name));
    setTyped(null);
  };
  const settle = (ending: Ending<unknown>, sender: HTMLFormElement) => {
    switch (ending.kind) {
      case 'done':
        forgetAttempt(name);
        setOpen(false);
        return onDone();
      case 'refused': {
        const { code, message, issues } = ending;
        if (!open.includes(code)) {
          forgetAttempt(name);
          setKept(null);
        }
        return setProblem({
          text: code in statusTexts ? (t as (key: string) => string)(code) : message,
          parts: serverProblems(sender, issues),
        });
      }
      case 'unknown':
        return setProblem({ text: t('unknown'), parts: [] });
      case 'signedOut':
        return;
    }
  };
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const sender = event.currentTarget;
    const given = kept === null ? read(new FormData(sender)) : kept;
    if ('problems' in given) return setProblem({ text: null, parts: given.problems });
    const attempt = kept ?? { key: newKey(), input: given.input };
    keepAttempt(name, attempt);
    setTyped(attempt.input);
    setKept(attempt);
    setBusy(true);
    setProblem(null);
    try {
      settle(await run(attempt), sender);
    } finally {
      setBusy(false);
    }
  };

  return (
    <Dialog.Root open={isOpen} onOpenChange={change}>
      <Dialog.Trigger className="button" data-kind={kind}>
        {label}
      </Dialog.Trigger>
      <Dialog.Portal>
        <Dialog.Backdrop className="backdrop" />
        <Dialog.Popup className="popup dialog">
          <Dialog.Title className="dialog-title">{title}</Dialog.Title>
          <form ref={form} className="form" onSubmit={submit} noValidate>
            {children !== undefined && (
              <Dialog.Description render={<div />} className="dialog-text">
                {children}
              </Dialog.Description>
            )}
            <fieldset className="fields" disabled={isBusy || kept !== null} key={kept?.key ?? ''}>
              <FieldProblems value={problem?.parts ?? []}>{fields?.(kept?.input ?? typed)}</FieldProblems>
            </fieldset>
            <div role="alert" className="form-problem">
              {problem !== null && (
                <>
                  {problem.text !== null && <p>{problem.text}</p>}
                  {problem.parts.map(({ field, text }) => field === null && <p key={text}>{text}</p>)}
                </>
              )}
              {problem === null && kept !== null && !isBusy && <p>{t('unknown')}</p>}
            </div>
            <div className="dialog-buttons">
              <Dialog.Close className="button" disabled={isBusy}>
                {t('cancel')}
              </Dialog.Close>
              <button
                type="submit"
                className="button"
                data-kind={kind === 'danger' ? 'danger' : 'primary'}
                disabled={isBusy}
              >
                {isBusy ? t('working') : kept === null ? confirm : t('repeat')}
              </button>
            </div>
          </form>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

const statusTexts: Readonly<Record<string, unknown>> = texts.en;
