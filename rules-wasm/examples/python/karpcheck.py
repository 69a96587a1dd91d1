"""What a rule in Python depends on: the names of the Rust SDK over the contract's functions.

A rule is a function from one item to one verdict. It asks the inventory on its way, and every answer is known, absent
(None), or unknown. What is unknown is raised as `Unknown`, which ends that judgement as unknown: a rule never takes "not
known" for "wrong".
"""

from __future__ import annotations

import json
import re
import traceback
from dataclasses import dataclass, field as member
from typing import Any, Callable, Generic, Iterable, Iterator, TypeVar

from wit_world.exports import rules as out
from wit_world.imports import inventory as host

T = TypeVar("T")
Severity = out.Severity
Confidence = out.Confidence
Access = host.Access
Answer = host.Answer


class Unknown(Exception):
    """Why something is unknown. Raised by every question whose answer is not known."""

    def __init__(self, cause: str, why: str, code: str = "", settled_by: Iterable[Any] = (), at: Any = None):
        super().__init__(why)
        self.cause, self.why, self.code, self.settled_by, self.at = cause, why, code, list(settled_by), at

    @classmethod
    def undecidable(cls, why: str) -> Unknown:
        """A reason of the rule's own: everything was given, but not decidable here."""
        return cls("undecidable", why)

    @classmethod
    def not_provided(cls, why: str) -> Unknown:
        """A reason of the rule's own: what it takes was not given."""
        return cls("not-provided", why)

    @classmethod
    def of(cls, reason: host.Reason) -> Unknown:
        return cls(reason.cause, reason.why, reason.code, reason.settled_by, reason.at)

    def with_code(self, code: str) -> Unknown:
        return Unknown(self.cause, self.why, code, self.settled_by, self.at)

    def reworded(self, why: str) -> Unknown:
        return Unknown(self.cause, why, self.code, self.settled_by, self.at)

    def is_same(self, other: Unknown) -> bool:
        def key(unknown: Unknown) -> tuple:
            wording = "" if unknown.at or unknown.settled_by else unknown.why
            return unknown.cause, unknown.code, unknown.settled_by, unknown.at, wording

        return key(self) == key(other)

    def reason(self) -> host.Reason:
        """As the contract has it."""
        return host.Reason(self.cause, self.code, self.why, self.settled_by, self.at)


def _unknown_of(why: str | Unknown) -> Unknown:
    return why if isinstance(why, Unknown) else Unknown.undecidable(why)


def _known(value: Any) -> Any:
    """The contract's value as Python has it: None where it is absent; an unknown is raised."""
    match value:
        case host.Value_Absent():
            return None
        case host.Value_Unknown(reason):
            raise Unknown.of(reason)
        case host.Value_Json(text):
            return json.loads(text)
        case host.Value_Number(number) if number.is_integer():
            # It is written as in the document: 3000, not 3000.0.
            return int(number)
        case _:
            return value.value


def _encode(value: Any) -> Any:
    """A value as the contract has it: None is absent."""
    match value:
        case None:
            return host.Value_Absent()
        case Unknown():
            return host.Value_Unknown(value.reason())
        case bool():
            return host.Value_Flag(value)
        case int() | float():
            return host.Value_Number(float(value))
        case str():
            return host.Value_Text(value)
        case _:
            return host.Value_Json(json.dumps(value))


def _typed(value: Any, types: Any, wanted: str) -> Any:
    # True is an int, too.
    if value is None or (isinstance(value, types) and (types is bool or not isinstance(value, bool))):
        return value
    raise Unknown.undecidable(f"{_shown(value)} is not {wanted}")


