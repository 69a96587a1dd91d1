// What a rule in JavaScript depends on: the names of the Rust SDK over the contract's functions.
//
// A rule is a function from one item to one verdict. It asks the inventory on its way, and every answer is known, absent
// (null), or unknown. What is unknown is thrown as `Unknown`, which ends that judgement as unknown: a rule never takes "not
// known" for "wrong". `karpcheck.d.ts` beside this file has the types.
import host from 'karpcheck:rules/inventory@0.1.0';

/** Why something is unknown. Thrown by every question whose answer is not known. */
export class Unknown extends Error {
  constructor({ cause, code = '', why, settledBy = [], at = null }) {
    super(why);
    Object.assign(this, { cause, code, why, settledBy, at });
  }
  /** A reason of the rule's own: everything was given, but not decidable here. */
  static undecidable(why) {
    return new Unknown({ cause: 'undecidable', why });
  }
  /** A reason of the rule's own: what it takes was not given. */
  static notProvided(why) {
    return new Unknown({ cause: 'not-provided', why });
  }
  withCode(code) {
    return new Unknown({ ...this.reason(), code });
  }
  reworded(why) {
    return new Unknown({ ...this.reason(), why });
  }
  isSame(other) {
    const key = ({ cause, code, settledBy, at, why }) =>
      JSON.stringify([cause, code, settledBy, at, at || settledBy.length ? '' : why]);
    return key(this.reason()) === key(other.reason());
  }
  /** As the contract has it. */
  reason() {
    const { cause, code, why, settledBy, at } = this;
    return { cause, code, why, settledBy, at };
  }
}

const unknownOf = (why) => (why instanceof Unknown ? why : Unknown.undecidable(String(why)));

/** The contract's value as JavaScript has it: null where it is absent; an unknown is thrown. */
function known(value) {
  switch (value.tag) {
    case 'absent':
      return null;
    case 'unknown':
      throw new Unknown(value.val);
    case 'json':
      return JSON.parse(value.val);
    default:
      return value.val;
  }
}

/** A value as the contract has it: null is absent. */
function encode(value) {
  if (value instanceof Unknown) return { tag: 'unknown', val: value.reason() };
  switch (typeof value) {
    case 'string':
      return { tag: 'text', val: value };
    case 'number':
      return { tag: 'number', val: value };
    case 'boolean':
      return { tag: 'flag', val: value };
    default:
      return value == null ? { tag: 'absent' } : { tag: 'json', val: JSON.stringify(value) };
  }
}

function typed(value, type, wanted) {
  if (value === null || typeof value === type) return value;
  throw Unknown.undecidable(`${shownValue(value)} is not ${wanted}`);
}

function shownValue(value) {
  if (typeof value === 'string') return `the text ${value}`;
  if (typeof value === 'number') return `the number ${value}`;
  return typeof value === 'boolean' ? String(value) : Array.isArray(value) ? 'a list' : 'an object';
}

/** What was found, and at its end perhaps an Unknown: there may be more. */
class Entries {
  constructor(known, rest = []) {
    this.list = known;
    this.rest = rest;
  }
  /** Only what was read; that there may be more is left out. For rules that judge what they see. */
  known() {
    return this.list;
  }
  /** In a loop, what may be missing ends the judgement as unknown. */
  *[Symbol.iterator]() {
    yield* this.list;
    for (const unknown of this.rest) throw unknown;
  }
}

const items = new Map();
const item = (id) => items.get(id) ?? (items.set(id, new Item(id)), items.get(id));

