"""What a portfolio's margin is made of, as genesis says nothing else."""

from app.kernel.integers import PPM
from app.portfolio.rules import DOWN, STEADY, UP, Row, Terms
from app.pricing.rules import DAY_NS

ENDS_PPM = (180_000, -180_000)  # with volatility up alone
MOVES_PPM = (135_000, 90_000, 45_000, 0, -45_000, -90_000, -135_000)  # with volatility up, as it is, down
TAILS_PPM = (  # (move, weight): a move times its weight is about the same for all
    (-660_000, 210_000),
    (-330_000, 420_000),
    (500_000, 277_200),
    (1_000_000, 138_600),
    (2_000_000, 69_300),
    (3_000_000, 46_200),
    (4_000_000, 34_650),
    (5_000_000, 27_720),
)
ROWS = (
    *(Row(spot, UP, PPM) for spot in ENDS_PPM),
    *(Row(spot, volatility, PPM) for spot in MOVES_PPM for volatility in (UP, STEADY, DOWN)),
    *(Row(spot, UP, weight) for spot, weight in TAILS_PPM),
)
DEFAULT = Terms(
    rows=ROWS,
    up_ppm=500_000,
    down_ppm=300_000,
    near_power_ppm=300_000,
    far_power_ppm=130_000,
    shortest_ns=DAY_NS,
    least_volatility_ppm=400_000,
    skew_ppm=150_000,
    skew_root_ppm=-50_000,
    skew_least_ppm=10_000,
    skew_reach_ppm=2_400_000,
    skew_reach_root_ppm=-400_000,
    basis_up_ppm=45_000,
    basis_down_ppm=-45_000,
    basis_ppm=500_000,
    basis_year_ppm=2_000_000,
    long_ppm=950_000,
    long_year_ppm=80_000,
    short_ppm=PPM,
    short_year_ppm=0,
    linear_maintenance_ppm=30_000,
    linear_initial_ppm=10_000,
    option_maintenance_ppm=3_000,
    option_initial_ppm=2_000,
    offset_ppm=400_000,
)