def _shown(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str():
            return f"the text {value}"
        case int() | float():
            return f"the number {value}"
        case list():
            return "a list"
        case _:
            return "an object"


class Entries(Generic[T]):
    """What was found, and at its end perhaps an Unknown: there may be more."""

    def __init__(self, found: list[T], rest: list[Unknown]):
        self._found, self._rest = found, rest

    def known(self) -> list[T]:
        """Only what was read; that there may be more is left out. For rules that judge what they see."""
        return self._found

    def __iter__(self) -> Iterator[T]:
        """In a loop, what may be missing ends the judgement as unknown."""
        yield from self._found
        for unknown in self._rest:
            raise unknown


def _known_text(ask: Callable[[], Any]) -> str | None:
    try:
        return ask()
    except Unknown:
        return None


@dataclass(frozen=True)
class Item:
    """A Kubernetes object, an AWS resource, or a fact of karpcheck's own. Equal items are one item."""

    id: int

    def field(self, pointer: str) -> Field:
        """The field at an RFC 6901 pointer: `/spec/role`. `@` names are facts beside the body: `@name`, `@kind`, `@arn`, …"""
        return Field(self, pointer)

    def get(self, pointer: str) -> Any:
        return _known(host.get(self.id, pointer))

    def text(self, pointer: str) -> str | None:
        return _typed(self.get(pointer), str, "a text")

    def known_text(self, pointer: str) -> str | None:
        """A text if it is known, for what is only shown or compared: None where it is not."""
        return _known_text(lambda: self.text(pointer))

    def flag(self, pointer: str) -> bool | None:
        return _typed(self.get(pointer), bool, "true or false")

    def number(self, pointer: str) -> float | None:
        return _typed(self.get(pointer), (int, float), "a number")

    def name(self) -> str:
        return self.known_text("@name") or ""

    def kind(self) -> str:
        return self.known_text("@kind") or ""

    def noun(self) -> str:
        """The last part of the kind, for messages: `Queue`, `NodePool`."""
        return self.kind().replace(":", "/").rsplit("/", 1)[-1]

    def observed(self) -> bool:
        return self.known_text("@view") == "observed"

    def find(self, pattern: str) -> Entries[Field]:
        """Every field that a pattern matches: `*` is every element or member, `*Ref` such members, `**` any depth."""
        steps = pattern.split("/")
        found: list[Field] = []
        rest: list[Unknown] = []
        for one in host.find(self.id, pattern):
            # Knowledge ended above what was looked for: there may be more fields.
            if isinstance(one.value, host.Value_Unknown) and not _fits(steps, one.at.split("/")):
                rest.append(Unknown.of(one.value.value))
            else:
                found.append(Field(self, one.at, one.value))
        return Entries(found, rest)

    def each(self, pointer: str) -> Entries[Field]:
        return self.find(f"{pointer}/*")

    def open(self, pointer: str) -> Unknown | None:
        """Why an object or a list may have members that were not read; None where it is whole."""
        reason = host.open(self.id, pointer)
        return Unknown.of(reason) if reason else None

    def related(self, pattern: str) -> list[Link]:
        """The items that a field refers to. `@controller`, `@same` and `@policies` are relations that no field holds."""
        return [Link(link.item, self.field(link.at)) for link in host.related(self.id, pattern)]

    def linked(self, pattern: str) -> list[Item]:
        return [item for link in self.related(pattern) if (item := link.known())]

    def referrers(self, kind: str) -> list[Link]:
        """The items of a kind that refer to this one."""
        return [_held(self, link) for link in host.referrers(self.id, kind)]

    def referring(self, kind: str) -> list[Item]:
        return [item for link in self.referrers(kind) if (item := link.known())]

    def peers(self, pointer: str, kind: str, pattern: str) -> list[Link]:
        """The items of a kind, in any cluster, that have a field which certainly holds the same."""
        return [_held(self, link) for link in host.peers(self.id, pointer, kind, pattern)]

    def matches(self, pointer: str, pattern: str) -> host.Answer:
        """Unknown where it depends on what is not known of the text."""
        return host.matches(self.id, pointer, pattern)

    def matches_or_unknown(self, pointer: str, pattern: str) -> bool:
        answer = self.matches(pointer, pattern)
        if answer is not host.Answer.UNKNOWN:
            return answer is host.Answer.YES
        self.get(pointer)
        raise Unknown.undecidable(f"{pointer} is known in part")

    def same(self, pointer: str, other: Item, other_pointer: str) -> host.Answer:
        return host.same(self.id, pointer, other.id, other_pointer)

    def views(self, pointer: str) -> list[host.Seen]:
        return host.views(self.id, pointer)

    def place(self, pointer: str, note: str = "") -> host.Place:
        return host.Place(self.id, pointer, note)


def _held(item: Item, link: host.Link) -> Link:
    holder = Item(link.item.value) if isinstance(link.item, host.Found_Known) else None
    return Link(link.item, holder.field(link.at) if holder else item.field(""))


def _fits(pattern: list[str], pointer: list[str]) -> bool:
    """Can a pattern give this pointer?"""
    if not pattern:
        return not pointer
    step, rest = pattern[0], pattern[1:]
    if step == "**":
        return _fits(rest, pointer) or (bool(pointer) and _fits(pattern, pointer[1:]))
    if not pointer:
        return False
    start, star, end = step.partition("*")
    name = pointer[0]
    alike = (
        len(name) >= len(start) + len(end) and name.startswith(start) and name.endswith(end) if star else step == name
    )
    return alike and _fits(rest, pointer[1:])


@dataclass(frozen=True)
class Link:
    """One reference between two items."""

    found: Any
    field: Field

    def item(self) -> Item | None:
        """The item at the other end, None if it certainly does not exist."""
        if isinstance(self.found, host.Found_Unknown):
            raise Unknown.of(self.found.value)
        return self.known()

    def known(self) -> Item | None:
        """The item at the other end, if it is among what was read."""
        return Item(self.found.value) if isinstance(self.found, host.Found_Known) else None


@dataclass
class Field:
    """A field of an item: it is read when it is asked, steps to its neighbours, and says where a finding stands."""

    item: Item
    pointer: str
    read: Any = member(default=None, compare=False, repr=False)

    def value(self) -> Any:
        if self.read is None:
            self.read = host.get(self.item.id, self.pointer)
        return _known(self.read)

    def text(self) -> str | None:
        return _typed(self.value(), str, "a text")

    def known_text(self) -> str | None:
        return _known_text(self.text)

    def flag(self) -> bool | None:
        return _typed(self.value(), bool, "true or false")

    def number(self) -> float | None:
        return _typed(self.value(), (int, float), "a number")

    def exists(self) -> bool:
        return self.value() is not None

    def is_absent(self) -> bool:
        """Certainly not there."""
        try:
            return self.value() is None
        except Unknown:
            return False

    def is_text(self, text: str) -> bool:
        """Certainly this text: `is` of the Rust SDK, a word that Python keeps for itself."""
        return self.known_text() == text

    def is_blank(self) -> bool:
        return self.is_absent() or self.is_text("")

    def is_object(self) -> bool:
        """Is there an object, whatever is known of its parts?"""
        try:
            return isinstance(self.value(), dict)
        except Unknown:
            # Knowledge that ends at the field itself leaves open what it is; below it, it is an object.
            if self.each().known():
                return True
            raise

    def name(self) -> str:
        """Its name, or its number in a list."""
        return self.pointer.rsplit("/", 1)[-1].replace("~1", "/").replace("~0", "~")

    def index(self) -> int | None:
        """Its number in a list, None where it is not in one."""
        return int(self.name()) if re.fullmatch("[0-9]+", self.name()) else None

    def parent(self) -> Field:
        return Field(self.item, self.pointer.rpartition("/")[0])

    def child(self, name: str) -> Field:
        return Field(self.item, f"{self.pointer}/{name.replace('~', '~0').replace('/', '~1')}")

    def sibling(self, name: str) -> Field:
        return self.parent().child(name)

    def field(self, pointer: str) -> Field:
        return Field(self.item, self.pointer + pointer)

    def of(self, item: Item) -> Field:
        return Field(item, self.pointer)

    def find(self, pattern: str) -> Entries[Field]:
        return self.item.find(self.pointer + pattern)

    def each(self) -> Entries[Field]:
        return self.item.each(self.pointer)

    def key(self) -> Field:
        """The name of the member that it is, as far as that is known."""
        return self.field("/@key")

    def matches(self, pattern: str) -> host.Answer:
        return self.item.matches(self.pointer, pattern)

    def matches_or_unknown(self, pattern: str) -> bool:
        return self.item.matches_or_unknown(self.pointer, pattern)

    def same(self, other: Field) -> host.Answer:
        return self.item.same(self.pointer, other.item, other.pointer)

    def related(self) -> list[Link]:
        return self.item.related(self.pointer)

    def linked(self) -> Item | None:
        links = self.related()
        return links[0].known() if links else None

    def open(self) -> Unknown | None:
        return self.item.open(self.pointer)

    def place(self, note: str = "") -> host.Place:
        return self.item.place(self.pointer, note)


def select(kind: str) -> Entries[Item]:
    """All items of a kind. In a loop, what may be missing ends the judgement as unknown; `.known()` leaves that out."""
    found = host.select(kind)
    known = [Item(one.value) for one in found if isinstance(one, host.Found_Known)]
    return Entries(known, [Unknown.of(one.value) for one in found if isinstance(one, host.Found_Unknown)])


def setting(name: str) -> Any:
    """A setting of the rule that is running, from the user's configuration or its default."""
    return _known(host.setting(name))


def log(text: Any) -> None:
    """A line for the rule's author, shown with -v and beside a crash."""
    host.log(str(text))


class Request:
    """A question to IAM: would AWS allow it?"""

    def __init__(self, principal: Any, action: str, target: Item | str):
        self._principal, self._action, self._target = principal, action, target
        self._context: list[tuple[str, Any]] = []
        self._fields: list[tuple[str, Field]] = []

    @classmethod
    def by_service(cls, service: str, action: str, target: Item | str) -> Request:
        return cls(host.Principal_Service(service), action, target)

    @classmethod
    def by_item(cls, principal: Item, action: str, target: Item | str) -> Request:
        return cls(host.Principal_Item(principal.id), action, target)

    @classmethod
    def by_provider(cls, provider: str, action: str, target: Item | str) -> Request:
        return cls(host.Principal_Federated(provider), action, target)

    @classmethod
    def by_arn(cls, arn: str, action: str, target: Item | str) -> Request:
        return cls(host.Principal_Arn(arn), action, target)

    @classmethod
    def by_anyone(cls, action: str, target: Item | str) -> Request:
        return cls(host.Principal_Anyone(), action, target)

    def with_value(self, key: str, value: Any) -> Request:
        """Adds a context key; None says that the request does not have it. `with` of the Rust SDK."""
        self._context.append((key, host.Operand_Value(_encode(value))))
        return self

    def with_template(self, key: str, template: str) -> Request:
        """Adds a context key whose value is a template of the request's fields: `ec2.{region}.amazonaws.com`."""
        self._context.append((key, host.Operand_Template(template)))
        return self

    def field(self, name: str, field: Field) -> Request:
        """Names a field for templates."""
        self._fields.append((name, field))
        return self

    def _fill(self, template: str) -> str:
        numbers = {name: number for number, (name, _) in enumerate(self._fields)}
        return re.sub(r"{([^{}]*)}", lambda found: "{%s}" % numbers.get(found[1], found[1]), template)

    def decide(self) -> Decision:
        principal, target = self._principal, self._target
        if isinstance(principal, (host.Principal_Federated, host.Principal_Arn)):
            principal = type(principal)(self._fill(principal.value))
        context = []
        for key, value in self._context:
            if isinstance(value, host.Operand_Template):
                value = host.Operand_Template(self._fill(value.value))
            context.append(host.ContextKey(self._fill(key), value))
        to = host.Target_Item(target.id) if isinstance(target, Item) else host.Target_Arn(self._fill(target))
        fields = [(field.item.id, field.pointer) for _, field in self._fields]
        return Decision(host.decide(host.Request(principal, self._action, to, context, fields)))


class Decision:
    """IAM's answer."""

    def __init__(self, decision: host.Decision):
        self.access, self.why, self.statements = decision.access, decision.why, decision.statements
        self.unknown = Unknown.of(decision.unknown) if decision.unknown else None

    def is_denied(self) -> bool:
        return self.access in (host.Access.IMPLICIT_DENY, host.Access.EXPLICIT_DENY)

    def allowed(self) -> bool:
        """Is it allowed? Where that is unknown, it ends the judgement."""
        if self.access is host.Access.UNKNOWN:
            raise self.unknown or Unknown.undecidable(self.why)
        return self.access is host.Access.ALLOWED


class Finding:
    """Something wrong with the subject: `fail` makes one, the methods add to it. A rule returns it, or a list of such."""

    def __init__(self, at: Field | str, message: str, undecided: Unknown | None = None):
        self._at, self._message, self._reason = at, message, undecided
        self._remedy, self._group = "", ""
        self._related: list[host.Place] = []
        self._edits: list[tuple[Field, Any]] = []
        self._properties: list[tuple[str, str]] = []
        self._severity: Severity | None = Severity.INFO if undecided else None
        self._confidence: Confidence | None = None

    def remedy(self, text: str) -> Finding:
        """What to do about it, in the imperative."""
        self._remedy = text
        return self

    def related(self, places: Iterable[host.Place]) -> Finding:
        """Other places that explain it."""
        self._related.extend(places)
        return self

    def edit(self, field: Field, value: Any) -> Finding:
        """A change that mends it, offered and never made unasked: the new value of a field; None removes it."""
        self._edits.append((field, value))
        return self

    def confidence(self, confidence: Confidence) -> Finding:
        self._confidence = confidence
        return self

    def severity(self, severity: Severity) -> Finding:
        self._severity = severity
        return self

    def group(self, group: str) -> Finding:
        self._group = group
        return self

    def property(self, name: str, value: str) -> Finding:
        self._properties.append((name, value))
        return self

    def _about(self, subject: Item, severity: Severity, confidence: Confidence) -> out.Finding:
        elsewhere = isinstance(self._at, Field) and self._at.item != subject
        pointer = self._at.pointer if isinstance(self._at, Field) else self._at
        related = self._related
        end = self._reason.at if self._reason else None
        if elsewhere:
            pointer, related = "", [self._at.place(), *related]
        elif not pointer and end and end.item == subject.id:
            # Where knowledge ends in the subject itself, that is the finding's place.
            pointer = end.pointer
        return out.Finding(
            outcome=out.Outcome.UNKNOWN if self._reason else out.Outcome.FAIL,
            severity=self._severity if self._severity is not None else severity,
            confidence=self._confidence if self._confidence is not None else confidence,
            reason=self._reason.reason() if self._reason else None,
            pointer=pointer,
            message=self._message,
            remediation=self._remedy,
            related=related[:50],
            edits=[out.Edit(field.item.id, field.pointer, _encode(value)) for field, value in self._edits],
            group=self._group,
            properties=self._properties,
        )


class Verdict:
    """`skip()` or `pass_()`."""


_SKIP, _PASS = Verdict(), Verdict()
Check = Verdict | Unknown | Finding | list[Finding]


def skip() -> Verdict:
    """The rule has nothing to say about this subject."""
    return _SKIP


def pass_() -> Verdict:
    """All is well. `pass` of the Rust SDK, a word that Python keeps for itself."""
    return _PASS


def unknown(why: str | Unknown) -> Unknown:
    """It is not known."""
    return _unknown_of(why)


def fail(at: Field | str, message: str) -> Finding:
    """Something is wrong: at which field of the subject (a Field or a pointer), and what, as one plain sentence."""
    return Finding(at, message)


def undecided(why: str | Unknown, at: Field | str, message: str) -> Finding:
    """It is not known, but there is more to say than the reason."""
    return Finding(at, message, _unknown_of(why))


def _judged(judge: Callable[[], Check]) -> Check:
    try:
        result = judge()
    except Unknown as reason:
        return reason
    match result:
        case Finding():
            return [result]
        case list():
            return result or _PASS
        case Verdict() | Unknown():
            return result
    raise TypeError("a rule returns pass_(), skip(), unknown(…), fail(…) or a list of findings")


def all(things: Iterable[T], judge: Callable[[T], Check]) -> Check:
    """Judges several things and sums up: what was found stands, what is unknown is said once, and only then all is well."""
    entries = things if isinstance(things, Entries) else Entries(list(things), [])
    findings: list[Finding] = []
    unknowns: list[Unknown] = []
    passed = False
    for result in [*(_judged(lambda: judge(thing)) for thing in entries._found), *entries._rest]:
        if isinstance(result, list):
            findings.extend(result)
        elif isinstance(result, Unknown):
            if not any(other.is_same(result) for other in unknowns):
                unknowns.append(result)
        elif result is _PASS:
            passed = True
    if not findings and len(unknowns) <= 1:
        return unknowns[0] if unknowns else _PASS if passed else _SKIP
    for reason in unknowns:
        if not any(finding._reason and finding._reason.is_same(reason) for finding in findings):
            findings.append(undecided(reason, "", reason.why).confidence(Confidence.LOW))
    return findings


def any(values: Iterable[Any]) -> bool:
    """Python's own, which `all` above must not be without."""
    for value in values:
        if value:
            return True
    return False


def both(judgements: Iterable[Callable[[], Check]]) -> Check:
    """Sums up several judgements of one subject, each a function: see `all`."""
    return all(judgements, lambda judge: judge())


@dataclass(frozen=True)
class Setting:
    """What a rule's users may set. The shape of the default is its type."""

    name: str
    docs: str
    default: Any


class Pack:
    """The export `rules`: `Rules = Pack("platform", "0.1.0", [rule, …]).exports()`."""

    def __init__(self, name: str, version: str, rules: Iterable[Rule]):
        self._name, self._version = name, version
        self._rules = {rule.id: rule for rule in rules}

    def describe(self) -> out.Description:
        return out.Description(self._name, self._version, [rule._described() for rule in self._rules.values()], [])

    def check(self, rule: str, subject: int) -> Any:
        try:
            return self._rules[rule]._verdict(Item(subject))
        except Exception as error:
            # Without it an exception reaches the user as "unreachable" and nothing else. The lines of the files are not shown:
            # `traceback` would look for them, and there are no files.
            for frame, line in traceback.walk_tb(error.__traceback__):
                log(f"{frame.f_code.co_filename}:{line} in {frame.f_code.co_name}")
            log(f"{type(error).__name__}: {error}")
            raise

    def exports(self) -> type:
        """The class that componentize-py looks for under the name `Rules`."""
        pack = self

        class Rules:
            def describe(self) -> out.Description:
                return pack.describe()

            def check(self, rule: str, subject: int) -> Any:
                return pack.check(rule, subject)

        return Rules


@dataclass(frozen=True)
class Rule:
    """A rule: what it is about, and the function that judges."""

    #: Kebab-case, names the defect.
    id: str
    #: The defect in one line, without a full stop.
    title: str
    #: The kinds that it judges, one call an item.
    subjects: list[str]
    check: Callable[[Item], Check]
    area: str = "custom"
    #: The page for `explain`, markdown.
    docs: str = ""
    #: How bad it is, at its worst.
    severity: Severity = Severity.ERROR
    enabled: bool = True
    #: Further kinds that it looks at.
    reads: list[str] = member(default_factory=list)
    reads_if_allowed: list[str] = member(default_factory=list)
    #: The Karpenter versions that it is about: `>=0.32, <2`.
    karpenter: str = ""
    settings: list[Setting] = member(default_factory=list)
    properties: list[tuple[str, str]] = member(default_factory=list)
    #: Is it about this subject, and how sure is what it says then?
    applies: Callable[[Item], Confidence | None] = lambda _: Confidence.HIGH

    def __post_init__(self) -> None:
        """What the contract cannot take would end as "unreachable" in front of the user. Here it ends the build, in words."""

        def wants(name: str, holds: bool, what: str) -> None:
            if not holds:
                raise TypeError(f"rule {self.id}: its {name} is {getattr(self, name)!r}, and it has to be {what}")

        for name in ("id", "area", "title", "docs", "karpenter"):
            wants(name, isinstance(getattr(self, name), str), "a text")
        wants("severity", isinstance(self.severity, Severity), "a Severity")
        wants("enabled", isinstance(self.enabled, bool), "True or False")
        for name in ("subjects", "reads", "reads_if_allowed", "settings", "properties"):
            wants(name, isinstance(getattr(self, name), list), "a list")
        for name in ("check", "applies"):
            wants(name, callable(getattr(self, name)), "a function")

    def _described(self) -> out.Rule:
        settings = [out.Setting(setting.name, setting.docs, _encode(setting.default)) for setting in self.settings]
        return out.Rule(
            self.id, self.area, self.title, self.docs, self.severity, self.enabled, self.subjects, self.reads,
            self.reads_if_allowed, self.karpenter, settings, self.properties,
        )

    def _verdict(self, subject: Item) -> Any:
        confidence = self.applies(subject)
        if confidence is None:
            return out.Verdict_Skip()
        result = _judged(lambda: self.check(subject))
        if isinstance(result, Unknown):
            return out.Verdict_Unknown(result.reason())
        if isinstance(result, list):
            return out.Verdict_Found([finding._about(subject, self.severity, confidence) for finding in result])
        return out.Verdict_Skip() if result is _SKIP else out.Verdict_Pass()