/** A Kubernetes object, an AWS resource, or a fact of karpcheck's own. The same item is the same object: `===` compares. */
export class Item {
  constructor(id) {
    this.id = id;
  }
  /** The field at an RFC 6901 pointer: `/spec/role`. `@` names are facts beside the body: `@name`, `@kind`, `@arn`, … */
  field(pointer) {
    return new Field(this, pointer);
  }
  get(pointer) {
    return known(host.get(this.id, pointer));
  }
  text(pointer) {
    return typed(this.get(pointer), 'string', 'a text');
  }
  /** A text if it is known, for what is only shown or compared: null where it is not. */
  knownText(pointer) {
    return attempt(() => this.text(pointer)) ?? null;
  }
  flag(pointer) {
    return typed(this.get(pointer), 'boolean', 'true or false');
  }
  number(pointer) {
    return typed(this.get(pointer), 'number', 'a number');
  }
  name() {
    return this.knownText('@name') ?? '';
  }
  kind() {
    return this.knownText('@kind') ?? '';
  }
  /** The last part of the kind, for messages: `Queue`, `NodePool`. */
  noun() {
    return this.kind().split(/[/:]/).pop();
  }
  observed() {
    return this.knownText('@view') === 'observed';
  }
  /** Every field that a pattern matches: `*` is every element or member, `*Ref` members of such names, `**` any depth. */
  find(pattern) {
    const steps = pattern.split('/');
    const [fields, rest] = [[], []];
    for (const { at, value } of host.find(this.id, pattern)) {
      // Knowledge ended above what was looked for: there may be more fields.
      if (value.tag === 'unknown' && !fits(steps, at.split('/'))) rest.push(new Unknown(value.val));
      else fields.push(new Field(this, at, value));
    }
    return new Entries(fields, rest);
  }
  each(pointer) {
    return this.find(`${pointer}/*`);
  }
  /** Why an object or a list may have members that were not read; null where it is whole. */
  open(pointer) {
    const reason = host.open(this.id, pointer);
    return reason ? new Unknown(reason) : null;
  }
  /** The items that a field refers to. `@controller`, `@same` and `@policies` are relations that no field holds. */
  related(pattern) {
    return host.related(this.id, pattern).map(({ item, at }) => new Link(item, this.field(at)));
  }
  linked(pattern) {
    return this.related(pattern).flatMap((link) => link.known() ?? []);
  }
  /** The items of a kind that refer to this one. */
  referrers(kind) {
    return host.referrers(this.id, kind).map((link) => held(this, link));
  }
  referring(kind) {
    return this.referrers(kind).flatMap((link) => link.known() ?? []);
  }
  /** The items of a kind, in any cluster, that have a field which certainly holds the same. */
  peers(pointer, kind, pattern) {
    return host.peers(this.id, pointer, kind, pattern).map((link) => held(this, link));
  }
  /** `yes`, `no`, or `unknown` where it depends on what is not known of the text. */
  matches(pointer, pattern) {
    return host.matches(this.id, pointer, pattern);
  }
  matchesOrUnknown(pointer, pattern) {
    const answer = this.matches(pointer, pattern);
    if (answer !== 'unknown') return answer === 'yes';
    this.get(pointer);
    throw Unknown.undecidable(`${pointer} is known in part`);
  }
  same(pointer, other, otherPointer) {
    return host.same(this.id, pointer, other.id, otherPointer);
  }
  views(pointer) {
    return host.views(this.id, pointer);
  }
  place(pointer, note = '') {
    return { item: this, pointer, note };
  }
}

const held = (from, { item: found, at }) =>
  new Link(found, found.tag === 'known' ? item(found.val).field(at) : from.field(''));

function attempt(ask) {
  try {
    return ask();
  } catch (error) {
    if (error instanceof Unknown) return undefined;
    throw error;
  }
}

/** Can a pattern give this pointer? */
function fits([step, ...rest], pointer) {
  if (step === undefined) return pointer.length === 0;
  if (step === '**') return fits(rest, pointer) || (pointer.length > 0 && fits([step, ...rest], pointer.slice(1)));
  if (pointer.length === 0) return false;
  const [start, end] = step.split('*');
  const [name, ...more] = pointer;
  const alike =
    end === undefined
      ? step === name
      : name.length >= start.length + end.length && name.startsWith(start) && name.endsWith(end);
  return alike && fits(rest, more);
}

/** One reference between two items. */
export class Link {
  constructor(found, field) {
    this.found = found;
    this.field = field;
  }
  /** The item at the other end, null if it certainly does not exist. */
  item() {
    return look(this.found);
  }
  /** The item at the other end, if it is among what was read. */
  known() {
    return this.found.tag === 'known' ? item(this.found.val) : null;
  }
}

function look(found) {
  if (found.tag === 'unknown') throw new Unknown(found.val);
  return found.tag === 'known' ? item(found.val) : null;
}

