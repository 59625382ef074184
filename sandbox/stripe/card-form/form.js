// The card form that a page embeds in place of Stripe.js. It runs in a frame on the sandbox's origin, so that card numbers reach neither the
// embedding page nor its server. Both sides name the origin to which they send, and check the origin from which a message came.
// docs: sandbox/README.md, "A card form to embed".

const host = document.documentElement.dataset.host;

const texts = {
  en: {
    number: 'Card number',
    expiry: 'Expiry',
    expiryHint: 'MM / YY',
    cvc: 'Security code',
    cvcHint: 'CVC',
    try: 'Test cards',
    pays: 'pays',
    declined: 'is declined',
    secure: '3-D Secure',
    badNumber: 'This card number is not complete or has a typing mistake.',
    badExpiry: 'Enter the month and the year on the card.',
    pastExpiry: 'This card has expired.',
    badCvc: 'Enter the three or four digits on the card.',
    bank: 'Your bank',
    bankAsks: 'This test bank asks whether you want to pay.',
    approve: 'Approve',
    refuse: 'Refuse',
    lost: 'The sandbox did not answer. Try again.',
  },
  zh: {
    number: '卡号',
    expiry: '有效期',
    expiryHint: '月 / 年',
    cvc: '安全码',
    cvcHint: 'CVC',
    try: '测试卡',
    pays: '支付成功',
    declined: '被拒绝',
    secure: '银行验证',
    badNumber: '卡号不完整或有误。',
    badExpiry: '请输入卡上的月份和年份。',
    pastExpiry: '此卡已过期。',
    badCvc: '请输入卡上的三位或四位数字。',
    bank: '您的银行',
    bankAsks: '测试银行询问您是否确认付款。',
    approve: '确认付款',
    refuse: '拒绝',
    lost: '沙箱没有响应，请重试。',
  },
};

let language = 'en';
const form = document.getElementById('form');
const bank = document.getElementById('bank');
const fields = { number: input('number'), expiry: input('expiry'), cvc: input('cvc') };

function input(name) {
  return document.getElementById(name);
}

function tell(message) {
  parent.postMessage({ from: 'paystream-sandbox-card-form', ...message }, host);
}

function say(key) {
  return texts[language][key];
}

function translate() {
  document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
  for (const element of document.querySelectorAll('[data-text]')) element.textContent = say(element.dataset.text);
  for (const element of document.querySelectorAll('[data-hint]')) element.placeholder = say(element.dataset.hint);
  for (const name of Object.keys(fields)) if (fields[name].getAttribute('aria-invalid') === 'true') check(name);
}

/** What is wrong with a field, as the key of a text; null when nothing is. */
const problems = {
  number: (value) => (isCardNumber(value.replace(/\D/g, '')) ? null : 'badNumber'),
  expiry(value) {
    const [, month, year] = /^(\d\d) ?\/ ?(\d\d)$/.exec(value) ?? [];
    if (month === undefined || Number(month) < 1 || Number(month) > 12) return 'badExpiry';
    const now = new Date();
    const end = new Date(2000 + Number(year), Number(month), 1);
    return end <= now ? 'pastExpiry' : null;
  },
  cvc: (value) => (/^\d{3,4}$/.test(value) ? null : 'badCvc'),
};

