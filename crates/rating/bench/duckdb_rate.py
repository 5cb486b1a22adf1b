"""The rules of docs/rating.md as plain SQL, in exact integers and decimals, for DuckDB.

    duckdb_rate.py rate FOLDER OUT THREADS MEMORY     rates FOLDER, writes OUT (one Parquet file, zstd)
    duckdb_rate.py copy FOLDER OUT THREADS MEMORY ROWS  the floor: reads the same columns, writes as many rows, matches nothing
    duckdb_rate.py compare OUT RATED                  exits with 1 unless both hold the same rows

Prints milliseconds of wall and of CPU time, peak memory in KiB, rows and bytes.
"""
import os
import resource
import sys
import time

import duckdb

# Quantities and costs are integers of 10^-10, units of 10^-21. Texts become small numbers first: a resource with all that is
# said of it (`thing`), what a reservation matches in each pass (`key`), an hour. Numbers are given in the order of the texts.
LOAD = """
CREATE TABLE sizes AS
SELECT ArmSkuName AS sku, 'group ' || first(InstanceSizeFlexibilityGroup) AS size_group,
       (first(Ratio)::DECIMAL(20,15) * 1000000000000000::DECIMAL(16,0))::HUGEINT AS ratio
FROM read_csv('{folder}/flexibility.csv', all_varchar = true) GROUP BY ArmSkuName;

CREATE TABLE things AS
SELECT row_number() OVER ()::INTEGER AS thing, dense_rank() OVER (ORDER BY SubAccountId, ResourceId)::INTEGER AS place, t.*,
       coalesce(s.size_group, 'sku ' || t.x_ArmSkuName) AS size_group, coalesce(s.ratio, 1000000000000000::HUGEINT) AS ratio,
       (ContractedUnitPrice * 1000000)::HUGEINT AS price
FROM (SELECT DISTINCT {things} FROM read_parquet('{folder}/usage/*.parquet')) AS t
LEFT JOIN sizes AS s ON s.sku = t.x_ArmSkuName;

CREATE TABLE lines AS
SELECT u.LineId AS line, t.thing, (epoch(u.ChargePeriodStart) // 3600)::INTEGER AS hour,
       (u.ConsumedQuantity * 1000000)::BIGINT AS quantity
FROM read_parquet('{folder}/usage/*.parquet') AS u JOIN things AS t USING ({things});

CREATE TABLE reservations AS
SELECT row_number() OVER (ORDER BY r.PurchasedAt::TIMESTAMPTZ, r.ReservationId)::INTEGER AS reservation, r.*,
       coalesce(s.size_group, 'sku ' || r.x_ArmSkuName) AS size_group, coalesce(s.ratio, 1000000000000000::HUGEINT) AS ratio,
       r.Quantity::HUGEINT AS whole, (r.HourlyCost::DECIMAL(18,8) * 100000000)::HUGEINT AS cost,
       CASE WHEN AppliedScopeType = 'Single' THEN 0 ELSE 2 END
           + CASE WHEN InstanceFlexibility = 'Off' THEN 1 ELSE 2 END AS pass
FROM read_csv('{folder}/reservations.csv', all_varchar = true) AS r LEFT JOIN sizes AS s ON s.sku = r.x_ArmSkuName;

CREATE TABLE active AS
SELECT reservation, h.hour::INTEGER AS hour, ratio * whole * 1000000 AS units
FROM reservations JOIN (
    SELECT unnest(generate_series(min(hour), max(hour))) AS hour FROM lines
) AS h ON EffectiveStart::TIMESTAMPTZ <= to_timestamp(h.hour * 3600) AND to_timestamp(h.hour * 3600) < EffectiveEnd::TIMESTAMPTZ
WHERE whole > 0;

-- Lines that some reservation might take.
CREATE TABLE rest AS
SELECT line, thing, hour, t.ratio * quantity AS units_left
FROM lines JOIN things AS t USING (thing)
WHERE quantity > 0 AND EXISTS (
    FROM reservations AS r WHERE (r.BillingAccountId, r.x_CustomerId, r.BillingCurrency, r.RegionId, r.size_group)
                               = (t.BillingAccountId, t.x_CustomerId, t.BillingCurrency, t.RegionId, t.size_group));

-- Half to even.
CREATE MACRO halves(dividend, divisor) AS
    (dividend // divisor) + CASE
        WHEN 2 * (dividend % divisor) > divisor OR (2 * (dividend % divisor) = divisor AND (dividend // divisor) % 2 = 1) THEN 1
        ELSE 0 END;
CREATE MACRO rounded(dividend, divisor) AS
    CASE WHEN dividend < 0 THEN -halves(-dividend, divisor) ELSE halves(dividend, divisor) END;
"""

