"""/api/v1/token/ and /api/v1/me/"""

from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from apps.identity import roles as role_book
from apps.identity.api.serializers import Credentials, MeOutput, RefreshInput, TokenPairOutput
from apps.identity.services import sign_in, throttle, tokens
from kernel.access import PUBLIC, SIGNED_IN
from kernel.api import SchoolViewSet
from kernel.schools import current_school


class TokenViewSet(SchoolViewSet):
    """Tokens for programs that work for a person of this school."""

    permissions = {"*": PUBLIC}
    # An expired token in the header must not stand in the way of getting a new one.
    authentication_classes: list[Any] = []
    serializer_class: type[BaseSerializer] = Credentials

    @extend_schema(
        operation_id="token_create",
        request=Credentials,
        responses={200: TokenPairOutput, 429: OpenApiResponse(description="Too many attempts")},
        auth=[],
    )
    def create(self, request: Request) -> Response:
        """Exchange an e-mail address and a password for an access and a refresh token."""
        values = self._input(Credentials)
        scope = tokens.clean_scope(values["scope"])
        try:
            user = sign_in.check_credentials(
                email=values["email"],
                password=values["password"],
                address=str(request.META.get("REMOTE_ADDR", "")),
            )
        except throttle.TooManyAttempts as error:
            raise Throttled(error) from None
        return self._pair(tokens.issue_pair(user=user, scope=scope))

    @extend_schema(
        operation_id="token_refresh",
        request=RefreshInput,
        responses={200: TokenPairOutput},
        auth=[],
    )
    def refresh(self, request: Request) -> Response:
        """Exchange a refresh token for a new pair. Each works once: using one a second time
        ends the whole family, because somebody else may hold a copy."""
        return self._pair(tokens.rotate(refresh=self._input(RefreshInput)["refresh"]))

    @extend_schema(
        operation_id="token_revoke", request=RefreshInput, responses={204: None}, auth=[]
    )
    def revoke(self, request: Request) -> Response:
        """Sign out: the refresh token and all that descend from the same sign-in end."""
        tokens.revoke(refresh=self._input(RefreshInput)["refresh"])
        return Response(status=204)

    def _input(self, serializer_class: type[BaseSerializer]) -> dict[str, Any]:
        serializer = serializer_class(data=self.request.data)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    def _pair(self, pair: Any) -> Response:
        # RFC 6749, 5.1: a response with tokens is never stored.
        return Response(TokenPairOutput(pair).data, headers={"Cache-Control": "no-store"})

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        if response.status_code == 401:
            response.headers["WWW-Authenticate"] = 'Bearer realm="api"'
        return super().finalize_response(request, response, *args, **kwargs)


class Throttled(exceptions.APIException):
    """429 with Retry-After (the gateway reads `wait`, in seconds)."""

    status_code = 429

    def __init__(self, error: throttle.TooManyAttempts) -> None:
        super().__init__(str(error), code=error.code)
        self.wait = error.retry_after


class MeViewSet(SchoolViewSet):
    """The account behind the token."""

    permissions = {"*": SIGNED_IN}
    serializer_class = MeOutput

    @extend_schema(operation_id="me_retrieve", responses={200: MeOutput})
    def retrieve(self, request: Request) -> Response:
        """Who am I here, and what may I do?"""
        user: Any = request.user
        body = {
            "id": user.pk,
            "email": user.email,
            "name": user.name,
            "language": user.language,
            "roles": sorted(user.roles),
            "permissions": sorted(role_book.codenames_of(user.roles)),
            "school": current_school().name,
        }
        return Response(MeOutput(body).data)
