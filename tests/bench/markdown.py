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


def margin_rows(section: dict[str, Any]) -> list[Row]:
    """What one order asks of margin."""
    plain, rich = section["microseconds_by_positions"], section["microseconds_by_positions_with_orders_and_brackets"]
    few, many = (next(key for key in plain if int(key) == size) for size in (1, 20))
    return [("margin", "margin check of an order, account with 1 / 20 positions; 20 with orders and brackets",
             f"{number(plain[few])} / {number(plain[many])}; {number(rich[many])} µs")]


def health_rows(section: dict[str, Any]) -> list[Row]:
    """A price update looks at whom it could hurt."""
    crowd = section["crowds"][-1]
    small, large = crowd["moves"]["0.1 %"], crowd["moves"]["10 %"]
    what = f"{crowd['accounts']:,} accounts with positions, all marks move by 0.1 % / 10 %: accounts looked at; time"
    return [("health", what, f"{small['looked_at']:,} / {large['looked_at']:,}; "
             f"{number(small['look_milliseconds'])} / {number(large['look_milliseconds'])} ms")]


def funding_rows(section: dict[str, Any]) -> list[Row]:
    """Funding and mark-to-market a block."""
    still, busy = section["milliseconds_a_block_by_markets"], section["milliseconds_when_every_book_changed"]
    size = next(key for key in still if int(key) == 200)
    return [("funding", "funding and mark-to-market of 200 markets a block; when every book changed",
             f"{still[size]:.2f}; {busy[size]:.2f} ms")]


def oracle_rows(section: dict[str, Any]) -> list[Row]:
    """What prices by vote cost a block."""
    most = section["milliseconds"][-1]
    what = f"{most['feeds']} prices voted by {most['validators']} validators, all of a block's work: proposer; others"
    return [("oracle", what, f"{most['proposer']:.1f}; {most['others']:.1f} ms ({most['signatures_alone']:.1f} are the "
             f"signatures); record {most['record_over_extensions']:.2f} of the extensions")]


def liquidation_rows(section: dict[str, Any]) -> list[Row]:
    """The worst block of a cascade against a normal one."""
    rows = [("liquidation", f"{row['liquidations']:,} liquidations by {row['by']}, over {row['blocks']} blocks: the "
             "worst block, of a normal block", f"{row['worst_to_normal']:.2f}") for row in section["cascades"]]
    last = section["reduction_by_holders"][-1]
    return [*rows, ("liquidation", f"one reduction over {last['holders']:,} holders, of a normal block",
                    f"{last['to_normal']:.2f}")]


def pricing_rows(section: dict[str, Any]) -> list[Row]:
    """Options: time and error."""
    took, errors = section["microseconds"], section["errors"]
    return [
        ("pricing", "one option price; its greeks; an implied volatility; an array of 33 rows",
         f"{number(took['price'])}; {number(took['greeks'])}; {number(took['implied_deviation'])}; "
         f"{number(took['array_of_33'])} µs"),
        ("pricing", "200 options priced anew in 33 cases each", f"{section['milliseconds_of_200_arrays']:.1f} ms"),
        ("pricing", f"worst of {errors['points']:,} price errors against mpmath, of the greater of forward and strike",
         f"{errors['worst_price_error']:.1e}"),
    ]


def portfolio_rows(section: dict[str, Any]) -> list[Row]:
    """Portfolio margin: arrays and accounts."""
    took = section["microseconds"]
    return [
        ("portfolio", "one risk array of 33 rows; 200 of them", f"{number(took['array_of_33'])} µs; "
         f"{took['two_hundred_arrays_anew'] / 1_000:.1f} ms"),
        ("portfolio", "margin of 64 positions in portfolio mode; in standard mode; the check of an order",
         f"{number(took['account_of_64'])}; {number(took['account_of_64_in_standard_margin'])}; "
         f"{number(took['order_check_of_64'])} µs"),
    ]


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


def gateway_rows(section: dict[str, Any]) -> list[Row]:
    """What hundreds of clients do to one node."""
    rows = []
    for name in ("orders", max(section["phases"], key=lambda name: section["phases"][name]["streams"])):
        found = section["phases"][name]
        wait, cpu = found["admission_milliseconds"], found["cpu_milliseconds_a_second"]
        readers = f"{found['streams']} stream readers and " if found["streams"] else ""
        rows.append((
            "gateway", f"one node, {readers}{section['senders']} traders, an order a second each: admission p50 / p99; "
            "time a block, of that of the node with nothing to do; CPU of gateway / engine",
            f"{wait['p50']:.0f} / {wait['p99']:.0f} ms; {found['of_quiet']:.2f}; "
            f"{cpu['gateway'] / 1e3:.2f} / {cpu['engine'] / 1e3:.2f} cores"))
    return rows


def latency(row: dict[str, Any]) -> str:
    """p50 / p99 at the sustained rate."""
    top = row["at_sustained"]
    return f"{top['latency_milliseconds_p50']} / {top['latency_milliseconds_p99']} ms"


MAKERS = (("engine", engine_rows), ("gas", gas_rows), ("store", store_rows), ("margin", margin_rows),
          ("health", health_rows), ("funding", funding_rows), ("oracle", oracle_rows),
          ("liquidation", liquidation_rows), ("pricing", pricing_rows), ("portfolio", portfolio_rows),
          ("abci", abci_rows), ("gateway", gateway_rows), ("localnet", localnet_rows))