/** A field of an item: it is read when it is asked, steps to its neighbours, and says where a finding stands. */
export class Field {
  constructor(item, pointer, read) {
    this.item = item;
    this.pointer = pointer;
    this.read = read;
  }
  value() {
    this.read ??= host.get(this.item.id, this.pointer);
    return known(this.read);
  }
  text() {
    return typed(this.value(), 'string', 'a text');
  }
  knownText() {
    return attempt(() => this.text()) ?? null;
  }
  flag() {
    return typed(this.value(), 'boolean', 'true or false');
  }
  number() {
    return typed(this.value(), 'number', 'a number');
  }
  exists() {
    return this.value() !== null;
  }
  isAbsent() {
    return attempt(() => this.value()) === null;
  }
  is(text) {
    return this.knownText() === text;
  }
  isBlank() {
    return this.isAbsent() || this.is('');
  }
  /** Is there an object, whatever is known of its parts? */
  isObject() {
    try {
      const value = this.value();
      return value !== null && typeof value === 'object' && !Array.isArray(value);
    } catch (error) {
      // Knowledge that ends at the field itself leaves open what it is; below it, it is an object.
      if (error instanceof Unknown && this.each().known().length) return true;
      throw error;
    }
  }
  /** Its name, or its number in a list. */
  name() {
    return this.pointer.split('/').pop().replaceAll('~1', '/').replaceAll('~0', '~');
  }
  /** Its number in a list, null where it is not in one. */
  index() {
    return /^[0-9]+$/.test(this.name()) ? Number(this.name()) : null;
  }
  parent() {
    const end = this.pointer.lastIndexOf('/');
    return new Field(this.item, end < 0 ? '' : this.pointer.slice(0, end));
  }
  child(name) {
    return new Field(this.item, `${this.pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`);
  }
  sibling(name) {
    return this.parent().child(name);
  }
  field(pointer) {
    return new Field(this.item, this.pointer + pointer);
  }
  of(item) {
    return new Field(item, this.pointer);
  }
  find(pattern) {
    return this.item.find(this.pointer + pattern);
  }
  each() {
    return this.item.each(this.pointer);
  }
  /** The name of the member that it is, as far as that is known. */
  key() {
    return this.field('/@key');
  }
  matches(pattern) {
    return this.item.matches(this.pointer, pattern);
  }
  matchesOrUnknown(pattern) {
    return this.item.matchesOrUnknown(this.pointer, pattern);
  }
  same(other) {
    return this.item.same(this.pointer, other.item, other.pointer);
  }
  related() {
    return this.item.related(this.pointer);
  }
  linked() {
    return this.related()[0]?.known() ?? null;
  }
  open() {
    return this.item.open(this.pointer);
  }
  place(note = '') {
    return this.item.place(this.pointer, note);
  }
}

/** All items of a kind. In a loop, what may be missing ends the judgement as unknown; `.known()` leaves that out. */
export function select(kind) {
  const [found, rest] = [[], []];
  for (const entry of host.select(kind)) {
    if (entry.tag === 'known') found.push(item(entry.val));
    else if (entry.tag === 'unknown') rest.push(new Unknown(entry.val));
  }
  return new Entries(found, rest);
}

/** A setting of the rule that is running, from the user's configuration or its default. */
export const setting = (name) => known(host.setting(name));

/** A line for the rule's author, shown with -v and beside a crash. */
export const log = (text) => host.log(String(text));

