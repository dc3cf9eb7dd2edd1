"""The rules of school_rules.py: kept by the source, and each caught when it is broken."""

from __future__ import annotations

import ast
from functools import lru_cache
from pathlib import Path

import pytest

from tests.architecture.school_rules import ALLOWED, RULES, Rule
from tests.architecture.test_source import SOURCES, name, tree

IN_SCHOOL = "def f(s):\n    with in_school(s):\n        "
PLANTED: dict[str, list[str]] = {
    "bare_contexts": [
        "with tenant:\n    pass",
        "with school:\n    pass",
        "with request.school, other():\n    pass",
        "with self.tenant as t:\n    pass",
    ],
    "decorator_contexts": [
        "@in_school('t_000001')\ndef f(): pass",
        "@schema_context('t_000001')\ndef f(): pass",
        "@kernel.schools.in_public()\ndef f(): pass",
        "@utils.tenant_context(school)\nclass C: pass",
    ],
    "threads": [
        "threading.Thread(target=f)",
        "Thread(target=f).start()",
        "threading.Timer(1, f)",
        "concurrent.futures.ThreadPoolExecutor(2)",
        "ThreadPoolExecutor()",
        "_thread.start_new_thread(f, ())",
        "multiprocessing.pool.ThreadPool(2)",
        "sync_to_async(f)",
        "async_to_sync(f)()",
        "asyncio.to_thread(f)",
        "loop.run_in_executor(None, f)",
        "async def view(request): pass",
        "class Worker(threading.Thread): pass",
    ],
    "lazy_results": [
        IN_SCHOOL + "return Student.objects.all()",
        IN_SCHOOL + "return Student.objects.filter(pk=1).order_by('id')[:10]",
        IN_SCHOOL + "return student.guardian_set.values_list('id')",
        IN_SCHOOL + "rows = Student.objects.all()\n        return rows",
        IN_SCHOOL + "rows = Student.objects.all()\n        return rows.filter(pk=1)",
        IN_SCHOOL + "return (row for row in Student.objects.all())",
        IN_SCHOOL + "return map(str, Student.objects.all())",
        IN_SCHOOL + "return Student.objects.all() if s else None",
        IN_SCHOOL + "yield Student.objects.all()",
        IN_SCHOOL + "for row in list(Student.objects.all()):\n            yield row.pk",
        IN_SCHOOL + "rows = Student.objects.all()\n    return rows",
        "def rows() -> QuerySet[Student]: ...\n" + IN_SCHOOL + "return rows()",
        "def f():\n    with in_public():\n        return School.objects.all()",
        "def f():\n    with reading_replica():\n        return School.objects.exclude(pk=1)",
    ],
    "switches": [
        "connection.set_schema('t_000001')",
        "connection.set_schema_to_public()",
        "connection.set_tenant(school)",
        "cursor.execute('SET search_path = t_000001')",
        "cursor.execute('set role t_000001')",
        "cursor.execute(\"SELECT set_config('role', 't_000001', true)\")",
        "cursor.execute('RESET ROLE')",
    ],
    "other_connections": [
        "Student.objects.using('default')",
        "student.save(using='default')",
        "transaction.atomic(using='replica')",
        "Student.objects.db_manager('replica')",
        "connections['default'].cursor()",
    ],
    "assembled_sql": [
        "cursor.execute(f'SELECT * FROM {table}')",
        "cursor.execute('SELECT * FROM %s' % table)",
        "cursor.execute('SELECT * FROM ' + table)",
        "cursor.execute('SELECT * FROM {}'.format(table))",
        "def f():\n    query = f'SELECT {x}'\n    cursor.execute(query)",
        "Student.objects.raw('SELECT 1')",
        "Student.objects.extra(where=['1=1'])",
        "RawSQL('now()', [])",
    ],
    "memories": ["@lru_cache\ndef f(): pass", "@functools.cache\ndef f(): pass"],
    "redis_clients": [
        "get_redis_connection('default')",
        "redis.Redis.from_url(url)",
        "redis.Redis(host='x')",
    ],
}
GOOD = [
    IN_SCHOOL + "return list(Student.objects.all())",
    IN_SCHOOL + "return Student.objects.filter(pk=1).first()",
    IN_SCHOOL + "return [row.pk for row in Student.objects.all()]",
    IN_SCHOOL + "return {row.pk: row for row in Student.objects.all()}",
    IN_SCHOOL + "rows = list(Student.objects.all())\n    return rows",
    IN_SCHOOL + "return Student.objects.count()",
    "@contextmanager\ndef f(s):\n    with in_school(s) as school:\n        yield school",
    "def f():\n    return Student.objects.all()",
    "cursor.execute('SELECT * FROM t WHERE id = %s', [key])",
    "session.execute(sql.SQL('DROP {}').format(sql.Identifier(x)))",
    "cursor.execute(f'LISTEN {CHANNEL}')",
    "def f():\n    '''Leaves the search_path alone.'''",
]


def is_allowed(rule: Rule, path: Path) -> bool:
    """Listed by itself or by its folder."""
    return any(
        name(path) == place or (place.endswith("/") and name(path).startswith(place))
        for place in ALLOWED.get(rule.__name__, {})
    )


@lru_cache(maxsize=1)
def findings() -> list[tuple[Rule, Path, int, str]]:
    """What each rule finds in the source, whether it is allowed there or not."""
    found = []
    for path in SOURCES:
        module = tree(path)
        found += [(rule, path, *finding) for rule in RULES for finding in rule(module)]
    return found


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_source_keeps_the_rule(rule: Rule) -> None:
    broken = [
        f"{name(path)}:{line}: {what}"
        for its_rule, path, line, what in findings()
        if its_rule is rule and not is_allowed(rule, path)
    ]
    assert not broken, "\n".join(broken)


@pytest.mark.parametrize(
    ("rule", "source"),
    [(rule, source) for rule in RULES for source in PLANTED[rule.__name__]],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_a_planted_violation_is_found(rule: Rule, source: str) -> None:
    assert list(rule(ast.parse(source)))


@pytest.mark.parametrize("source", GOOD)
def test_what_is_safe_is_let_be(source: str) -> None:
    assert [(rule.__name__, *found) for rule in RULES for found in rule(ast.parse(source))] == []


def test_no_permission_outlives_its_need() -> None:
    used = {
        (rule.__name__, place)
        for rule in RULES
        for place in ALLOWED.get(rule.__name__, {})
        if any(its is rule and name(path).startswith(place) for its, path, *_ in findings())
    }
    listed = {(rule, place) for rule, places in ALLOWED.items() for place in places}
    assert listed - used == set()
