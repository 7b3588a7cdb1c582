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


MAKER = "max(trading_fee(notional_quanta, rate_ppm), -taker_fee_quanta)"
RATE = "-(-market_ppm * tier_ppm * charge_ppm // (PPM * PPM))"
WITH_VOLUME = "(min(today + amount_quanta, MAX_DAY_QUANTA), *volumes[1:])"
LATER = "((0,) * min(days, VOLUME_DAYS) + volumes)[:VOLUME_DAYS]"
REST = "amount_quanta - insurance - stakers"


@proof("FEES-002", "a fill never costs the chain anything, and a rebate is rounded down",
       "fees.maker_fee", "fees.trading_fee", bounds="notional >= 0, both rates any, taker rate >= 0",
       slips={"fees": [(MAKER, "trading_fee(notional_quanta, rate_ppm)"), (MAKER, MAKER.replace("max", "min")),
                       (MAKER, MAKER + " - 1"), (MAKER, MAKER.replace("-taker_fee", "taker_fee"))]})
def rebates_come_from_the_taker(case: Any, rules: Any) -> None:
    notional, maker, taker = case.whole("notional", low=0), case.whole("maker"), case.whole("taker", low=0)
    taken = rules.fees.trading_fee(notional, taker)
    made = rules.fees.maker_fee(notional, maker, taken)
    case.claim(made + taken >= 0, "the chain gives nothing")
    case.claim(made * PPM >= notional * maker, "never below the exact fee: a rebate is rounded down")
    if maker >= 0:
        case.claim(made == rules.fees.trading_fee(notional, maker), "a fee is that of FEES-001")


@proof("FEES-003", "rounded up by less than one ppm; a tier's share of a share never makes a larger fee or rebate", "fees.rate",
       bounds="0 <= market <= 1,000,000, shares as genesis allows them: tier -1,000,000..1,000,000, charge 0..1,000,000",
       slips={"fees": [(RATE, "market_ppm * tier_ppm * charge_ppm // (PPM * PPM)"), (RATE, RATE + " + 1"),
                       (RATE, RATE.replace("(PPM * PPM)", "PPM"))]})
def rates_round_up(case: Any, rules: Any) -> None:
    market, tier = case.whole("market", 0, PPM), case.whole("tier", -PPM, PPM)
    for charge in (0, 1, 250_000, PPM):
        rate = rules.fees.rate(market, tier, charge)
        case.claim((rate * PPM * PPM >= market * tier * charge) & ((rate - 1) * PPM * PPM < market * tier * charge),
                   "up, by less than one")
        case.claim((rate <= market) & (rate >= -market), "never beyond the market's")


@proof("FEES-003", "the last tier that is reached; more volume never loses a tier", "fees.tier_of",
       bounds="four ascending thresholds from 0",
       slips={"fees": [("if volume_quanta >= threshold:", "if volume_quanta > threshold:"),
                       ("if volume_quanta >= threshold:", "if volume_quanta <= threshold:"),
                       ("        if volume_quanta >= threshold:\n            reached = number", "        reached = number")]})
def tiers_are_monotone(case: Any, rules: Any) -> None:
    steps = [case.whole(f"step {number}", low=1) for number in range(3)]
    thresholds = (0, steps[0], steps[0] + steps[1], steps[0] + steps[1] + steps[2])
    volume, more = case.whole("volume", low=0), case.whole("more", low=0)
    tier = rules.fees.tier_of(volume, thresholds)
    case.claim(thresholds[tier] <= volume, "its threshold is reached")
    case.claim(tier == 3 or thresholds[tier + 1] > volume, "the next one is not")
    case.claim(rules.fees.tier_of(volume + more, thresholds) >= tier, "monotone in volume")


@proof("FEES-004", "what is 30 days old is forgotten, what is younger is kept, in steps or at once", "fees.volumes_on",
       bounds="30 daily volumes >= 0; 0, 1, 5, 29, 30 and 400 days later",
       slips={"fees": [(LATER, "((0,) * days + volumes)"), (LATER, LATER.replace("(0,)", "(1,)")),
                       (LATER, LATER.replace("[:VOLUME_DAYS]", "[:VOLUME_DAYS - 1]")), ("if days < VOLUME_DAYS", "if days < 5")]})