/** A question to IAM: would AWS allow it? */
export class Request {
  constructor(principal, action, target) {
    Object.assign(this, { principal, action, target, context: [], fields: [] });
  }
  static byService(service, action, target) {
    return new Request({ tag: 'service', val: service }, action, target);
  }
  static byItem(principal, action, target) {
    return new Request({ tag: 'item', val: principal.id }, action, target);
  }
  static byProvider(provider, action, target) {
    return new Request({ tag: 'federated', val: provider }, action, target);
  }
  static byArn(arn, action, target) {
    return new Request({ tag: 'arn', val: arn }, action, target);
  }
  static byAnyone(action, target) {
    return new Request({ tag: 'anyone' }, action, target);
  }
  /** Adds a context key; null says that the request does not have it. */
  with(key, value) {
    this.context.push({ key, value: { tag: 'value', val: encode(value) } });
    return this;
  }
  /** Adds a context key whose value is a template of the request's fields: `ec2.{region}.amazonaws.com`. */
  withTemplate(key, template) {
    this.context.push({ key, value: { tag: 'template', val: template } });
    return this;
  }
  /** Names a field for templates. */
  field(name, field) {
    this.fields.push({ name, field });
    return this;
  }
  decide() {
    const fill = (template) =>
      template.replace(/\{([^{}]*)\}/g, (whole, name) => {
        const index = this.fields.findIndex((field) => field.name === name);
        return index < 0 ? whole : `{${index}}`;
      });
    const { principal, target } = this;
    const answer = host.decide({
      principal: ['federated', 'arn'].includes(principal.tag) ? { ...principal, val: fill(principal.val) } : principal,
      action: this.action,
      target: target instanceof Item ? { tag: 'item', val: target.id } : { tag: 'arn', val: fill(target) },
      context: this.context.map(({ key, value }) => ({
        key: fill(key),
        value: value.tag === 'template' ? { tag: 'template', val: fill(value.val) } : value,
      })),
      fields: this.fields.map(({ field }) => [field.item.id, field.pointer]),
    });
    return new Decision(answer);
  }
}

/** IAM's answer. */
export class Decision {
  constructor({ access, why, statements, unknown }) {
    this.access = access;
    this.why = why;
    this.statements = statements.map(shown);
    this.unknown = unknown ? new Unknown(unknown) : null;
  }
  isDenied() {
    return this.access === 'implicit-deny' || this.access === 'explicit-deny';
  }
  /** Is it allowed? Where that is unknown, it ends the judgement. */
  allowed() {
    if (this.access === 'unknown') throw this.unknown ?? Unknown.undecidable(this.why);
    return this.access === 'allowed';
  }
}

const shown = ({ item: id, pointer, note }) => ({ item: item(id), pointer, note });
const place = ({ item, pointer, note }) => ({ item: item.id, pointer, note });

/** Something wrong with the subject: `fail` makes one, the methods add to it. A rule returns it, or a list of such. */
export class Finding {
  constructor(at, message, undecided = null) {
    Object.assign(this, { at, message, reason: undecided, text: '', places: [], edits: [], common: '', facts: [] });
    if (undecided) this.level = 'info';
  }
  /** What to do about it, in the imperative. */
  remedy(text) {
    this.text = text;
    return this;
  }
  /** Other places that explain it. */
  related(places) {
    this.places.push(...places);
    return this;
  }
  /** A change that mends it, offered and never made unasked: the new value of a field; null removes it. */
  edit(field, value) {
    this.edits.push({ field, value });
    return this;
  }
  confidence(confidence) {
    this.sure = confidence;
    return this;
  }
  severity(severity) {
    this.level = severity;
    return this;
  }
  group(group) {
    this.common = group;
    return this;
  }
  property(name, value) {
    this.facts.push([name, value]);
    return this;
  }
  about(subject, rule, confidence) {
    let pointer = this.at.pointer ?? this.at;
    const end = this.reason?.at;
    const elsewhere = this.at instanceof Field && this.at.item !== subject;
    const places = elsewhere ? [this.at.place(), ...this.places] : this.places;
    if (elsewhere) pointer = '';
    // Where knowledge ends in the subject itself, that is the finding's place.
    else if (!pointer && end?.item === subject.id) pointer = end.pointer;
    return {
      outcome: this.reason ? 'unknown' : 'fail',
      severity: this.level ?? rule.severity,
      confidence: this.sure ?? confidence,
      reason: this.reason ? this.reason.reason() : null,
      pointer,
      message: this.message,
      remediation: this.text,
      related: places.slice(0, 50).map(place),
      edits: this.edits.map(({ field, value }) => ({ item: field.item.id, pointer: field.pointer, value: encode(value) })),
      group: this.common,
      properties: this.facts,
    };
  }
}

const [SKIP, PASS] = [{ tag: 'skip' }, { tag: 'pass' }];
/** The rule has nothing to say about this subject. */
export const skip = () => SKIP;
/** All is well. */
export const pass = () => PASS;
/** It is not known. */
export const unknown = (why) => unknownOf(why);
/** Something is wrong: at which field of the subject (a Field or a pointer), and what, as one plain sentence. */
export const fail = (at, message) => new Finding(at, message);
/** It is not known, but there is more to say than the reason. */
export const undecided = (why, at, message) => new Finding(at, message, unknownOf(why));

