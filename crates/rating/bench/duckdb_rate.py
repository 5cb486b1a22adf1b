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

# Both quantities and costs as integers of 10^-10; units as integers of 10^-21.
TAKE = """
CREATE TABLE pass{n} AS
WITH offers AS (
    SELECT *, sum(units) OVER w - units AS low, sum(units) OVER w AS high
    FROM (SELECT * FROM active WHERE pass = {n})
    WINDOW w AS (PARTITION BY context, region, hour, {key} ORDER BY purchased_at, reservation ROWS UNBOUNDED PRECEDING)
), demand AS (
    SELECT *, sum(units_left) OVER w - units_left AS low, sum(units_left) OVER w AS high
    FROM rest AS r
    WHERE units_left > 0 AND EXISTS (FROM offers AS o WHERE {same})
    WINDOW w AS (PARTITION BY context, region, hour, {key} ORDER BY subscription, resource, line ROWS UNBOUNDED PRECEDING)
)
SELECT {n} AS pass, r.line, o.reservation, r.hour,
       least(o.high, r.high) - greatest(o.low, r.low) AS units
FROM demand AS r JOIN offers AS o ON {same} AND o.low < r.high AND r.low < o.high;

CREATE OR REPLACE TABLE rest AS
SELECT r.* EXCLUDE (units_left), units_left - coalesce(t.units, 0) AS units_left
FROM rest AS r LEFT JOIN (SELECT line, sum(units)::HUGEINT AS units FROM pass{n} GROUP BY line) AS t USING (line);
"""

LOAD = """
CREATE TABLE sizes AS
SELECT ArmSkuName AS sku, 'group ' || first(InstanceSizeFlexibilityGroup) AS size_group,
       (first(Ratio)::DECIMAL(20,15) * 1000000000000000::DECIMAL(16,0))::HUGEINT AS ratio
FROM read_csv('{folder}/flexibility.csv', all_varchar = true) GROUP BY ArmSkuName;

CREATE TABLE usage AS
SELECT u.*, coalesce(s.size_group, 'sku ' || u.x_ArmSkuName) AS size_group,
       coalesce(s.ratio, 1000000000000000::HUGEINT) AS ratio,
       (u.ConsumedQuantity * 1000000)::BIGINT AS quantity
FROM read_parquet('{folder}/usage/*.parquet') AS u LEFT JOIN sizes AS s ON s.sku = u.x_ArmSkuName;

CREATE TABLE reservations AS
SELECT r.*, coalesce(s.size_group, 'sku ' || r.x_ArmSkuName) AS size_group,
       coalesce(s.ratio, 1000000000000000::HUGEINT) AS ratio,
       CASE WHEN AppliedScopeType = 'Single' THEN 0 ELSE 2 END
           + CASE WHEN InstanceFlexibility = 'Off' THEN 1 ELSE 2 END AS pass
FROM read_csv('{folder}/reservations.csv', all_varchar = true) AS r LEFT JOIN sizes AS s ON s.sku = r.x_ArmSkuName;

CREATE TABLE active AS
SELECT [r.BillingAccountId, r.x_CustomerId, r.BillingCurrency] AS context, r.RegionId AS region, h.hour,
       r.AppliedScopeSubscriptionId AS subscription, r.x_ArmSkuName AS sku, r.size_group, r.pass, r.ReservationId AS reservation,
       r.PurchasedAt::TIMESTAMPTZ AS purchased_at, r.ratio * r.Quantity::HUGEINT * 1000000 AS units
FROM reservations AS r JOIN (
    SELECT unnest(generate_series(min(ChargePeriodStart), max(ChargePeriodStart), INTERVAL 1 HOUR)) AS hour FROM usage
) AS h ON r.EffectiveStart::TIMESTAMPTZ <= h.hour AND h.hour < r.EffectiveEnd::TIMESTAMPTZ
WHERE r.Quantity::BIGINT > 0;

CREATE TABLE rest AS
SELECT LineId AS line, [BillingAccountId, x_CustomerId, BillingCurrency] AS context, RegionId AS region,
       ChargePeriodStart AS hour, SubAccountId AS subscription, ResourceId AS resource, x_ArmSkuName AS sku, size_group,
       ratio * greatest(quantity, 0) AS units_left
FROM usage;

-- Half to even.
CREATE MACRO halves(dividend, divisor) AS
    (dividend // divisor) + CASE
        WHEN 2 * (dividend % divisor) > divisor OR (2 * (dividend % divisor) = divisor AND (dividend // divisor) % 2 = 1) THEN 1
        ELSE 0 END;
CREATE MACRO rounded(dividend, divisor) AS
    CASE WHEN dividend < 0 THEN -halves(-dividend, divisor) ELSE halves(dividend, divisor) END;
"""

