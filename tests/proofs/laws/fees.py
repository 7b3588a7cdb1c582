# ruff: noqa: E501 - a slip is quoted as the source has it
"""Laws of what is paid: trading fees, gas and its price."""

from typing import Any

from tests.proofs.prover import proof

PPM = 1_000_000
NOT_NEGATIVE = "all integers >= 0"
FEE = "return ppm_ceil(notional_quanta, rate_ppm)"


@proof("FEES-001", "rounded up by less than one quantum, never negative", "fees.trading_fee", bounds=NOT_NEGATIVE,
       slips={"fees": [(FEE, "return notional_quanta * rate_ppm // 1_000_000"), (FEE, FEE + " + 1")],
              "kernel": ("return -(-value * rate_ppm // PPM)", "return value * rate_ppm // PPM")})
def fee_rounds_up(case: Any, rules: Any) -> None:
    notional, rate = case.whole("notional", low=0), case.whole("rate", low=0)
    fee = rules.fees.trading_fee(notional, rate)
    case.claim(fee >= 0, "never negative")
    case.claim(fee * PPM >= notional * rate, "never below the exact fee")
    case.claim((fee - 1) * PPM < notional * rate, "above it by less than one quantum")


@proof("FEES-001", "a larger fill or a higher rate never pays less", "fees.trading_fee", bounds=NOT_NEGATIVE,
       slips={"fees": [(FEE, "return ppm_ceil(-notional_quanta, rate_ppm)"), (FEE, "return ppm_ceil(1, -rate_ppm)")]})
def fee_is_monotone(case: Any, rules: Any) -> None:
    notional, rate, more = case.whole("notional", low=0), case.whole("rate", low=0), case.whole("more", low=0)
    fee = rules.fees.trading_fee(notional, rate)
    case.claim(rules.fees.trading_fee(notional + more, rate) >= fee, "monotone in notional")
    case.claim(rules.fees.trading_fee(notional, rate + more) >= fee, "monotone in rate")


@proof("FEES-001", "splitting a fill never saves, and costs at most one quantum a part", "fees.trading_fee",
       bounds=NOT_NEGATIVE, slips={"fees": (FEE, "return notional_quanta * rate_ppm // 1_000_000")})
def splitting_never_saves(case: Any, rules: Any) -> None:
    one, two, rate = case.whole("one", low=0), case.whole("two", low=0), case.whole("rate", low=0)
    whole = rules.fees.trading_fee(one + two, rate)
    parts = rules.fees.trading_fee(one, rate) + rules.fees.trading_fee(two, rate)
    case.claim(whole <= parts, "the whole is no dearer than its parts")
    case.claim(parts <= whole + 1, "two parts cost at most one quantum more")


@proof("FEES-001", "at most the notional, and nothing of nothing", "fees.trading_fee",
       bounds="notional >= 0, 0 <= rate <= 1,000,000 ppm", slips={"fees": (FEE, FEE + " + 1")})
def fee_is_at_most_the_notional(case: Any, rules: Any) -> None:
    notional, rate = case.whole("notional", low=0), case.whole("rate", low=0, high=PPM)
    case.claim(rules.fees.trading_fee(notional, rate) <= notional, "at most the notional")
    case.claim(rules.fees.trading_fee(0, rate) == 0, "nothing of nothing")


@proof("GAS-003", "rounded up by less than one quantum, never negative, monotone", "params.fee_for_gas",
       bounds=NOT_NEGATIVE, slips={"params": [("return -(-gas * gas_price_e6 // 1_000_000)",
                                               "return gas * gas_price_e6 // 1_000_000"),
                                              ("return -(-gas * gas_price_e6 // 1_000_000)",
                                               "return -(gas * gas_price_e6 // 1_000_000)")]})
def gas_fee_rounds_up(case: Any, rules: Any) -> None:
    gas, price, more = case.whole("gas", low=0), case.whole("price", low=0), case.whole("more", low=0)
    fee = rules.params.fee_for_gas(gas, price)
    case.claim(fee >= 0, "never negative")
    case.claim((fee * PPM >= gas * price) & ((fee - 1) * PPM < gas * price), "up, by less than one quantum")
    case.claim(rules.params.fee_for_gas(gas + more, price) >= fee, "monotone in gas")
    case.claim(rules.params.fee_for_gas(gas, price + more) >= fee, "monotone in price")


