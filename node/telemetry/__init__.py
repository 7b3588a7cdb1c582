"""Figures for Prometheus: what engine and gateway measure of themselves and read from committed blocks."""

from prometheus_client import disable_created_metrics

disable_created_metrics()  # a second series for each counter that nothing reads
