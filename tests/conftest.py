"""For every test: properties are judged by what holds, never by how long one example took on a busy machine."""

from hypothesis import HealthCheck, settings

settings.register_profile("remit", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("remit")