FINISH = """
CREATE TABLE parts AS
SELECT t.*, r.Quantity::HUGEINT * 10000000000 AS whole_quantity,
       (r.HourlyCost::DECIMAL(18,8) * 100000000)::HUGEINT AS cost, u.quantity::HUGEINT * 10000 AS line_quantity,
       rounded(t.units * 10000, u.ratio) AS consumed, rounded(t.units * 10000, r.ratio) AS discounted,
       row_number() OVER (PARTITION BY t.line ORDER BY t.pass DESC, r.PurchasedAt DESC, t.reservation DESC) AS from_line_end,
       row_number() OVER (PARTITION BY t.reservation, t.hour ORDER BY u.SubAccountId DESC, u.ResourceId DESC, t.line DESC)
           AS from_reservation_end
FROM (FROM pass1 UNION ALL FROM pass2 UNION ALL FROM pass3 UNION ALL FROM pass4) AS t
JOIN usage AS u ON u.LineId = t.line JOIN reservations AS r ON r.ReservationId = t.reservation;

CREATE TABLE priced AS SELECT *, rounded(discounted * cost, 100000000) AS effective FROM parts;

CREATE TABLE offered AS
SELECT a.*, coalesce(t.units, 0) AS used, t.discounted, t.effective
FROM active AS a LEFT JOIN (
    SELECT reservation, hour, sum(units)::HUGEINT AS units, sum(discounted)::HUGEINT AS discounted,
           sum(effective)::HUGEINT AS effective
    FROM priced GROUP BY reservation, hour
) AS t USING (reservation, hour);

CREATE TABLE rated AS
WITH covered AS (
    SELECT p.*, c.units_left, c.consumed_sum, o.units AS offer, o.used, o.discounted AS discounted_sum, o.effective AS effective_sum
    FROM priced AS p
    JOIN offered AS o USING (reservation, hour)
    JOIN (SELECT r.line, r.units_left, s.consumed_sum FROM rest AS r
          JOIN (SELECT line, sum(consumed)::HUGEINT AS consumed_sum FROM priced GROUP BY line) AS s USING (line)) AS c USING (line)
)
SELECT u.LineId, u.BillingAccountId, u.x_CustomerId, u.SubAccountId, u.ResourceId, u.ChargePeriodStart, u.RegionId,
       u.x_ArmSkuName,
       CASE WHEN from_line_end = 1 AND units_left = 0 THEN line_quantity - consumed_sum + consumed ELSE consumed END AS quantity,
       u.ContractedUnitPrice, u.BillingCurrency, c.reservation AS CommitmentDiscountId, 'Used' AS CommitmentDiscountStatus,
       'Committed' AS PricingCategory,
       CASE WHEN from_reservation_end = 1 AND used = offer THEN whole_quantity - discounted_sum + discounted ELSE discounted END
           AS discount_quantity,
       0::HUGEINT AS billed,
       CASE WHEN from_reservation_end = 1 AND used = offer
            THEN whole_quantity // 10000000000 * cost * 100 - effective_sum + effective ELSE effective END AS effective
FROM covered AS c JOIN usage AS u ON u.LineId = c.line
UNION ALL
SELECT LineId, BillingAccountId, x_CustomerId, SubAccountId, ResourceId, ChargePeriodStart, RegionId, x_ArmSkuName, left_over,
       ContractedUnitPrice, BillingCurrency, NULL, NULL, 'Standard', NULL, cost, cost
FROM (SELECT *, rounded(left_over * (ContractedUnitPrice * 1000000)::HUGEINT, 1000000) AS cost
      FROM (SELECT u.*, u.quantity::HUGEINT * 10000 - coalesce(s.consumed_sum, 0) AS left_over
            FROM usage AS u JOIN rest AS r ON r.line = u.LineId
            LEFT JOIN (SELECT line, sum(consumed)::HUGEINT AS consumed_sum FROM priced GROUP BY line) AS s ON s.line = u.LineId
            WHERE r.units_left > 0 OR u.quantity <= 0))
UNION ALL
SELECT NULL, r.BillingAccountId, r.x_CustomerId, NULL, NULL, o.hour, r.RegionId, r.x_ArmSkuName, 0, NULL, r.BillingCurrency,
       o.reservation, 'Unused', 'Committed', r.Quantity::HUGEINT * 10000000000 - coalesce(o.discounted, 0), 0,
       r.Quantity::HUGEINT * (r.HourlyCost::DECIMAL(18,8) * 100000000)::HUGEINT * 100 - coalesce(o.effective, 0)
FROM offered AS o JOIN reservations AS r ON r.ReservationId = o.reservation
WHERE o.used < o.units;

COPY (
    SELECT * EXCLUDE (quantity, discount_quantity, billed, effective), (quantity * 0.0000000001)::DECIMAL(38,10) AS ConsumedQuantity,
           (discount_quantity * 0.0000000001)::DECIMAL(38,10) AS CommitmentDiscountQuantity,
           (billed * 0.0000000001)::DECIMAL(38,10) AS BilledCost, (effective * 0.0000000001)::DECIMAL(38,10) AS EffectiveCost
    FROM rated
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
        db.execute(LOAD.format(folder=folder))
        keys = ["subscription, sku", "subscription, size_group", "sku", "size_group"]
        for number, key in enumerate(keys, 1):
            columns = ["context", "region", "hour"] + key.split(", ")
            same = " AND ".join(f"o.{column} = r.{column}" for column in columns)
            db.execute(TAKE.format(n=number, key=key, same=same))
        db.execute(FINISH.format(out=out))
    wall = round((time.monotonic() - begun) * 1000)
    used = resource.getrusage(resource.RUSAGE_SELF)
    cpu = round((used.ru_utime + used.ru_stime) * 1000)
    rows = db.execute(f"SELECT count(*) FROM read_parquet('{out}')").fetchone()[0]
    print(wall, cpu, used.ru_maxrss, rows, os.path.getsize(out))


main()