def volumes_grow_old(case: Any, rules: Any) -> None:
    volumes = tuple(case.whole(f"day {day}", low=0) for day in range(30))
    for days in (0, 1, 5, 29, 30, 400):
        later = rules.fees.volumes_on(volumes, days)
        case.claim(sum(later) == sum(volumes[: max(0, 30 - days)]), f"the sum {days} days later")
        case.claim(len(later) <= 30, "thirty days at most")
        step = rules.fees.volumes_on(rules.fees.volumes_on(volumes, days // 2), days - days // 2)
        case.claim(sum(step) == sum(later), "in two steps or at once")


@proof("FEES-004", "today grows by the amount up to its limit, other days stay, and the sum fits 64 bits", "fees.with_volume",
       bounds="3 daily volumes within the limit of a day",
       slips={"fees": [(WITH_VOLUME, "(today + amount_quanta, *volumes[1:])"), (WITH_VOLUME, "(min(amount_quanta, MAX_DAY_QUANTA), *volumes[1:])"),
                       (WITH_VOLUME, WITH_VOLUME.replace("*volumes[1:]", "*volumes"))]})
def volume_is_added_today(case: Any, rules: Any) -> None:
    most = rules.fees.module.MAX_DAY_QUANTA
    volumes, amount = tuple(case.whole(f"day {day}", 0, most) for day in range(3)), case.whole("amount", low=0)
    after = rules.fees.with_volume(volumes, amount)
    case.claim((after[0] == volumes[0] + amount) | ((after[0] == most) & (volumes[0] + amount >= most)), "today")
    case.claim(after[0] <= most, "within the limit of a day")
    case.claim((after[1] == volumes[1]) & (after[2] == volumes[2]) & (len(after) == 3), "the other days")
    case.claim(30 * most < 1 << 63, "thirty days fit the record")
    case.claim(rules.fees.with_volume((), amount) == (amount,) if amount <= most else True, "the first day")


@proof("FEES-006", "a referrer has a share of what is left, never more, and the chain keeps the crumb", "fees.referral",
       bounds="what is left >= 0, share 0..1,000,000 ppm",
       slips={"fees": [("return mul_div_floor(shareable_quanta, referral_ppm, PPM)",
                        "return -(-shareable_quanta * referral_ppm // PPM)"),
                       ("return mul_div_floor(shareable_quanta, referral_ppm, PPM)", "return referral_ppm")]})
def referrals_round_down(case: Any, rules: Any) -> None:
    left, share = case.whole("left", low=0), case.whole("share", 0, PPM)
    paid = rules.fees.referral(left, share)
    case.claim((paid >= 0) & (paid <= left), "within what is left")
    case.claim(paid * PPM <= left * share, "rounded down")


@proof("FEES-006", "what is left for a referrer is there when the maker is paid, and was the taker's", "fees.shareable",
       "fees.maker_fee", "fees.trading_fee", bounds="notional >= 0, maker rate any, taker rate >= 0",
       slips={"fees": [("min(0, maker_fee_quanta)", "0"), ("min(0, maker_fee_quanta)", "min(-1, maker_fee_quanta)")]})
def referrals_are_covered(case: Any, rules: Any) -> None:
    notional, maker, taker = case.whole("notional", low=0), case.whole("maker"), case.whole("taker", low=0)
    taken = rules.fees.trading_fee(notional, taker)
    made = rules.fees.maker_fee(notional, maker, taken)
    left = rules.fees.shareable(taken, made)
    case.claim((left >= 0) & (left <= taken) & (left <= taken + made), "there is as much, and no more than the taker paid")


@proof("FEES-007", "insurance, stakers and treasury are exactly what there was, none negative, the fund not above its cap",
       "fees.split", bounds="amount >= 0, cap and fund any, shares 0..1,000,000 ppm and together at most that",
       slips={"fees": [("room = max(0, cap_quanta - insured_quanta)", "room = cap_quanta - insured_quanta"),
                       ("insurance = min(mul_div_floor(amount_quanta, insurance_ppm, PPM), room)",
                        "insurance = mul_div_floor(amount_quanta, insurance_ppm, PPM)"),
                       ("return insurance, stakers, " + REST, "return insurance, stakers, amount_quanta * (PPM - insurance_ppm - stakers_ppm) // PPM"),
                       ("stakers = mul_div_floor(amount_quanta, stakers_ppm, PPM)", "stakers = -(-amount_quanta * stakers_ppm // PPM)")]})
def the_split_is_exact(case: Any, rules: Any) -> None:
    amount, insured, cap = case.whole("amount", low=0), case.whole("insured"), case.whole("cap", low=0)
    to_fund, to_stakers = case.whole("to_fund", 0, PPM), case.whole("to_stakers", 0, PPM)
    case.assume(to_fund + to_stakers <= PPM)
    insurance, stakers, treasury = rules.fees.split(amount, to_fund, to_stakers, insured, cap)
    case.claim(insurance + stakers + treasury == amount, "exact")
    case.claim((insurance >= 0) & (stakers >= 0) & (treasury >= 0), "none gives")
    case.claim((insurance == 0) | (insured + insurance <= cap), "not above the cap")
    case.claim((insurance * PPM <= amount * to_fund) & (stakers * PPM <= amount * to_stakers), "shares are rounded down")


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
