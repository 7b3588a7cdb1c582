"""Settings of all tests: Hypothesis measures no time, because the machine may be busy with other things."""

from hypothesis import HealthCheck, settings

settings.register_profile("novation", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("novation")