TAKE = """
CREATE TABLE keys{n} AS
SELECT row_number() OVER ()::INTEGER AS key, k.*
FROM (SELECT DISTINCT BillingAccountId, x_CustomerId, BillingCurrency, RegionId, {reserved} FROM reservations WHERE pass = {n}) AS k;

CREATE TABLE pass{n} AS
WITH offers AS (
    SELECT *, sum(units) OVER w - units AS low, sum(units) OVER w AS high
    FROM (SELECT key, hour, reservation, units FROM active JOIN (FROM reservations WHERE pass = {n}) USING (reservation)
          JOIN keys{n} USING (BillingAccountId, x_CustomerId, BillingCurrency, RegionId, {reserved}))
    WINDOW w AS (PARTITION BY key, hour ORDER BY reservation ROWS UNBOUNDED PRECEDING)
), demand AS (
    SELECT *, sum(units_left) OVER w - units_left AS low, sum(units_left) OVER w AS high
    FROM (SELECT key, hour, place, line, units_left FROM rest JOIN (
              SELECT thing, place, key FROM things AS t JOIN keys{n} AS k
              ON (k.BillingAccountId, k.x_CustomerId, k.BillingCurrency, k.RegionId)
                   = (t.BillingAccountId, t.x_CustomerId, t.BillingCurrency, t.RegionId) AND {same}
          ) USING (thing)
          WHERE units_left > 0 AND (key, hour) IN (SELECT (key, hour) FROM offers))
    WINDOW w AS (PARTITION BY key, hour ORDER BY place, line ROWS UNBOUNDED PRECEDING)
)
SELECT {n} AS pass, r.line, o.reservation, r.hour, r.place, least(o.high, r.high) - greatest(o.low, r.low) AS units
FROM demand AS r JOIN offers AS o ON o.key = r.key AND o.hour = r.hour AND o.low < r.high AND r.low < o.high;

CREATE OR REPLACE TABLE rest AS
SELECT r.* EXCLUDE (units_left), units_left - coalesce(t.units, 0) AS units_left
FROM rest AS r LEFT JOIN (SELECT line, sum(units)::HUGEINT AS units FROM pass{n} GROUP BY line) AS t USING (line);
"""

# How a key of each pass is named among reservations, and what of a resource it must equal.
KEYS = [
    ("AppliedScopeSubscriptionId, x_ArmSkuName", "k.AppliedScopeSubscriptionId = t.SubAccountId AND k.x_ArmSkuName = t.x_ArmSkuName"),
    ("AppliedScopeSubscriptionId, size_group", "k.AppliedScopeSubscriptionId = t.SubAccountId AND k.size_group = t.size_group"),
    ("x_ArmSkuName", "k.x_ArmSkuName = t.x_ArmSkuName"),
    ("size_group", "k.size_group = t.size_group"),
]