function isCardNumber(digits) {
  if (!/^\d{12,19}$/.test(digits)) return false;
  const sum = [...digits].reverse().reduce((total, digit, index) => {
    const value = Number(digit) * (index % 2 === 1 ? 2 : 1);
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return sum % 10 === 0;
}

function check(name) {
  const problem = problems[name](fields[name].value.trim());
  show(name, problem);
  return problem === null;
}

function show(name, problem) {
  fields[name].setAttribute('aria-invalid', String(problem !== null));
  document.getElementById(`${name}-problem`).textContent = problem === null ? '' : say(problem);
  resize();
}

function resize() {
  tell({ type: 'resize', height: Math.ceil(document.getElementById('body').getBoundingClientRect().height) });
}

fields.number.addEventListener('input', () => {
  const { value, selectionStart } = fields.number;
  const isAtEnd = selectionStart === value.length;
  const grouped = value
    .replace(/\D/g, '')
    .slice(0, 19)
    .replace(/(\d{4})(?=\d)/g, '$1 ');
  if (grouped !== value && isAtEnd) fields.number.value = grouped;
});
fields.expiry.addEventListener('input', (event) => {
  const digits = fields.expiry.value.replace(/\D/g, '').slice(0, 4);
  if (event.inputType?.startsWith('delete')) return;
  fields.expiry.value = digits.length > 2 ? `${digits.slice(0, 2)} / ${digits.slice(2)}` : digits;
});
for (const name of Object.keys(fields)) {
  fields[name].addEventListener('change', () => check(name));
  fields[name].addEventListener('input', () => {
    if (fields[name].getAttribute('aria-invalid') === 'true') check(name);
  });
}
form.addEventListener('submit', (event) => {
  event.preventDefault();
  tell({ type: 'submit' });
});
for (const button of document.querySelectorAll('[data-card]')) {
  button.addEventListener('click', () => {
    fields.number.value = button.dataset.card.replace(/(\d{4})(?=\d)/g, '$1 ');
    fields.expiry.value = '12 / 34';
    fields.cvc.value = '123';
    for (const name of Object.keys(fields)) check(name);
  });
}

addEventListener('message', (event) => {
  if (event.source !== parent || event.origin !== host) return;
  const message = event.data;
  if (message === null || typeof message !== 'object') return;
  if (message.type === 'appearance') {
    language = message.language === 'zh' ? 'zh' : 'en';
    document.documentElement.dataset.theme = message.theme === 'dark' ? 'dark' : 'light';
    translate();
    resize();
  }
  if (message.type === 'confirm') {
    confirm(message).then(
      (result) => tell({ type: 'result', call: message.call, ...result }),
      () => tell({ type: 'result', call: message.call, outcome: 'failed', message: say('lost') }),
    );
  }
});

/** Sends the card to the sandbox, as Stripe.js sends it to Stripe. */
async function confirm({ clientSecret, publishableKey }) {
  const invalid = Object.keys(fields).filter((name) => !check(name));
  if (invalid.length > 0) {
    fields[invalid[0]].focus();
    return { outcome: 'invalid', message: null };
  }
  const [month, year] = fields.expiry.value.split('/').map((part) => part.trim());
  const intent = String(clientSecret).split('_secret_')[0];
  const url = `/v1/payment_intents/${encodeURIComponent(intent)}`;
  const headers = { authorization: `Bearer ${publishableKey}` };
  const body = new URLSearchParams({
    client_secret: clientSecret,
    'payment_method_data[type]': 'card',
    'payment_method_data[card][number]': fields.number.value.replace(/\D/g, ''),
    'payment_method_data[card][exp_month]': month,
    'payment_method_data[card][exp_year]': `20${year}`,
    'payment_method_data[card][cvc]': fields.cvc.value.trim(),
  });
  const confirmed = await fetch(`${url}/confirm`, { method: 'POST', headers, body });
  const answer = await confirmed.json();
  if (!confirmed.ok) return { outcome: 'failed', message: answer.error?.message ?? say('lost') };
  if (answer.status !== 'requires_action') return { outcome: outcomeOf(answer.status), message: null };
  await askBank(answer.next_action.redirect_to_url.url);
  const asked = await fetch(`${url}?client_secret=${encodeURIComponent(clientSecret)}`, { headers });
  const intentNow = await asked.json();
  return {
    outcome: outcomeOf(intentNow.status),
    message: intentNow.last_payment_error?.message ?? null,
  };
}

function outcomeOf(status) {
  if (status === 'succeeded' || status === 'requires_capture') return 'succeeded';
  return status === 'processing' ? 'processing' : 'failed';
}

/** 3-D Secure, in the frame: resolves when the buyer has decided. */
function askBank(url) {
  form.hidden = true;
  bank.hidden = false;
  resize();
  document.getElementById('approve').focus();
  return new Promise((resolve, reject) => {
    const decide = (action) => {
      for (const button of bank.querySelectorAll('button')) button.disabled = true;
      fetch(url, { method: 'POST', body: new URLSearchParams({ action }) })
        .then(resolve, reject)
        .finally(() => {
          for (const button of bank.querySelectorAll('button')) button.disabled = false;
          form.hidden = false;
          bank.hidden = true;
          resize();
        });
    };
    document.getElementById('approve').onclick = () => decide('complete');
    document.getElementById('refuse').onclick = () => decide('fail');
  });
}

translate();
new ResizeObserver(resize).observe(document.getElementById('body'));
tell({ type: 'ready' });
