"""For every test: properties are judged by what holds, never by how long one example took on a busy machine.

With `TESTS_STORE=postgres` every sandbox that names no store of its own keeps its data in a real PostgreSQL.
"""

import os

from hypothesis import HealthCheck, settings

settings.register_profile("remit", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("remit")

if os.environ.get("TESTS_STORE") == "postgres":
    from postgres_tests import postgres_url
    from remit.sandbox.desk import Sandbox

    _place = Sandbox._place

    def _on_postgres(self: Sandbox) -> object:
        folder, url = _place(self)
        return (folder, postgres_url()) if self._store is None else (folder, url)

    Sandbox._place = _on_postgres
