"""The README's performance table, from a benchmark report."""

from typing import Any


def table(report: dict[str, Any]) -> str:
    """The rows of the sections that the report holds, each with the command that makes it."""
    machine = report["machine"]
    rows = [row for section, make in MAKERS for row in (make(report[section]) if section in report else [])]
    lines = ["| what | figure | made by |", "|---|---|---|"]
    lines += [f"| {what} | {figure} | `make bench ARGS={section}` |" for section, what, figure in rows]
    lines.append("")
    lines.append(f"On {machine['cores']} cores of {machine['processor']}, Python {machine['python']}, commit "
                 f"{machine['commit']}, {machine['time'][:10]}; all of it: `{report['command']}`.\n"
                 "How each figure is made stands in the JSON under `how`.")
    return "\n".join(lines)


Row = tuple[str, str, str]


def number(value: float) -> str:
    """With thousands separators."""
    return f"{value:,.0f}" if value >= 100 else f"{value:,.1f}"


def engine_rows(section: dict[str, Any]) -> list[Row]:
    """Actions a second in one process."""
    found = {(row["actions_an_envelope"], row["signatures"]): row for row in section["rows"]}
    rows = []
    for size in sorted({size for size, _ in found}, reverse=True):
        plain, signed = found[size, False], found[size, True]
        rows.append((
            "engine", f"engine, one process: decode → margin → match → root → LevelDB, {size} action{'s' * (size > 1)} "
            "an envelope, without / with signature checks",
            f"{number(plain['actions_per_second'])} / {number(signed['actions_per_second'])} actions/s "
            f"({number(plain['cpu_microseconds_an_action'])} / {number(signed['cpu_microseconds_an_action'])} µs CPU)"))
    return rows


def gas_rows(section: dict[str, Any]) -> list[Row]:
    """How fair the gas table is."""
    ratios = [row["of_median"] for row in section["rows"]]
    return [("gas", f"time a gas over {len(ratios)} kinds of work, adversarial books included",
             f"{section['median_nanoseconds_a_gas']:.2f} ns median; {min(ratios):.2f} to {max(ratios):.2f} of it")]


def store_rows(section: dict[str, Any]) -> list[Row]:
    """Commit cost against the number of records."""
    return [("store", f"commit at {int(count):,} records: tree and synced LevelDB batch, 1,000 changed records a block",
             f"{number(row['us_a_changed_record'])} µs a changed record") for count, row in section["records"].items()]


def abci_rows(section: dict[str, Any]) -> list[Row]:
    """The bare ABCI server."""
    echo, check, trip = section["echo"], section["check_tx"], section["round_trip"]
    return [
        ("abci", "bare ABCI server: echo; trivial CheckTx; one round trip",
         f"{number(echo['per_second'])}/s; {number(check['per_second'])}/s; {number(trip['p50_us'])} µs"),
        ("abci", "engine's CheckTx with decoding and signature",
         f"{number(section['engine']['check_tx_per_second'])}/s"),
    ]


def localnet_rows(section: dict[str, Any]) -> list[Row]:
    """Four validators on one machine, beside CometBFT's key-value store."""
    rows = []
    for key in ("novation_20", "novation_1"):
        row = section[key]
        size = row["orders_an_envelope"]
        what = f"four validators, {size} order{'s' * (size > 1)} an envelope: sustained; commit latency p50 / p99"
        rows.append(("localnet", what,
                     f"{number(row['sustained_orders_per_second'])} orders/s; {latency(row)}"))
    kvstore = section["kvstore"]
    rows.append(("localnet", "yardstick: CometBFT's builtin key-value store, same machine, script and settings",
                 f"{number(kvstore['sustained_tx_per_second'])} tx/s; {latency(kvstore)}"))
    gateway = section["gateway"]
    rows.append(("localnet", "order to committed result through a gateway, p50 / p99, quiet network",
                 f"{gateway['latency_milliseconds_p50']} / {gateway['latency_milliseconds_p99']} ms"))
    return rows


def latency(row: dict[str, Any]) -> str:
    """p50 / p99 at the sustained rate."""
    top = row["at_sustained"]
    return f"{top['latency_milliseconds_p50']} / {top['latency_milliseconds_p99']} ms"


MAKERS = (("engine", engine_rows), ("gas", gas_rows), ("store", store_rows), ("abci", abci_rows),
          ("localnet", localnet_rows))