/** Runs a judgement: findings, an Unknown, or a verdict of `skip` and `pass`. */
function judged(judge) {
  try {
    const result = judge();
    if (result instanceof Finding) return [result];
    if (Array.isArray(result)) return result.length ? result : PASS;
    if (result === PASS || result === SKIP || result instanceof Unknown) return result;
  } catch (error) {
    if (error instanceof Unknown) return error;
    throw error;
  }
  throw new TypeError('a rule returns pass(), skip(), unknown(…), fail(…) or a list of findings');
}

/** Judges several things and sums up: what was found stands, what is unknown is said once, and only then all is well. */
export function all(things, judge) {
  const [findings, unknowns] = [[], []];
  let passed = false;
  const add = (result) => {
    if (Array.isArray(result)) findings.push(...result);
    else if (result === PASS) passed = true;
    else if (result instanceof Unknown && !unknowns.some((other) => other.isSame(result))) unknowns.push(result);
  };
  const entries = things instanceof Entries ? things : new Entries([...things]);
  for (const thing of entries.list) add(judged(() => judge(thing)));
  entries.rest.forEach(add);
  if (!findings.length && unknowns.length <= 1) return unknowns[0] ?? (passed ? PASS : SKIP);
  for (const unknown of unknowns) {
    if (!findings.some((finding) => finding.reason?.isSame(unknown))) {
      findings.push(undecided(unknown, '', unknown.why).confidence('low'));
    }
  }
  return findings;
}

/** Sums up several judgements of one subject, each a function: see `all`. */
export const both = (judgements) => all(judgements, (judge) => judge());

const DEFAULT = {
  area: 'custom', docs: '', severity: 'error', enabled: true, reads: [], readsIfAllowed: [], karpenter: '', settings: [],
  properties: [], applies: () => 'high',
};

/** What the contract cannot take would end as "unreachable" in front of the user. Here it ends the build, in words. */
function checked(rule) {
  const wants = (name, holds, what) => {
    if (!holds) throw new TypeError(`rule ${rule.id}: its ${name} is ${JSON.stringify(rule[name])}, and it has to be ${what}`);
  };
  for (const name of ['id', 'area', 'title', 'docs', 'karpenter']) wants(name, typeof rule[name] === 'string', 'a text');
  wants('severity', ['error', 'warning', 'info'].includes(rule.severity), "'error', 'warning' or 'info'");
  wants('enabled', typeof rule.enabled === 'boolean', 'true or false');
  for (const name of ['subjects', 'reads', 'readsIfAllowed'])
    wants(name, Array.isArray(rule[name]) && rule[name].every((kind) => typeof kind === 'string'), 'a list of kinds');
  for (const name of ['settings', 'properties']) wants(name, Array.isArray(rule[name]), 'a list');
  for (const name of ['applies', 'check']) wants(name, typeof rule[name] === 'function', 'a function');
  return rule;
}

/** The export `rules` of a pack. */
export function pack({ name, version, rules }) {
  const all = rules.map((rule) => checked({ ...DEFAULT, ...rule }));
  return {
    describe: () => ({
      name,
      version,
      rules: all.map(({ check: _check, applies: _applies, ...rule }) => ({
        ...rule,
        settings: rule.settings.map((setting) => ({ ...setting, default: encode(setting.default) })),
      })),
      properties: [],
    }),
    check(id, subject) {
      const rule = all.find((rule) => rule.id === id);
      try {
        const confidence = rule.applies(item(subject));
        if (!confidence) return SKIP;
        const result = judged(() => rule.check(item(subject)));
        if (result instanceof Unknown) return { tag: 'unknown', val: result.reason() };
        if (!Array.isArray(result)) return result;
        return { tag: 'found', val: result.map((finding) => finding.about(item(subject), rule, confidence)) };
      } catch (error) {
        // Without it an exception reaches the user as "unreachable" and nothing else.
        log(error);
        for (const line of String(error.stack ?? '').split('\n')) if (line.trim()) log(line.trim());
        throw error;
      }
    },
  };
}
