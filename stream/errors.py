"""What can go wrong, as a tree; each error has a bounded `code`, which is also a metric's label, and says if it is worth a retry.

ScamSieveError
├── SettingsError          a variable is unknown or cannot be read
├── PolicyError            policy.toml is wrong
├── ModelError             the model cannot be served
├── BrokerUnavailable      no broker answers                                retriable
├── NotAuthenticated       Kafka does not believe who we are, or we not it  retriable
├── NotAuthorized          Kafka knows who we are, and a right is missing   retriable
├── TopicError             a topic is missing or not as it must be
├── Fenced                 another instance took over; this one must end
├── Hung                   a thread never came back from the client's library
└── RecordError            one record cannot be read or judged: it becomes a dead letter
    ├── NullValue          no value (a tombstone)
    ├── EmptyValue         nothing, or only white space
    ├── RecordTooLong      more bytes than a record may have
    ├── TextTooLong        more bytes of text than a message may have
    ├── NotUtf8            bytes that are no UTF-8
    ├── NotJson            no JSON
    ├── TooDeep            nested beyond reason
    ├── WrongShape         JSON, but no object of ours: a required field is missing or of the wrong type
    ├── BadEnvelope        a CloudEvent whose envelope cannot be read
    └── Internal           our own fault: judging it raised
"""

from typing import ClassVar


class ScamSieveError(Exception):
    """Base of all errors that a user can meet; the text says what is wrong, where, and what to do."""

    code: ClassVar[str] = "error"
    retriable: ClassVar[bool] = False


class SettingsError(ScamSieveError):
    """A setting is unknown or has a value that cannot be used."""

    code = "settings"


class PolicyError(ScamSieveError):
    """The policy file cannot be used."""

    code = "policy"


class ModelError(ScamSieveError):
    """The model cannot be served."""

    code = "model"


class BrokerUnavailable(ScamSieveError):
    """No broker answers."""

    code = "broker_unavailable"
    retriable = True


class NotAuthenticated(ScamSieveError):
    """The broker refuses the user or its certificate, or shows a certificate that is not trusted; it may be set right meanwhile."""

    code = "authentication"
    retriable = True


class NotAuthorized(ScamSieveError):
    """A right (ACL) is missing; it may be granted meanwhile."""

    code = "authorization"
    retriable = True


class TopicError(ScamSieveError):
    """A topic is missing, or not as it must be."""

    code = "topic"


class Fenced(ScamSieveError):
    """Another instance with the same transactional id has taken over, or the producer is beyond recovery."""

    code = "fenced"


class Hung(ScamSieveError):
    """A loop stands still for good: the client's library does not come back from a call, whatever time it was given."""

    code = "hung"


class RecordError(ScamSieveError):
    """One record cannot be read or judged. The text never holds anything of the record."""

    code = "record"


class NullValue(RecordError):
    """The record has no value."""

    code = "null_value"


class EmptyValue(RecordError):
    """The record's value is empty."""

    code = "empty_value"


class RecordTooLong(RecordError):
    """The record has more bytes than allowed."""

    code = "record_too_long"


class TextTooLong(RecordError):
    """The message's text has more bytes than allowed."""

    code = "text_too_long"


class NotUtf8(RecordError):
    """The value is no UTF-8."""

    code = "not_utf8"


class NotJson(RecordError):
    """The value is no JSON."""

    code = "not_json"


class TooDeep(RecordError):
    """The value is nested too deeply."""

    code = "too_deep"


class WrongShape(RecordError):
    """The value is JSON but no message."""

    code = "wrong_shape"


class BadEnvelope(RecordError):
    """The CloudEvent's envelope cannot be read."""

    code = "bad_envelope"


class Internal(RecordError):
    """Judging the message raised; the type of the exception is told, never its text."""

    code = "internal"


RECORD_ERROR_CODES: tuple[str, ...] = tuple(sorted(error.code for error in RecordError.__subclasses__()))
"""Every code that a dead letter can carry."""