FINISH = """
CREATE TABLE priced AS
SELECT *, rounded(discounted * cost, 100000000) AS effective
FROM (
    SELECT t.* EXCLUDE (place), r.cost, rounded(t.units * 10000, g.ratio) AS consumed,
           rounded(t.units * 10000, r.ratio) AS discounted,
           row_number() OVER (PARTITION BY t.line ORDER BY t.pass DESC, t.reservation DESC) AS from_line_end,
           row_number() OVER (PARTITION BY t.reservation, t.hour ORDER BY t.place DESC, t.line DESC) AS from_reservation_end
    FROM (FROM pass1 UNION ALL FROM pass2 UNION ALL FROM pass3 UNION ALL FROM pass4) AS t
    JOIN lines AS u USING (line) JOIN things AS g USING (thing) JOIN reservations AS r USING (reservation)
);

CREATE TABLE offered AS
SELECT a.*, coalesce(t.units, 0) AS used, t.discounted, t.effective
FROM active AS a LEFT JOIN (
    SELECT reservation, hour, sum(units)::HUGEINT AS units, sum(discounted)::HUGEINT AS discounted,
           sum(effective)::HUGEINT AS effective
    FROM priced GROUP BY reservation, hour
) AS t USING (reservation, hour);

CREATE TABLE taken AS
SELECT line, r.units_left, s.consumed
FROM rest AS r JOIN (SELECT line, sum(consumed)::HUGEINT AS consumed FROM priced GROUP BY line) AS s USING (line);

COPY (
    WITH rated AS (
        SELECT p.line, u.thing, p.hour, p.reservation, 'Used' AS status,
               CASE WHEN from_line_end = 1 AND units_left = 0 THEN u.quantity::HUGEINT * 10000 - t.consumed + p.consumed
                    ELSE p.consumed END AS quantity,
               CASE WHEN from_reservation_end = 1 AND o.used = o.units
                    THEN r.whole * 10000000000 - o.discounted + p.discounted ELSE p.discounted END AS discount_quantity,
               0::HUGEINT AS billed,
               CASE WHEN from_reservation_end = 1 AND o.used = o.units
                    THEN r.whole * r.cost * 100 - o.effective + p.effective ELSE p.effective END AS effective
        FROM priced AS p JOIN offered AS o USING (reservation, hour) JOIN taken AS t USING (line)
        JOIN lines AS u USING (line) JOIN reservations AS r USING (reservation)
        UNION ALL
        SELECT line, thing, hour, NULL, NULL, left_over, NULL, cost, cost
        FROM (SELECT *, rounded(left_over * price, 1000000) AS cost
              FROM (SELECT u.*, g.price, u.quantity::HUGEINT * 10000 - coalesce(t.consumed, 0) AS left_over
                    FROM lines AS u JOIN things AS g USING (thing) LEFT JOIN taken AS t USING (line)
                    WHERE t.line IS NULL OR t.units_left > 0))
        UNION ALL
        SELECT NULL, NULL, hour, reservation, 'Unused', 0, r.whole * 10000000000 - coalesce(o.discounted, 0), 0,
               r.whole * r.cost * 100 - coalesce(o.effective, 0)
        FROM offered AS o JOIN reservations AS r USING (reservation)
        WHERE o.used < o.units
    )
    SELECT line AS LineId, coalesce(g.BillingAccountId, r.BillingAccountId) AS BillingAccountId,
           coalesce(g.x_CustomerId, r.x_CustomerId) AS x_CustomerId, g.SubAccountId, g.ResourceId,
           to_timestamp(hour::BIGINT * 3600) AS ChargePeriodStart, coalesce(g.RegionId, r.RegionId) AS RegionId,
           coalesce(g.x_ArmSkuName, r.x_ArmSkuName) AS x_ArmSkuName, g.ContractedUnitPrice,
           coalesce(g.BillingCurrency, r.BillingCurrency) AS BillingCurrency, r.ReservationId AS CommitmentDiscountId,
           status AS CommitmentDiscountStatus,
           CASE WHEN status IS NULL THEN 'Standard' ELSE 'Committed' END AS PricingCategory,
           (rated.quantity * 0.0000000001)::DECIMAL(38,10) AS ConsumedQuantity,
           (discount_quantity * 0.0000000001)::DECIMAL(38,10) AS CommitmentDiscountQuantity,
           (billed * 0.0000000001)::DECIMAL(38,10) AS BilledCost, (effective * 0.0000000001)::DECIMAL(38,10) AS EffectiveCost
    FROM rated LEFT JOIN things AS g USING (thing) LEFT JOIN reservations AS r USING (reservation)
) TO '{out}' (FORMAT parquet, COMPRESSION zstd);
"""

