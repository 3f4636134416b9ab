"""What plays to a contact while it waits in a queue (routing rule 18): the steps, and the texts with what is known.

Owns: what makes a treatment invalid, the order of its steps, what its menu offers, and how place and wait are said in
both languages.
Must not: know a contact, or play anything.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

from trunkline_core.errors import Invalid
from trunkline_core.ids import check_id_of
from trunkline_core.texts import LocalizedText

MAX_STEPS = 16
MAX_OPTIONS = 9
MAX_TEXT = 500
MAX_LABEL = 40
SHORTEST_STEP = timedelta(seconds=1)
LONGEST_STEP = timedelta(minutes=10)
SHORTEST_ROUND = timedelta(seconds=5)
"""Of music and pauses in what repeats: a caller is not talked to without a break."""

DIGITS = frozenset("0123456789*#")
NOTHING = timedelta(0)

_MEDIA = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_SENTENCE = re.compile(r".*?(?:[。！？!?]+|\.(?=\s|$))\s*|.+$", re.DOTALL)
_BRACED = re.compile(r"[{}]")
_POSITION, _WAIT = "{position}", "{wait}"


@dataclass(frozen=True, slots=True)
class MusicStep:
    """Plays `media`, a name that the gateway knows, for that long."""

    media: str
    for_duration: timedelta


@dataclass(frozen=True, slots=True)
class AnnouncementStep:
    """Says a text to a caller, writes it to a chat; it may hold `{position}` and `{wait}`."""

    text: LocalizedText


@dataclass(frozen=True, slots=True)
class CallbackOfferStep:
    """Offers a caller to be called back; `digit` takes the offer during any step. A chat does not get it."""

    text: LocalizedText
    digit: str


@dataclass(frozen=True, slots=True)
class PauseStep:
    """Is silent for that long."""

    for_duration: timedelta


class TreatmentAction(Enum):
    """What the choice of an option does."""

    UNSPECIFIED = 0
    CALLBACK = 1
    QUEUE = 2
    ANNOUNCE = 3
    END = 4


@dataclass(frozen=True, slots=True)
class TreatmentOption:
    """One choice of the menu: `queue_id` with QUEUE, `text` with ANNOUNCE. A chat gets no CALLBACK."""

    digit: str
    label: LocalizedText
    action: TreatmentAction
    queue_id: str = ""
    text: LocalizedText | None = None


@dataclass(frozen=True, slots=True)
class MenuStep:
    """Says the choices to a caller; they hold during any step. A chat has them as buttons."""

    text: LocalizedText
    options: tuple[TreatmentOption, ...]


TreatmentStep = MusicStep | AnnouncementStep | CallbackOfferStep | PauseStep | MenuStep


@dataclass(frozen=True, slots=True)
class QueueTreatment:
    """The steps one after another; `repeat_from_step`, from 1, follows the last one, 0: nothing does."""

    steps: tuple[TreatmentStep, ...]
    repeat_from_step: int = 0

    @property
    def callback_digit(self) -> str:
        """The key that takes the offer; empty where there is none."""
        return next((step.digit for step in self.steps if isinstance(step, CallbackOfferStep)), "")

    @property
    def menu_step(self) -> int:
        """The number of the menu, from 1; 0 where there is none."""
        return next((number for number, step in enumerate(self.steps, 1) if isinstance(step, MenuStep)), 0)

    @property
    def options(self) -> tuple[TreatmentOption, ...]:
        """What the menu offers."""
        return next((step.options for step in self.steps if isinstance(step, MenuStep)), ())

    @property
    def tells_figures(self) -> bool:
        """Whether a text of it says place or wait in its turn."""
        return any(tells_figures(text) for text in map(text_of, self.steps) if text)


@dataclass(frozen=True, slots=True)
class Figures:
    """What is known of a wait: the place, 0 unknown, and the wait that 80 % of such contacts do not exceed."""

    position: int = 0
    wait_duration: timedelta | None = None


UNKNOWN = Figures()


def text_of(step: TreatmentStep) -> LocalizedText | None:
    """Return what the step says, None where it says nothing."""
    return step.text if isinstance(step, AnnouncementStep | CallbackOfferStep | MenuStep) else None


def tells_figures(text: LocalizedText) -> bool:
    """Tell whether the text says place or wait."""
    return any(name in text.zh + text.en for name in (_POSITION, _WAIT))


def rendered(text: LocalizedText, figures: Figures) -> LocalizedText:
    """Return the text with what is known; a sentence that says what is not known is left out."""
    known = {
        "zh": {_POSITION: str(figures.position or ""), _WAIT: _wait_zh(figures.wait_duration)},
        "en": {_POSITION: str(figures.position or ""), _WAIT: _wait_en(figures.wait_duration)},
    }
    return LocalizedText(_filled(text.zh, known["zh"]), _filled(text.en, known["en"]))


def next_announcement(treatment: QueueTreatment, step_no: int) -> tuple[int, timedelta] | None:
    """Return the number of the announcement after step `step_no`, and how long music and pauses before it last.

    Numbers count from 1; 0 asks for the first one. None where no announcement follows.
    """
    gap = NOTHING
    for number in _steps_after(treatment, step_no):
        step = treatment.steps[number - 1]
        if isinstance(step, AnnouncementStep):
            return number, gap
        gap += _length(step)
    return None


def check_treatment(field: str, treatment: QueueTreatment, *, has_callback: bool, estimates_waits: bool) -> None:
    """Raises: Invalid, naming the field."""
    if not 1 <= len(treatment.steps) <= MAX_STEPS:
        raise Invalid(f"{field}.steps", f"must be 1 to {MAX_STEPS}")
    for number, step in enumerate(treatment.steps):
        _check_step(f"{field}.steps[{number}]", step, has_callback=has_callback, estimates_waits=estimates_waits)
    _check_digits(field, treatment)
    _check_alone(field, treatment)
    if not 0 <= treatment.repeat_from_step <= len(treatment.steps):
        raise Invalid(f"{field}.repeat_from_step", f"must be 0 to {len(treatment.steps)}")
    again = treatment.steps[treatment.repeat_from_step - 1 :] if treatment.repeat_from_step else ()
    if again and sum(map(_length, again), NOTHING) < SHORTEST_ROUND:
        least = f"{SHORTEST_ROUND.total_seconds():g} s"
        raise Invalid(f"{field}.repeat_from_step", f"must repeat at least {least} of music and pauses")


def _check_step(field: str, step: TreatmentStep, *, has_callback: bool, estimates_waits: bool) -> None:
    match step:
        case MusicStep():
            if not _MEDIA.fullmatch(step.media):
                raise Invalid(f"{field}.music_step.media", f"must match {_MEDIA.pattern}")
            _check_length(f"{field}.music_step.for_duration", step.for_duration)
        case PauseStep():
            _check_length(f"{field}.pause_step.for_duration", step.for_duration)
        case AnnouncementStep():
            _check_text(f"{field}.announcement_step.text", step.text, estimates_waits=estimates_waits)
        case CallbackOfferStep():
            if not has_callback:
                raise Invalid(f"{field}.callback_offer_step", "needs callback")
            if step.digit not in DIGITS:
                raise Invalid(f"{field}.callback_offer_step.digit", "must be one key: 0 to 9, * or #")
            _check_text(f"{field}.callback_offer_step.text", step.text, estimates_waits=estimates_waits)
        case MenuStep():
            _check_menu(f"{field}.menu_step", step, has_callback=has_callback, estimates_waits=estimates_waits)


def _check_menu(field: str, menu: MenuStep, *, has_callback: bool, estimates_waits: bool) -> None:
    _check_text(f"{field}.text", menu.text, estimates_waits=estimates_waits)
    if not 1 <= len(menu.options) <= MAX_OPTIONS:
        raise Invalid(f"{field}.options", f"must be 1 to {MAX_OPTIONS}")
    for number, option in enumerate(menu.options):
        at = f"{field}.options[{number}]"
        _check_option(at, option, has_callback=has_callback, estimates_waits=estimates_waits)
        if option.digit in (other.digit for other in menu.options[:number]):
            raise Invalid(f"{at}.digit", "is named twice")


def _check_option(field: str, option: TreatmentOption, *, has_callback: bool, estimates_waits: bool) -> None:
    if option.digit not in DIGITS:
        raise Invalid(f"{field}.digit", "must be one key: 0 to 9, * or #")
    for language, words in (("zh", option.label.zh), ("en", option.label.en)):
        if not 1 <= len(words) <= MAX_LABEL or not words.strip():
            raise Invalid(f"{field}.label.{language}", f"must have 1 to {MAX_LABEL} characters")
    if option.action is TreatmentAction.UNSPECIFIED:
        raise Invalid(f"{field}.action", "must be set")
    if option.action is TreatmentAction.CALLBACK and not has_callback:
        raise Invalid(f"{field}.action", "needs callback")
    if option.action is TreatmentAction.QUEUE:
        check_id_of("qu", f"{field}.queue_id", option.queue_id)
    elif option.queue_id:
        raise Invalid(f"{field}.queue_id", "must be empty unless the action is QUEUE")
    if (option.text is not None) != (option.action is TreatmentAction.ANNOUNCE):
        raise Invalid(f"{field}.text", "must be set with the action ANNOUNCE, and with no other")
    if option.text:
        _check_text(f"{field}.text", option.text, estimates_waits=estimates_waits)


def _check_alone(field: str, treatment: QueueTreatment) -> None:
    """One menu, of which no key means something else than what is offered beside it."""
    for number, step in enumerate(treatment.steps):
        if isinstance(step, MenuStep) and number + 1 != treatment.menu_step:
            raise Invalid(f"{field}.steps[{number}].menu_step", "must be the only one")
    for number, option in enumerate(treatment.options):
        if option.digit == treatment.callback_digit and option.action is not TreatmentAction.CALLBACK:
            at = f"{field}.steps[{treatment.menu_step - 1}].menu_step.options[{number}]"
            raise Invalid(f"{at}.digit", "takes the call-back that another step offers")


def _check_digits(field: str, treatment: QueueTreatment) -> None:
    for number, step in enumerate(treatment.steps):
        if isinstance(step, CallbackOfferStep) and step.digit != treatment.callback_digit:
            raise Invalid(f"{field}.steps[{number}].callback_offer_step.digit", "must be the same in all offers")


def _check_length(field: str, length: timedelta) -> None:
    if not SHORTEST_STEP <= length <= LONGEST_STEP:
        shortest, longest = SHORTEST_STEP.total_seconds(), LONGEST_STEP.total_seconds()
        raise Invalid(field, f"must be {shortest:g} s to {longest:g} s")


def _check_text(field: str, text: LocalizedText, *, estimates_waits: bool) -> None:
    for language, words in (("zh", text.zh), ("en", text.en)):
        if not 1 <= len(words) <= MAX_TEXT or not words.strip():
            raise Invalid(f"{field}.{language}", f"must have 1 to {MAX_TEXT} characters")
        if _BRACED.search(words.replace(_POSITION, "").replace(_WAIT, "")):
            raise Invalid(f"{field}.{language}", "may have no braces but those of {position} and {wait}")
        if _WAIT in words and not estimates_waits:
            raise Invalid(f"{field}.{language}", "says {wait}, which needs estimates_waits")


def _steps_after(treatment: QueueTreatment, step_no: int) -> Iterator[int]:
    """Iterate over the numbers of the steps that follow, each of those that repeat once more at most."""
    last = len(treatment.steps)
    yield from range(step_no + 1, last + 1)
    if treatment.repeat_from_step:
        yield from range(treatment.repeat_from_step, last + 1)


def _length(step: TreatmentStep) -> timedelta:
    return step.for_duration if isinstance(step, MusicStep | PauseStep) else NOTHING


def _filled(text: str, known: dict[str, str]) -> str:
    sentences = (_filled_sentence(found.group(), known) for found in _SENTENCE.finditer(text))
    return "".join(sentences).strip()


def _filled_sentence(sentence: str, known: dict[str, str]) -> str:
    for name, said in known.items():
        if name in sentence and not said:
            return ""
        sentence = sentence.replace(name, said)
    return sentence


def _minutes(wait: timedelta) -> int:
    """Whole minutes, rounded up: what is said must not be less than what is known."""
    return max(1, -(-wait // timedelta(minutes=1)))


def _wait_zh(wait: timedelta | None) -> str:
    return "" if wait is None else f"{_minutes(wait)} 分钟"


def _wait_en(wait: timedelta | None) -> str:
    if wait is None:
        return ""
    minutes = _minutes(wait)
    return f"{minutes} minute" if minutes == 1 else f"{minutes} minutes"
