"""Errors that a person can read. The portal shows the message; the API sends RFC 9457 problem
details with the status below."""


class DomainError(Exception):
    """A request that cannot be done as asked. `message` is shown to the user as it is."""

    status = 422
    code = "refused"

    def __init__(self, message: str, *, code: str = "", field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.field = field

    def __str__(self) -> str:
        return str(self.message)


class Invalid(DomainError):
    """The input breaks a rule; `field` names it where one field is to blame."""

    status = 422
    code = "invalid"


class NotFound(DomainError):
    """No such object in this school."""

    status = 404
    code = "not_found"


class Conflict(DomainError):
    """The state no longer allows it: someone was quicker, or it has been done already."""

    status = 409
    code = "conflict"


class Forbidden(DomainError):
    """This person may not do it."""

    status = 403
    code = "forbidden"


class Unavailable(DomainError):
    """Something outside (gateway, mail server, broker) does not answer; try again later."""

    status = 503
    code = "unavailable"
