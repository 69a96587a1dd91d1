// Types of karpcheck.js: an editor reads them by itself, `npx tsc --checkJs` checks a pack with them.

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
export type Severity = 'error' | 'warning' | 'info';
export type Confidence = 'high' | 'medium' | 'low';
/** `unknown`: it depends on what is not known of the text. */
export type Answer = 'yes' | 'no' | 'unknown';
export type Cause = 'not-provided' | 'refused' | 'failed' | 'symbolic' | 'undecidable' | (string & {});

/** Why something is unknown. Every question throws it whose answer is not known. */
export class Unknown extends Error {
  readonly cause: Cause;
  /** What exactly, as a stable kebab-case word to compare with. May be empty. */
  readonly code: string;
  /** For the reader. Never compare it. */
  readonly why: string;
  static undecidable(why: string): Unknown;
  static notProvided(why: string): Unknown;
  withCode(code: string): Unknown;
  reworded(why: string): Unknown;
  isSame(other: Unknown): boolean;
}

/** A place to show to the reader. */
export interface Place {
  item: Item;
  pointer: string;
  note: string;
}

/** What was found. In a loop, what may be missing is thrown as `Unknown` at the end; `all` says it and keeps the rest. */
export interface Entries<T> extends Iterable<T> {
  /** Only what was read; that there may be more is left out. */
  known(): T[];
}

/** A Kubernetes object, an AWS resource, or a fact of karpcheck's own. */
export class Item {
  field(pointer: string): Field;
  get(pointer: string): Json;
  text(pointer: string): string | null;
  /** A text if it is known: null where it is absent, unknown or not a text. */
  knownText(pointer: string): string | null;
  flag(pointer: string): boolean | null;
  number(pointer: string): number | null;
  name(): string;
  kind(): string;
  noun(): string;
  observed(): boolean;
  find(pattern: string): Entries<Field>;
  each(pointer: string): Entries<Field>;
  open(pointer: string): Unknown | null;
  related(pattern: string): Link[];
  linked(pattern: string): Item[];
  referrers(kind: string): Link[];
  referring(kind: string): Item[];
  peers(pointer: string, kind: string, pattern: string): Link[];
  matches(pointer: string, pattern: string): Answer;
  matchesOrUnknown(pointer: string, pattern: string): boolean;
  same(pointer: string, other: Item, otherPointer: string): Answer;
  views(pointer: string): unknown[];
  place(pointer: string, note?: string): Place;
}

/** A field of an item: it is read when it is asked. */
export class Field {
  readonly item: Item;
  readonly pointer: string;
  value(): Json;
  text(): string | null;
  knownText(): string | null;
  flag(): boolean | null;
  number(): number | null;
  exists(): boolean;
  /** Certainly not there. */
  isAbsent(): boolean;
  /** Certainly this text. */
  is(text: string): boolean;
  isBlank(): boolean;
  /** Is there an object, whatever is known of its parts? */
  isObject(): boolean;
  /** Its name, or its number in a list. */
  name(): string;
  /** Its number in a list, null where it is not in one. */
  index(): number | null;
  parent(): Field;
  child(name: string): Field;
  sibling(name: string): Field;
  field(pointer: string): Field;
  of(item: Item): Field;
  find(pattern: string): Entries<Field>;
  each(): Entries<Field>;
  key(): Field;
  matches(pattern: string): Answer;
  matchesOrUnknown(pattern: string): boolean;
  same(other: Field): Answer;
  related(): Link[];
  linked(): Item | null;
  open(): Unknown | null;
  place(note?: string): Place;
}

/** One reference between two items. */
export class Link {
  readonly field: Field;
  /** The item at the other end, null if it certainly does not exist. */
  item(): Item | null;
  /** The item at the other end, if it is among what was read. */
  known(): Item | null;
}

export function select(kind: string): Entries<Item>;
export function setting(name: string): Json;
/** Shown with -v and beside a crash. */
export function log(text: unknown): void;

/** A question to IAM: would AWS allow it? */
export class Request {
  static byService(service: string, action: string, target: Item | string): Request;
  static byItem(principal: Item, action: string, target: Item | string): Request;
  static byProvider(provider: string, action: string, target: Item | string): Request;
  static byArn(arn: string, action: string, target: Item | string): Request;
  static byAnyone(action: string, target: Item | string): Request;
  with(key: string, value: Json | Unknown): Request;
  withTemplate(key: string, template: string): Request;
  field(name: string, field: Field): Request;
  decide(): Decision;
}

export class Decision {
  readonly access: 'allowed' | 'implicit-deny' | 'explicit-deny' | 'unknown';
  readonly why: string;
  readonly statements: Place[];
  readonly unknown: Unknown | null;
  isDenied(): boolean;
  allowed(): boolean;
}

export class Finding {
  remedy(text: string): Finding;
  related(places: Iterable<Place>): Finding;
  /** null removes the field. */
  edit(field: Field, value: Json): Finding;
  confidence(confidence: Confidence): Finding;
  severity(severity: Severity): Finding;
  group(group: string): Finding;
  property(name: string, value: string): Finding;
}

/** What a rule returns. */
export type Check = Verdict | Unknown | Finding | Finding[];
export interface Verdict {
  readonly tag: 'skip' | 'pass';
}

export function skip(): Verdict;
export function pass(): Verdict;
export function unknown(why: string | Unknown): Unknown;
export function fail(at: Field | string, message: string): Finding;
export function undecided(why: string | Unknown, at: Field | string, message: string): Finding;
export function all<T>(things: Iterable<T>, judge: (thing: T) => Check): Check;
export function both(judgements: Iterable<() => Check>): Check;

export interface Setting {
  name: string;
  docs: string;
  /** Its shape is the setting's type. */
  default: Json;
}

export interface Rule {
  /** Kebab-case, names the defect. */
  id: string;
  area?: string;
  /** The defect in one line, without a full stop. */
  title: string;
  /** The page for `explain`, markdown. */
  docs?: string;
  /** How bad it is, at its worst. */
  severity?: Severity;
  enabled?: boolean;
  /** The kinds that it judges, one call an item. */
  subjects: string[];
  /** Further kinds that it looks at. */
  reads?: string[];
  readsIfAllowed?: string[];
  /** The Karpenter versions that it is about: `>=0.32, <2`. */
  karpenter?: string;
  settings?: Setting[];
  properties?: [string, string][];
  /** Is it about this subject, and how sure is what it says then? */
  applies?: (subject: Item) => Confidence | null;
  check: (subject: Item) => Check;
}

export function pack(pack: { name: string; version: string; rules: Rule[] }): {
  describe(): unknown;
  check(rule: string, subject: number): unknown;
};