COPY = """
COPY (
    SELECT u.* EXCLUDE (ConsumedQuantity), NULL::VARCHAR AS CommitmentDiscountId, NULL::VARCHAR AS CommitmentDiscountStatus,
           'Standard' AS PricingCategory, ConsumedQuantity::DECIMAL(38,10) AS ConsumedQuantity,
           NULL::DECIMAL(38,10) AS CommitmentDiscountQuantity, ContractedUnitPrice::DECIMAL(38,10) AS BilledCost,
           ContractedUnitPrice::DECIMAL(38,10) AS EffectiveCost
    FROM (FROM read_parquet('{folder}/usage/*.parquet')
          UNION ALL (FROM read_parquet('{folder}/usage/*.parquet') LIMIT {more})) AS u
) TO '{out}' (FORMAT parquet, COMPRESSION zstd);
"""

THINGS = (
    "BillingAccountId, x_CustomerId, SubAccountId, ResourceId, RegionId, x_ArmSkuName, ContractedUnitPrice, BillingCurrency"
)
COLUMNS = (
    "LineId, BillingAccountId, x_CustomerId, SubAccountId, ResourceId, ChargePeriodStart, RegionId, x_ArmSkuName, "
    "ConsumedQuantity, ContractedUnitPrice, BillingCurrency, CommitmentDiscountId, CommitmentDiscountStatus, PricingCategory, "
    "CommitmentDiscountQuantity, BilledCost, EffectiveCost"
)


def connect(threads, memory):
    db = duckdb.connect()
    db.execute(f"SET threads = {threads}; SET memory_limit = '{memory}'; SET preserve_insertion_order = false; SET TimeZone = 'UTC'")
    return db


def main():
    what, *words = sys.argv[1:]
    if what == "compare":
        out, rated = words
        db = connect(os.cpu_count(), "16GiB")
        # Every row as one hash; rows that are equal on both sides take each other away.
        query = f"""
            SELECT count(*) FROM (
                SELECT key FROM (
                    SELECT hash({COLUMNS}) AS key, 1 AS sign FROM read_parquet('{out}')
                    UNION ALL SELECT hash({COLUMNS}), -1 FROM read_parquet('{rated}/*.parquet')
                ) GROUP BY key HAVING sum(sign) <> 0)"""
        different = db.execute(query).fetchone()[0]
        print(f"{different} rows differ")
        sys.exit(1 if different else 0)
    folder, out, threads, memory, *rest = words
    db = connect(threads, memory)
    begun = time.monotonic()
    if what == "copy":
        rows = db.execute(f"SELECT count(*) FROM read_parquet('{folder}/usage/*.parquet')").fetchone()[0]
        db.execute(COPY.format(folder=folder, out=out, more=max(0, int(rest[0]) - rows)))
    else:
        db.execute(LOAD.format(folder=folder, things=THINGS))
        for number, (reserved, same) in enumerate(KEYS, 1):
            db.execute(TAKE.format(n=number, reserved=reserved, same=same))
        db.execute(FINISH.format(out=out))
    wall = round((time.monotonic() - begun) * 1000)
    used = resource.getrusage(resource.RUSAGE_SELF)
    cpu = round((used.ru_utime + used.ru_stime) * 1000)
    rows = db.execute(f"SELECT count(*) FROM read_parquet('{out}')").fetchone()[0]
    print(wall, cpu, used.ru_maxrss, rows, os.path.getsize(out))


main()
