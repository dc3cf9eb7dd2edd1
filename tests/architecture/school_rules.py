"""Rules that keep one school's work out of another's, read from the syntax tree.

Each rule takes a module and yields (line, what is wrong). `ALLOWED` names the files in which a rule
does not hold, each with its reason; the tests fail for an entry that is not needed any more.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

Finding = tuple[int, str]
Rule = Callable[[ast.Module], Iterator[Finding]]

CONTEXTS = {"in_school", "in_public", "opened", "schema_context", "tenant_context"}
CONTEXTS |= {"reading_replica", "speaking_for"}
THREADS = {
    *("threading.Thread", "threading.Timer", "Thread", "Timer", "ThreadPoolExecutor"),
    *("ThreadPool", "start_new_thread", "sync_to_async", "async_to_sync", "to_thread"),
    *("run_in_executor", "create_task", "asyncio.run"),
}
LAZY = {
    *("all", "filter", "exclude", "annotate", "alias", "order_by", "reverse", "distinct", "values"),
    *("values_list", "only", "defer", "select_related", "prefetch_related", "select_for_update"),
    *("union", "iterator", "none", "using", "dates", "datetimes", "extra", "raw"),
}
SQL_CALLS = {"execute", "executemany", "stream", "copy", "run_prepared"}
# Words of a statement that chooses a school by hand.
SWITCHES = ("search_path", "set role", "set_config", "set session authorization", "reset role")

# Of a file, or of every file in a folder (ending in "/").
ALLOWED: dict[str, dict[str, str]] = {
    "threads": {
        "config/celery.py": "beat's look at the outbox, on a connection of its own",
        "apps/events/services/replay/running.py": "looks after its parent, opens no school",
        "config/gateway/health.py": "asks PostgreSQL and Redis, opens no school",
        "apps/payments/sandbox/delivery.py": "the sandbox is another program, without a database",
        "apps/tenants/services/schemas/crew.py": "owner's sessions, each naming its schema",
        "apps/tenants/services/backup/loaders.py": "owner's sessions, each naming its schema",
    },
    "switches": {
        "config/": "the gateway, the worker and the backend put the school on and off",
        "kernel/": "where in_school() and in_public() are made, and the roles",
        "apps/tenants/services/schemas/": "the owner makes and migrates tables, no school's work",
        "apps/tenants/services/backup/": "the owner copies tables, no school's work",
    },
    "other_connections": {
        "apps/identity/models.py": "hands on what Django's save() was given",
        "config/replica/base.py": "the standby's connection follows the primary's",
        "kernel/standby.py": "looks after the standby's connection",
    },
    "assembled_sql": {
        "apps/payments/restoring.py": "names of columns from a constant of the module",
        "apps/tenants/services/schemas/replay.py": "our own migrations' statements, as the owner",
    },
    "memories": {
        "apps/events/services/options.py": "numbers of the installation",
        "apps/payments/hooks/wakeup.py": "the client of the broker",
        "apps/payments/models/__init__.py": "the installation's keys",
        "apps/payments/providers/paypal/__init__.py": "by the account's own keys",
        "apps/payments/providers/stripe.py": "by the account's own key",
        "apps/tenants/choices.py": "the world's time zones",
        "apps/tenants/services/features.py": "which views a feature covers",
        "apps/tenants/services/schemas/condensing.py": "the scripts are the installation's",
        "config/": "views, statements and files of the installation",
    },
    "redis_clients": {
        "apps/events/services/wakeup.py": "short limits; its keys begin with the schema",
        "apps/payments/hooks/wakeup.py": "asks whether the broker answers; no key",
        "apps/tenants/services/leftovers.py": "removes the keys of a deleted school",
        "config/": "the embedded server, and whether Redis answers",
    },
}


def name_of(node: ast.AST) -> str:
    """`threading.Thread` of a call to it; "" for what has no name."""
    if isinstance(node, ast.Call):
        return name_of(node.func)
    if isinstance(node, ast.Attribute):
        return f"{name_of(node.value)}.{node.attr}".lstrip(".")
    return node.id if isinstance(node, ast.Name) else ""


def last(node: ast.AST) -> str:
    return name_of(node).rpartition(".")[2]


def functions(module: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(module):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node


def bare_contexts(module: ast.Module) -> Iterator[Finding]:
    """`with school:` switches for whichever thread comes next."""
    for node in ast.walk(module):
        if isinstance(node, (ast.With, ast.AsyncWith)):
            for item in node.items:
                if last(item.context_expr) in {"tenant", "school"} and not isinstance(
                    item.context_expr, ast.Call
                ):
                    yield node.lineno, f"with {ast.unparse(item.context_expr)}: use in_school()"


def decorator_contexts(module: ast.Module) -> Iterator[Finding]:
    """One context object for all calls of the function, and so for all threads."""
    for node in ast.walk(module):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            for decorator in node.decorator_list:
                if last(decorator) in CONTEXTS:
                    yield decorator.lineno, f"@{ast.unparse(decorator)}: open it in the function"


def threads(module: ast.Module) -> Iterator[Finding]:
    """A new thread, and a coroutine, begins on the public schema."""
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and {name_of(node), last(node)} & THREADS:
            yield node.lineno, f"{name_of(node)}: a task of the queue instead"
        if isinstance(node, (ast.AsyncFunctionDef, ast.AsyncFor, ast.AsyncWith)):
            yield node.lineno, "async: the school is lost between two awaits"
        if isinstance(node, ast.ClassDef) and "Thread" in {last(base) for base in node.bases}:
            yield node.lineno, f"{node.name} is a thread"


def lazy_results(module: ast.Module) -> Iterator[Finding]:
    """A queryset that leaves its context is evaluated in whichever school is open by then."""
    lazy_functions = {f.name for f in functions(module) if _returns_queryset(f)}
    for function in functions(module):
        for block in ast.walk(function):
            if isinstance(block, ast.With) and _opens(block):
                yield from _leaving(function, block, lazy_functions)


def _opens(block: ast.With) -> bool:
    return any(last(item.context_expr) in CONTEXTS for item in block.items)


def _returns_queryset(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return function.returns is not None and "QuerySet" in ast.unparse(function.returns)


def _leaving(
    function: ast.FunctionDef | ast.AsyncFunctionDef, block: ast.With, lazy: set[str]
) -> Iterator[Finding]:
    held = _lazy_names(function, lazy)
    own_context = any(last(d) in {"contextmanager", "fixture"} for d in function.decorator_list)
    for node in _of_same_function(block):
        value = node.value if isinstance(node, (ast.Return, ast.Yield, ast.YieldFrom)) else None
        if value is not None and _is_lazy(value, lazy, held):
            yield node.lineno, f"{ast.unparse(value)} leaves its school before it is read"
        if isinstance(node, (ast.Yield, ast.YieldFrom)) and not own_context:
            yield node.lineno, "yield: the caller goes on while this school is open"
    if any(isinstance(node, ast.Return) for node in function.body[-1:]):
        returned = function.body[-1].value  # type: ignore[attr-defined]
        if block in function.body and _made_in(block, returned, lazy):
            yield block.lineno, f"{ast.unparse(returned)} is read after its school is closed"


def _of_same_function(block: ast.AST) -> Iterator[ast.AST]:
    """Everything inside, but not inside of functions defined there."""
    for child in ast.iter_child_nodes(block):
        if not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            yield child
            yield from _of_same_function(child)


def _lazy_names(block: ast.AST, lazy: set[str]) -> set[str]:
    return {
        target.id
        for node in _of_same_function(block)
        if isinstance(node, ast.Assign) and _is_lazy(node.value, lazy, set())
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _made_in(block: ast.With, returned: ast.expr | None, lazy: set[str]) -> bool:
    return isinstance(returned, ast.Name) and returned.id in _lazy_names(block, lazy)


def _is_lazy(value: ast.expr, lazy: set[str], held: set[str]) -> bool:
    if isinstance(value, ast.Subscript) and isinstance(value.slice, ast.Slice):
        return _is_lazy(value.value, lazy, held)
    if isinstance(value, (ast.IfExp,)):
        return any(_is_lazy(part, lazy, held) for part in (value.body, value.orelse))
    if isinstance(value, ast.GeneratorExp):
        return True
    if isinstance(value, ast.Name):
        return value.id in held
    if isinstance(value, ast.Call):
        if name_of(value) in {"map", "filter", "zip"} or last(value) in lazy:
            return True
        return last(value) in LAZY and _on_a_manager(value, held)
    return False


def _on_a_manager(call: ast.Call, held: set[str]) -> bool:
    root: ast.AST = call
    while isinstance(root, (ast.Call, ast.Attribute)):
        if isinstance(root, ast.Attribute) and root.attr.endswith(("objects", "_set", "manager")):
            return True
        root = root.func if isinstance(root, ast.Call) else root.value
    return isinstance(root, ast.Name) and root.id in held


def switches(module: ast.Module) -> Iterator[Finding]:
    """Choosing the schema by hand: only kernel and config do, where it is put back."""
    docstrings = {id(text) for text in _docstrings(module)}
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and last(node) in {
            *("set_schema", "set_schema_to_public", "set_tenant", "schema_context", "set_config"),
        }:
            yield node.lineno, f"{name_of(node)}: with in_school(...) or in_public()"
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found = [word for word in SWITCHES if word in node.value.lower()]
            if found and id(node) not in docstrings:
                yield node.lineno, f"{found[0]!r} in a statement"


def _docstrings(module: ast.Module) -> Iterator[ast.AST]:
    for node in ast.walk(module):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node.value


def other_connections(module: ast.Module) -> Iterator[Finding]:
    """The router chooses the connection and notes the school; `using` goes past it."""
    for node in ast.walk(module):
        if isinstance(node, ast.Call):
            if last(node) in {"using", "db_manager"} and isinstance(node.func, ast.Attribute):
                yield node.lineno, f".{last(node)}(): the router chooses"
            if any(keyword.arg == "using" for keyword in node.keywords):
                yield node.lineno, "using=: the router chooses"
        if isinstance(node, ast.Subscript) and last(node.value) == "connections":
            yield node.lineno, "connections[...]: the router chooses"


def assembled_sql(module: ast.Module) -> Iterator[Finding]:
    """Values travel as parameters, names as psycopg.sql.Identifier."""
    for function in [module, *functions(module)]:
        built = _assembled_names(function)
        for node in _of_same_function(function):
            if isinstance(node, ast.Call) and last(node) in {"raw", "extra", "RawSQL"}:
                yield node.lineno, f"{name_of(node)}: the ORM, or a cursor with parameters"
            if (
                isinstance(node, ast.Call)
                and last(node) in SQL_CALLS
                and node.args
                and _is_assembled(node.args[0], built)
            ):
                yield node.lineno, f"{ast.unparse(node.args[0])[:60]} is put together"


def _assembled_names(function: ast.AST) -> set[str]:
    return {
        target.id
        for node in _of_same_function(function)
        if isinstance(node, ast.Assign) and _is_assembled(node.value, set())
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _is_assembled(value: ast.expr, built: set[str]) -> bool:
    if isinstance(value, ast.JoinedStr):
        # A constant of the module is as good as written out.
        parts = [part.value for part in value.values if isinstance(part, ast.FormattedValue)]
        return not all(name_of(part).isupper() for part in parts)
    if isinstance(value, ast.BinOp):
        sides = (value.left, value.right)
        return not all(isinstance(side, ast.Constant) for side in sides)
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
        on_text = isinstance(value.func.value, (ast.Constant, ast.JoinedStr))
        return value.func.attr in {"format", "replace", "join"} and on_text
    return isinstance(value, ast.Name) and value.id in built


def memories(module: ast.Module) -> Iterator[Finding]:
    """What a process remembers it remembers for all schools."""
    for node in ast.walk(module):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            for decorator in node.decorator_list:
                if last(decorator) in {"lru_cache", "cache"}:
                    yield node.lineno, f"@{last(decorator)} {node.name}: for all schools"


def redis_clients(module: ast.Module) -> Iterator[Finding]:
    """Django's cache puts the school in front of each key; a client of one's own does not."""
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and (
            last(node) in {"get_redis_connection", "StrictRedis", "ConnectionPool"}
            or name_of(node) in {"redis.Redis.from_url", "redis.Redis", "Redis.from_url", "Redis"}
        ):
            yield node.lineno, f"{name_of(node)}: django.core.cache"


RULES: tuple[Rule, ...] = (
    bare_contexts,
    decorator_contexts,
    threads,
    lazy_results,
    switches,
    other_connections,
    assembled_sql,
    memories,
    redis_clients,
)
