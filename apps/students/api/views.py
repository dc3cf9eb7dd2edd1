"""/api/v1/students/, /guardians/ and /classes/."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.students.api import serializers as wire
from apps.students.permissions import CHANGE_STUDENTS, VIEW_STUDENTS
from apps.students.selectors import people
from apps.students.services import guardians, students
from apps.students.services.guardians import GuardianDetails
from apps.students.services.students import StudentDetails
from kernel.api import SchoolViewSet

PERMISSIONS = {"create": CHANGE_STUDENTS, "partial_update": CHANGE_STUDENTS, "*": VIEW_STUDENTS}
Q = OpenApiParameter("q", str, description="Words that must all occur, accents and case aside.")


def _valid(serializer: Any) -> dict[str, Any]:
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


class StudentViewSet(SchoolViewSet):
    """Students of the school."""

    permissions = PERMISSIONS
    serializer_class = wire.StudentSerializer
    lookup_value_converter = "uuid"

    def get_queryset(self) -> QuerySet[Any]:
        return people.student_rows()

    @extend_schema(
        operation_id="students_list",
        parameters=[
            Q,
            OpenApiParameter("class", UUID, description="Only students of this class."),
            OpenApiParameter("status", str, enum=[people.ENROLLED, people.LEFT, people.EVERYBODY]),
        ],
        responses=wire.StudentSerializer(many=True),
    )
    def list(self, request: Request) -> Response:
        """Students, the newest first."""
        wanted = _valid(wire.StudentFilter(data=request.query_params))
        rows = people.student_rows(
            text=wanted["q"], class_id=wanted.get("class"), status=wanted["status"]
        )
        page = [people.student_info(row) for row in self.paginate_queryset(rows) or []]
        return self.get_paginated_response(wire.StudentSerializer(page, many=True).data)

    @extend_schema(operation_id="students_retrieve", responses=wire.StudentDetailSerializer)
    def retrieve(self, request: Request, pk: UUID) -> Response:
        """One student with the guardians."""
        return Response(_student(pk))

    @extend_schema(
        operation_id="students_create",
        request=wire.StudentInput,
        responses={201: wire.StudentDetailSerializer},
    )
    def create(self, request: Request) -> Response:
        """Enrol a new student in a class from today."""
        data = _valid(wire.StudentInput(data=request.data))
        class_id = data.pop("class_id")
        student_id = students.enrol_student(
            details=StudentDetails(**data), class_id=class_id, actor=request.user.get_username()
        )
        return Response(_student(student_id), status=status.HTTP_201_CREATED)

    @extend_schema(
        operation_id="students_update",
        request=wire.StudentChange,
        responses=wire.StudentDetailSerializer,
    )
    def partial_update(self, request: Request, pk: UUID) -> Response:
        """Change details, or move to another class."""
        change = _valid(wire.StudentChange(data=request.data, partial=True))
        class_id = change.pop("class_id", None)
        known = people.get_student(pk)
        kept = {name: getattr(known, name) for name in StudentDetails.__dataclass_fields__}
        students.update_student(
            student_id=pk,
            details=StudentDetails(**{**kept, **change}),
            class_id=class_id,
            actor=request.user.get_username(),
        )
        return Response(_student(pk))


def _student(student_id: UUID) -> Any:
    student = asdict(people.get_student(student_id))
    student["guardians"] = people.guardianships_of(student_id)
    return wire.StudentDetailSerializer(student).data


class GuardianViewSet(SchoolViewSet):
    """Parents and guardians."""

    permissions = PERMISSIONS
    serializer_class = wire.GuardianSerializer
    lookup_value_converter = "uuid"

    def get_queryset(self) -> QuerySet[Any]:
        return people.guardian_rows()

    @extend_schema(
        operation_id="guardians_list",
        parameters=[Q],
        responses=wire.GuardianSerializer(many=True),
    )
    def list(self, request: Request) -> Response:
        """Guardians, the newest first."""
        wanted = _valid(wire.SearchFilter(data=request.query_params))
        rows = self.paginate_queryset(people.guardian_rows(text=wanted["q"])) or []
        page = [people.guardian_info(row) for row in rows]
        return self.get_paginated_response(wire.GuardianSerializer(page, many=True).data)

    @extend_schema(operation_id="guardians_retrieve", responses=wire.GuardianDetailSerializer)
    def retrieve(self, request: Request, pk: UUID) -> Response:
        """One guardian with the children."""
        return Response(_guardian(pk))

    @extend_schema(
        operation_id="guardians_create",
        request=wire.NewGuardianInput,
        responses={201: wire.GuardianDetailSerializer},
    )
    def create(self, request: Request) -> Response:
        """A new guardian; with `student_id`, a guardian for that student."""
        data = _valid(wire.NewGuardianInput(data=request.data))
        student_id = data.pop("student_id", None)
        details, actor = GuardianDetails(**data), request.user.get_username()
        if student_id is None:
            guardian_id = guardians.create_guardian(details=details, actor=actor)
        else:
            guardian_id = guardians.add_guardian(
                student_id=student_id, details=details, actor=actor
            )
        return Response(_guardian(guardian_id), status=status.HTTP_201_CREATED)

    @extend_schema(
        operation_id="guardians_update",
        request=wire.GuardianInput,
        responses=wire.GuardianDetailSerializer,
    )
    def partial_update(self, request: Request, pk: UUID) -> Response:
        """Change name, e-mail, phone or language."""
        change = _valid(wire.GuardianInput(data=request.data, partial=True))
        known = people.get_guardian(pk)
        kept = {name: getattr(known, name) for name in ("name", "email", "phone", "language")}
        guardians.update_guardian(
            guardian_id=pk,
            details=GuardianDetails(**{**kept, **change}),
            actor=request.user.get_username(),
        )
        return Response(_guardian(pk))


def _guardian(guardian_id: UUID) -> Any:
    guardian = asdict(people.get_guardian(guardian_id))
    guardian["children"] = people.children_of(guardian_id)
    return wire.GuardianDetailSerializer(guardian).data


class ClassViewSet(SchoolViewSet):
    """Classes of the current school year."""

    permissions = {"*": VIEW_STUDENTS}
    serializer_class = wire.ClassSerializer
    lookup_value_converter = "uuid"

    def get_queryset(self) -> QuerySet[Any]:
        return people.class_rows()

    @extend_schema(
        operation_id="classes_list", parameters=[Q], responses=wire.ClassSerializer(many=True)
    )
    def list(self, request: Request) -> Response:
        """Classes with their number of students."""
        wanted = _valid(wire.SearchFilter(data=request.query_params))
        rows = self.paginate_queryset(people.class_rows(text=wanted["q"])) or []
        page = [people.class_info(row) for row in rows]
        return self.get_paginated_response(wire.ClassSerializer(page, many=True).data)

    @extend_schema(operation_id="classes_retrieve", responses=wire.ClassSerializer)
    def retrieve(self, request: Request, pk: UUID) -> Response:
        """One class."""
        return Response(wire.ClassSerializer(people.get_class(pk)).data)
