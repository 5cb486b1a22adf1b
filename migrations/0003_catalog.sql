-- What is for sale and what partners make their customers pay. Prices are in millionths of the currency's unit, days are
-- texts such as 2026-07-01.

-- A price sheet is immutable; the one with the highest number is in force.
CREATE TABLE price_sheet (
    sheet     BIGINT NOT NULL PRIMARY KEY CHECK (sheet >= 1),
    loaded_at BIGINT NOT NULL
);

CREATE TABLE offer (
    sheet             BIGINT NOT NULL REFERENCES price_sheet (sheet),
    number            BIGINT NOT NULL,
    sku               TEXT   NOT NULL,
    family            TEXT   NOT NULL,
    region            TEXT   NOT NULL,
    resource_type     TEXT   NOT NULL,
    term              TEXT   NOT NULL CHECK (term IN ('P1Y', 'P3Y', 'P5Y')),
    billing_plans     TEXT   NOT NULL, -- names, separated by blanks
    currency          TEXT   NOT NULL,
    list_e6           BIGINT NOT NULL CHECK (list_e6 >= 0),
    partner_e6        BIGINT NOT NULL CHECK (partner_e6 >= 0),
    flexibility_group TEXT,
    ratio_e6          BIGINT NOT NULL CHECK (ratio_e6 > 0),
    vcpus             BIGINT,
    memory_gib_e6     BIGINT,
    sold_from         TEXT,
    sold_until        TEXT,
    markets           TEXT   NOT NULL, -- country codes, separated by blanks; empty: all
    PRIMARY KEY (sheet, number)
);

CREATE TABLE price_rule (
    partner_id    TEXT   NOT NULL REFERENCES partner (partner_id),
    price_rule_id TEXT   NOT NULL UNIQUE,
    customer_id   TEXT   REFERENCES customer (customer_id), -- none: all customers
    family        TEXT,
    sku           TEXT,
    term          TEXT   CHECK (term IN ('P1Y', 'P3Y', 'P5Y')),
    kind          TEXT   NOT NULL CHECK (kind IN ('discount', 'markup', 'fixed')),
    amount_e6     BIGINT NOT NULL CHECK (amount_e6 >= 0), -- per cent, or an amount of the currency
    currency      TEXT,  -- fixed prices only
    holds_from    TEXT   NOT NULL,
    holds_until   TEXT,
    created_at    BIGINT NOT NULL,
    PRIMARY KEY (partner_id, price_rule_id),
    CHECK (family IS NULL OR sku IS NULL),
    CHECK ((kind = 'fixed') = (currency IS NOT NULL))
);