@proof("GAS-005", "at least what was used and a quarter of the limit, at most the limit", "gas.charged_gas",
       "params.fee_for_gas", bounds="0 <= used <= limit, price >= 0",
       slips={"gas": [("max(used, limit // LEAST_SHARE)", "limit // LEAST_SHARE"),
                      ("max(used, limit // LEAST_SHARE)", "max(used, limit * LEAST_SHARE)"),
                      ("max(used, limit // LEAST_SHARE)", "used")]})
def charged_gas_is_bounded(case: Any, rules: Any) -> None:
    limit, price = case.whole("limit", low=0), case.whole("price", low=0)
    used = case.whole("used", low=0)
    case.assume(used <= limit)
    charged = rules.gas.charged_gas(used, limit)
    case.claim(charged >= used, "never less than was used")
    case.claim(charged <= limit, "never more than the limit")
    case.claim(charged * 4 > limit - 4, "at least a quarter of the limit, rounded down")
    most = rules.params.fee_for_gas(limit, price)
    case.claim(rules.params.fee_for_gas(charged, price) <= most, "who can pay for the limit can pay what is charged")


@proof("GAS-005", "using more never costs less", "gas.charged_gas", bounds="0 <= used, 0 <= limit",
       slips={"gas": ("max(used, limit // LEAST_SHARE)", "min(used, -used)")})
def charged_gas_is_monotone(case: Any, rules: Any) -> None:
    used, limit, more = case.whole("used", low=0), case.whole("limit", low=0), case.whole("more", low=0)
    charged = rules.gas.charged_gas(used, limit)
    case.claim(rules.gas.charged_gas(used + more, limit) >= charged, "monotone in what was used")
    case.claim(rules.gas.charged_gas(used, limit + more) >= charged, "monotone in the limit")


@proof("GAS-001", "more bytes or actions never cost less, and nothing is free", "gas.intrinsic_gas",
       bounds="size >= 0, actions >= 0", slips={"gas": [("ENVELOPE + BYTE * size_bytes", "ENVELOPE - BYTE * size_bytes"),
                                                        ("ACTION * actions", "ACTION * -actions")]})
def intrinsic_gas_grows(case: Any, rules: Any) -> None:
    size, actions, more = case.whole("size", low=0), case.whole("actions", low=0), case.whole("more", low=0)
    gas = rules.gas.intrinsic_gas(size, actions)
    case.claim(gas >= rules.gas.module.ENVELOPE, "at least an envelope")
    case.claim(rules.gas.intrinsic_gas(size + more, actions) >= gas, "monotone in bytes")
    case.claim(rules.gas.intrinsic_gas(size, actions + more) >= gas, "monotone in actions")


@proof("ADM-002", "so many of the largest envelopes fit a block", "gas.most_gas", bounds="block gas >= 0",
       slips={"gas": ("return block_gas // ENVELOPES_A_BLOCK", "return block_gas // ENVELOPES_A_BLOCK + 1")})
def a_block_holds_sixteen(case: Any, rules: Any) -> None:
    block = case.whole("block", low=0)
    most = rules.gas.most_gas(block)
    case.claim((most >= 0) & (most * 16 <= block) & (most * 16 > block - 16), "a sixteenth, rounded down")


@proof("GAS-002", "a meter never passes its limit, and stops exactly what does not fit", "gas.GasMeter.charge",
       "gas.GasMeter.__init__", bounds="0 <= limit, two charges >= 0",
       slips={"gas": [("if self.used > self.limit:", "if self.used > self.limit + 1:"),
                      ("if self.used > self.limit:", "if self.used >= self.limit:"),
                      ("            self.used = self.limit\n", "")]})
def meter_keeps_its_limit(case: Any, rules: Any) -> None:
    limit, one, two = case.whole("limit", low=0), case.whole("one", low=0), case.whole("two", low=0)
    meter = rules.gas.GasMeter(limit)
    stopped = False
    try:
        meter.charge(one)
        meter.charge(two)
    except rules.gas.ChainError:
        stopped = True
    case.claim(meter.used <= limit, "never above the limit")
    case.claim((one + two > limit) if stopped else (meter.used == one + two), "stops only what does not fit")
