"""Everything Gakju raises on purpose.

    GakjuError
    ├── UsageError              the caller asked for something that cannot be (exit code 2)
    │   ├── NotFound            no such document, collection, job or page
    │   │   └── UnknownModel    a name that no model has
    │   └── KeyringRefused      the system's keyring is locked, or does not let go of a key
    ├── ReadError               a file that cannot be read; the rest of a batch goes on
    │   ├── UnsupportedFormat
    │   ├── BrokenFile          empty, truncated, mislabelled, zero pages
    │   ├── PasswordRequired
    │   └── LimitExceeded       time, memory, pages or bytes
    ├── ModelError
    │   ├── ModelMissing        not downloaded yet
    │   ├── ModelCorrupt        digest does not match
    │   ├── ModelFailed         the engine crashed or answered with an error
    │   ├── RequestRefused      the model's server does not take the request
    │   ├── CreditSpent         nothing is left on the account at the model's host
    │   └── ContextTooLong      the prompt does not fit the model
    ├── NetworkError            offline, refused, timed out
    ├── LibraryError
    │   ├── LibraryBusy         another process owns it
    │   └── StorageFull
    ├── Refused                 the server knows what is wanted and does not do it
    │   ├── KeyNeeded           no key, or one that does not work
    │   ├── Forbidden           the key has not that right, or not that collection
    │   ├── RateLimited         too many requests for now; `details["retry_after"]` in seconds
    │   ├── QuotaSpent          tokens or money of the day
    │   └── TooSlow             the request took longer than it may
    └── Cancelled               the user stopped it

An error says the next step: `hint` holds the command, setting or limit to use. `retryable` says whether
the same call may succeed later. `details["param"]` names the part of a request that is wrong.
`str(error)` is one line.
"""

from __future__ import annotations

from typing import ClassVar


class GakjuError(Exception):
    """Base of all. `details` fill the placeholders of a translated message for `code`."""

    code: ClassVar[str] = "error"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, hint: str = "", **details: object) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = details

    def __str__(self) -> str:
        text = f"{self.message} {self.hint}" if self.hint else self.message
        return " ".join(text.split())


class UsageError(GakjuError):
    code = "usage"


class NotFound(UsageError):
    code = "not_found"


class UnknownModel(NotFound):
    code = "model_not_found"


class KeyringRefused(UsageError):
    code = "keyring_refused"


class ReadError(GakjuError):
    code = "read_failed"


class UnsupportedFormat(ReadError):
    code = "unsupported_format"


class BrokenFile(ReadError):
    code = "broken_file"


class PasswordRequired(ReadError):
    code = "password_required"


class LimitExceeded(ReadError):
    code = "limit_exceeded"


class ModelError(GakjuError):
    code = "model_error"


class ModelMissing(ModelError):
    code = "model_missing"


class ModelCorrupt(ModelError):
    code = "model_corrupt"


class ModelFailed(ModelError):
    code = "model_failed"
    retryable = True


class RequestRefused(ModelError):
    code = "request_refused"


class CreditSpent(ModelError):
    code = "credit_spent"


class ContextTooLong(ModelError):
    code = "context_length_exceeded"


class NetworkError(GakjuError):
    code = "network"
    retryable = True


class LibraryError(GakjuError):
    code = "library"


class LibraryBusy(LibraryError):
    code = "library_busy"
    retryable = True


class StorageFull(LibraryError):
    code = "storage_full"
    retryable = True


class Refused(GakjuError):
    code = "refused"


class KeyNeeded(Refused):
    code = "invalid_api_key"


class Forbidden(Refused):
    code = "forbidden"


class RateLimited(Refused):
    code = "rate_limit_exceeded"
    retryable = True


class QuotaSpent(Refused):
    """`details["retry_after"]`: seconds until the next day."""

    code = "insufficient_quota"


class TooSlow(Refused):
    code = "timeout"
    retryable = True


class Cancelled(GakjuError):
    code = "cancelled"
